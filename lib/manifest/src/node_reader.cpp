// See node_reader.h.
#include "node_reader.h"

#include <libfdt.h>
#include <string.h>

namespace kos::manifest {
namespace {

constexpr int kMaxFields = 32;  // of one table: bits of `seen`

template <typename T>
void store(uint8_t* target, const Field& field, const T& value) {
    memcpy(target + field.offset, &value, sizeof(value));
}

}  // namespace

uint32_t cell_at(const uint8_t* data) {
    return uint32_t{data[0]} << 24 | uint32_t{data[1]} << 16 | uint32_t{data[2]} << 8 | data[3];
}

static uint64_t u64_at(const uint8_t* data) { return uint64_t{cell_at(data)} << 32 | cell_at(data + 4); }

bool is_name(const char* text, bool allow_dash) {
    if (text[0] < 'a' || text[0] > 'z') {
        return false;
    }
    size_t length = 1;
    for (; text[length] != '\0' && length <= KOS_MAX_NAME; ++length) {
        const char c = text[length];
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '-' && allow_dash);
        if (!good) {
            return false;
        }
    }
    return length <= KOS_MAX_NAME;
}

const char* next_text(TextList& list) {
    if (list.bytes == 0) {
        return nullptr;
    }
    const char* text = list.data;
    const auto bytes = static_cast<uint32_t>(strlen(text) + 1);
    list.data += bytes;
    list.bytes -= bytes;
    return text;
}

const char* NodeReader::as_text(const void* data, int length) {
    if (length < 1 || memchr(data, '\0', static_cast<size_t>(length)) != static_cast<const char*>(data) + length - 1) {
        return nullptr;
    }
    return static_cast<const char*>(data);
}

bool NodeReader::fail(int node, const char* property, const char* text, int64_t found) {
    error_ = Error{};
    error_.text = text;
    error_.found = found;
    // Half of the room for the node, so that there is always some for the property.
    if (node < 0 || fdt_get_path(tree_, node, error_.path, sizeof(error_.path) / 2) != 0) {
        error_.path[0] = '\0';
    }
    if (property != nullptr) {
        size_t end = strlen(error_.path);
        error_.path[end++] = ':';
        for (size_t i = 0; property[i] != '\0' && end + 1 < sizeof(error_.path); ++i) {
            error_.path[end++] = property[i];
        }
        error_.path[end] = '\0';
    }
    return false;
}

const char* NodeReader::read_name(int node) {
    const char* name = fdt_get_name(tree_, node, nullptr);
    if (name == nullptr || !is_name(name)) {
        fail(node, nullptr, "a name: [a-z][a-z0-9_]*, at most 31 characters, is expected");
        return nullptr;
    }
    return name;
}

bool NodeReader::has_no_properties(int node) {
    const int property = fdt_first_property_offset(tree_, node);
    return property == -FDT_ERR_NOTFOUND || fail(node, nullptr, "no properties are expected in this node");
}

bool NodeReader::check_children(int parent, std::span<const char* const> names) {
    uint32_t seen = 0;
    int node = 0;
    fdt_for_each_subnode(node, tree_, parent) {
        const char* name = fdt_get_name(tree_, node, nullptr);
        size_t i = 0;
        while (name != nullptr && i < names.size() && strcmp(names[i], name) != 0) {
            ++i;
        }
        if (name == nullptr || i == names.size() || (seen >> i & 1) != 0) {
            return fail(node, nullptr, "this node is not known here, or there twice");
        }
        seen |= 1u << i;
    }
    return true;
}

bool NodeReader::read_fields(int node, std::span<const Field> fields, void* target) {
    uint32_t seen = 0;
    static_assert(kMaxFields <= 32);
    int property = 0;
    fdt_for_each_property_offset(property, tree_, node) {
        const char* name = nullptr;
        int length = 0;
        const auto* data = static_cast<const uint8_t*>(fdt_getprop_by_offset(tree_, property, &name, &length));
        if (data == nullptr) {
            return fail(node, nullptr, "a property cannot be read", length);
        }
        size_t i = 0;
        while (i < fields.size() && strcmp(fields[i].name, name) != 0) {
            ++i;
        }
        if (i == fields.size()) {
            return fail(node, name, "this property is not known");
        }
        if ((seen >> i & 1) != 0) {
            return fail(node, name, "a property is expected once");
        }
        seen |= 1u << i;
        if (!read_field(node, fields[i], data, length, static_cast<uint8_t*>(target))) {
            return false;
        }
    }
    if (property != -FDT_ERR_NOTFOUND) {
        return fail(node, nullptr, "the properties cannot be read", property);
    }
    for (size_t i = 0; i < fields.size(); ++i) {
        if ((seen >> i & 1) == 0 && (fields[i].is_required || fields[i].min > 0)) {
            return fail(node, fields[i].name, "this property is missing");
        }
    }
    return true;
}

bool NodeReader::read_number(int node, const Field& field, uint64_t value) {
    if (value < field.min || value > field.max) {
        return fail(node, field.name, "the number is out of its range", static_cast<int64_t>(value));
    }
    return value % field.granule == 0 ||
           fail(node, field.name, "a number of whole pages is expected", static_cast<int64_t>(value));
}

bool NodeReader::read_field(int node, const Field& field, const uint8_t* data, int length, uint8_t* target) {
    const char* const characters = reinterpret_cast<const char*>(data);
    switch (field.kind) {
        case Kind::kU32: {
            if (length != 4) return fail(node, field.name, "4 bytes are expected", length);
            const uint32_t value = cell_at(data);
            store(target, field, value);
            return read_number(node, field, value);
        }
        case Kind::kU64: {
            if (length != 8) return fail(node, field.name, "8 bytes are expected", length);
            const uint64_t value = u64_at(data);
            store(target, field, value);
            return read_number(node, field, value);
        }
        case Kind::kFlag:
            store(target, field, true);
            return length == 0 || fail(node, field.name, "a property without value is expected", length);
        case Kind::kText: {
            const char* text = as_text(data, length);
            if (text == nullptr || length > static_cast<int>(kMaxTextBytes) + 1) {
                return fail(node, field.name, "one text of at most 255 bytes is expected", length);
            }
            store(target, field, text);
            return true;
        }
        case Kind::kHash:
            store(target, field, data);
            return length == 32 || fail(node, field.name, "32 bytes are expected", length);
        case Kind::kChoice: {
            const char* text = as_text(data, length);
            for (size_t i = 0; text != nullptr && i < field.choices.size(); ++i) {
                if (strcmp(text, field.choices[i]) == 0) {
                    store(target, field, static_cast<uint8_t>(i));
                    return true;
                }
            }
            return fail(node, field.name, "one of the known words is expected");
        }
        case Kind::kChoices: {
            uint32_t mask = 0;
            const bool good = read_choices(node, field, characters, length, mask);
            store(target, field, mask);
            return good;
        }
        case Kind::kTexts: {
            Range range{};
            const bool good = read_texts(node, field, characters, length, range);
            store(target, field, range);
            return good;
        }
        case Kind::kList:
            if (length < 1 || data[length - 1] != 0) {
                return fail(node, field.name, "a list of texts is expected", length);
            }
            store(target, field, TextList{characters, static_cast<uint32_t>(length)});
            return true;
        case Kind::kCells: {
            const auto count = static_cast<uint32_t>(length) / 4;
            store(target, field, CellList{data, count});
            const bool good = length % 4 == 0 && count >= field.min && count <= field.max;
            return good || fail(node, field.name, "another number of cells is expected", length);
        }
        case Kind::kRegion: {
            if (length != 16) return fail(node, field.name, "16 bytes are expected", length);
            const Region region{u64_at(data), u64_at(data + 8)};
            store(target, field, region);
            if (region.bytes == 0 || region.address + region.bytes < region.address ||
                (region.address | region.bytes) % KOS_PAGE_BYTES != 0) {
                return fail(node, field.name, "a range of whole pages is expected",
                            static_cast<int64_t>(region.address));
            }
            return true;
        }
    }
    return fail(node, field.name, "this property is not known");
}

bool NodeReader::read_choices(int node, const Field& field, const char* data, int length, uint32_t& mask) {
    if (length < 1 || data[length - 1] != '\0') {
        return fail(node, field.name, "a list of texts is expected", length);
    }
    TextList list{data, static_cast<uint32_t>(length)};
    while (const char* text = next_text(list)) {
        size_t i = 0;
        while (i < field.choices.size() && strcmp(text, field.choices[i]) != 0) {
            ++i;
        }
        if (i == field.choices.size() || (mask >> i & 1) != 0) {
            return fail(node, field.name, "known words are expected, each once");
        }
        mask |= 1u << i;
    }
    return true;
}

bool NodeReader::read_texts(int node, const Field& field, const char* data, int length, Range& range) {
    if (length < 1 || data[length - 1] != '\0') {
        return fail(node, field.name, "a list of texts is expected", length);
    }
    range.first = static_cast<uint16_t>(manifest_.text_count);
    TextList list{data, static_cast<uint32_t>(length)};
    while (const char* text = next_text(list)) {
        if (strlen(text) > kMaxTextBytes) {
            return fail(node, field.name, "texts of at most 255 bytes are expected");
        }
        if (manifest_.text_count == kMaxTexts) {
            return fail(node, field.name, "at most 512 arguments and environment entries are expected in all");
        }
        manifest_.texts[manifest_.text_count++] = text;
        ++range.count;
    }
    return true;
}

}  // namespace kos::manifest
