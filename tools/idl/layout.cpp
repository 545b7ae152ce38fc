// The layout of structs and messages (idl/README.md, "Layout").
#include "layout.h"

#include <algorithm>

namespace kos::idl {

uint32_t align_up(uint32_t value, uint32_t align) { return (value + align - 1) / align * align; }

void lay_out(Struct& structure) {
    uint32_t offset = 0;
    structure.align = 1;
    for (Field& field : structure.fields) {
        field.offset = align_up(offset, field.type.align);
        offset = field.offset + field.type.bytes;
        structure.align = std::max(structure.align, field.type.align);
    }
    structure.bytes = align_up(offset, structure.align);
}

std::vector<Struct::Gap> Struct::gaps() const {
    std::vector<Gap> result;
    uint32_t end = 0;
    for (const Field& field : fields) {
        if (field.offset > end) result.push_back({end, field.offset - end});
        end = field.offset + field.type.bytes;
    }
    if (bytes > end) result.push_back({end, bytes - end});
    return result;
}

namespace {

std::string names(const Field& first, const Field& second) { return "`" + first.name + "` and `" + second.name + "`"; }

// The largest alignment first, so that there are no gaps; among equals the order of declaration.
void place_fixed(Message& message) {
    std::vector<Field*> fixed;
    for (Field& field : message.fields) {
        if (field.type.fixed()) fixed.push_back(&field);
    }
    std::stable_sort(fixed.begin(), fixed.end(),
                     [](const Field* a, const Field* b) { return a->type.align > b->type.align; });
    for (Field* field : fixed) {
        field->offset = message.fixed_bytes;
        message.fixed_bytes += field->type.bytes;
    }
}

void place_variable(Message& message) {
    const Type& type = message.fields[static_cast<size_t>(message.variable)].type;
    const uint32_t before = message.in_registers ? 0 : message.fixed_bytes;
    message.variable_offset = align_up(before, type.align);
    message.payload_max = message.variable_offset + type.max * (type.kind == Kind::kList ? type.bytes : 1);
}

}  // namespace

std::vector<std::string> lay_out(Message& message, bool one_way) {
    std::vector<std::string> errors;
    for (size_t i = 0; i < message.fields.size(); ++i) {
        const Field& field = message.fields[i];
        if (field.type.variable()) {
            if (message.variable >= 0) {
                errors.push_back("found two parameters of variable length, " + names(*message.variable_field(), field) +
                                 "; expected at most one per direction (Text and Data can have $fixedBytes)");
            }
            message.variable = static_cast<int>(i);
        }
        if (field.type.token()) {
            if (message.token >= 0) {
                errors.push_back("found two tokens, " + names(*message.token_field(), field) +
                                 "; expected at most one per direction");
            }
            message.token = static_cast<int>(i);
        }
    }
    place_fixed(message);
    message.in_registers = !one_way && message.fixed_bytes <= kRegisterBytes;
    message.payload_max = message.in_registers ? 0 : message.fixed_bytes;
    if (message.variable >= 0) place_variable(message);
    const uint32_t limit = one_way ? kQueueMax : kPayloadMax;
    if (message.payload_max > limit) {
        errors.push_back("found a payload of up to " + std::to_string(message.payload_max) +
                         " bytes; expected at most " + std::to_string(limit) +
                         (one_way ? " for a $oneWay method" : ""));
    }
    if (one_way && message.token >= 0) {
        errors.push_back("found token `" + message.token_field()->name + "`; expected none for a $oneWay method");
    }
    return errors;
}

}  // namespace kos::idl
