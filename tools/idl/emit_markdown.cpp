// The reference page of a schema, NAME.md: for each method what it does, its parameters, and where they are on the
// wire.
#include "c_names.h"
#include "emit.h"
#include "writer.h"

namespace kos::idl {

namespace {

std::string dotted(const Named& named) {
    std::string result;
    for (const std::string& part : named.path) result += (result.empty() ? "" : ".") + part;
    return result;
}

// In a table's cell.
std::string cell(std::string text) {
    for (char& c : text) {
        if (c == '\n') c = ' ';
    }
    for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
}

std::string type_text(const Type& type) {
    const std::string bits = std::to_string(type.bytes * 8);
    switch (type.kind) {
        case Kind::kBool: return "Bool";
        case Kind::kUnsigned: return "UInt" + bits;
        case Kind::kSigned: return "Int" + bits;
        case Kind::kFloat: return "Float" + bits;
        case Kind::kEnum: return dotted(*type.enumeration);
        case Kind::kStruct: return dotted(*type.structure);
        case Kind::kFixedText: return "Text in " + std::to_string(type.bytes) + " bytes";
        case Kind::kFixedData: return "Data, " + std::to_string(type.bytes) + " bytes";
        case Kind::kText:
            return "Text" + std::string(type.raw ? " or other bytes" : "") + ", at most " + std::to_string(type.max) +
                   " bytes";
        case Kind::kData: return "Data, at most " + std::to_string(type.max) + " bytes";
        case Kind::kList: return "list of at most " + std::to_string(type.max) + " " + type_text(*type.element);
        case Kind::kToken:
            return std::string(type.optional ? "optional " : "") + (type.own ? "(perhaps the server's own) " : "") +
                   "token for " + (type.interface ? dotted(*type.interface) : "any interface");
    }
    return "";
}

std::string bytes_text(uint32_t first, uint32_t count) {
    if (count == 1) return std::to_string(first);
    return std::to_string(first) + ".." + std::to_string(first + count - 1);
}

std::string place_text(const Message& message, const Field& field) {
    if (field.type.token()) return "token";
    if (field.type.variable()) return "payload, from byte " + std::to_string(message.variable_offset);
    if (!message.in_registers) return "payload, bytes " + bytes_text(field.offset, field.type.bytes);
    if (field.offset / 8 != (field.offset + field.type.bytes - 1) / 8) {
        return "registers, bytes " + bytes_text(field.offset, field.type.bytes);
    }
    static const char* const kWords[] = {"param", "word 0", "word 1"};
    const std::string word = kWords[field.offset / 8];
    return field.type.bytes == 8 ? word : word + ", bytes " + bytes_text(field.offset % 8, field.type.bytes);
}

void emit_message(Writer& out, const Message& message, const char* what) {
    if (message.empty()) return;
    out.line("| % | type | where | |", what);
    out.line("|---|---|---|---|");
    for (const Field& field : message.fields) {
        out.line("| `%` | % | % | % |", field.name, type_text(field.type), place_text(message, field), cell(field.doc));
    }
    out.blank();
}

void emit_paragraph(Writer& out, const std::string& doc) {
    if (doc.empty()) return;
    out.comment(doc, "");
    out.blank();
}

void emit_method(Writer& out, const Method& method) {
    out.line("### %", method.name);
    out.blank();
    std::string traits = "Label " + std::to_string(method.label) + ".";
    if (method.one_way) traits += " One way, through the queue.";
    if (method.deferred) traits += " May be answered later.";
    if (!method.one_way && method.request.registers_only() && method.answer.registers_only())
        traits += " In registers.";
    out.line("%", traits);
    out.blank();
    emit_paragraph(out, method.doc);
    emit_message(out, method.request, "parameter");
    emit_message(out, method.answer, "result");
    if (!method.errors.empty()) {
        std::string errors;
        for (const std::string& error : method.errors) errors += (errors.empty() ? "`" : ", `") + error + "`";
        out.line("Errors: %.", errors);
        out.blank();
    }
}

void emit_enum(Writer& out, const Enum& item) {
    out.line("### enum %", dotted(item));
    out.blank();
    emit_paragraph(out, item.doc);
    out.line("| number | name | |");
    out.line("|---|---|---|");
    for (size_t i = 0; i < item.values.size(); ++i) {
        out.line("| % | `%` | % |", i, item.values[i].name, cell(item.values[i].doc));
    }
    out.blank();
}

void emit_struct(Writer& out, const Struct& item) {
    out.line("### struct %", dotted(item));
    out.blank();
    emit_paragraph(out, item.doc);
    out.line("% bytes, aligned to %.", item.bytes, item.align);
    out.blank();
    out.line("| bytes | name | type | |");
    out.line("|---|---|---|---|");
    for (const Field& field : item.fields) {
        out.line("| % | `%` | % | % |", bytes_text(field.offset, field.type.bytes), field.name, type_text(field.type),
                 cell(field.doc));
    }
    out.blank();
}

}  // namespace

std::string emit_markdown(const Schema& schema) {
    Writer out;
    out.line("# %", schema.file);
    out.blank();
    emit_paragraph(out, schema.doc);
    for (const Interface* item : schema.interfaces) {
        out.line("## %", dotted(*item));
        out.blank();
        emit_paragraph(out, item->doc);
        if (item->single_use) {
            out.line("A token for it takes one request.");
            out.blank();
        }
        for (const Method& method : item->methods) emit_method(out, method);
    }
    if (!schema.enums.empty() || !schema.structs.empty()) {
        out.line("## Types");
        out.blank();
    }
    for (const Enum* item : schema.enums) emit_enum(out, *item);
    for (const Struct* item : schema.structs) emit_struct(out, *item);
    return out.text();
}

}  // namespace kos::idl
