// Elixir bindings of a schema: a table of its messages for Kos.Interface (beam/kos), which makes functions of it.
//
// The table says where each field is; encoding, decoding and their checks are in Kos.Interface, once.
#include <cstdlib>

#include "emit.h"
#include "names.h"
#include "writer.h"

namespace kos::idl {

namespace {

std::string atom(const std::string& camel) { return ":" + snake(camel); }

// As an Elixir string, for documentation.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\' || c == '#') result += '\\';
        result += c == '\n' ? ' ' : c;
    }
    return result + "\"";
}

std::string type_text(const Type& type);

std::string fields_text(const std::vector<Field>& fields) {
    std::string result;
    for (const Field& field : fields) {
        if (!result.empty()) result += ", ";
        result += "{" + atom(field.name) + ", " + type_text(field.type) + ", " + std::to_string(field.offset) + "}";
    }
    return "[" + result + "]";
}

std::string enum_text(const Enum& item) {
    std::string result;
    for (const Enumerant& value : item.values) result += (result.empty() ? "" : ", ") + atom(value.name);
    return "[" + result + "]";
}

std::string type_text(const Type& type) {
    const std::string bytes = std::to_string(type.bytes), most = std::to_string(type.max);
    switch (type.kind) {
        case Kind::kBool: return ":bool";
        case Kind::kUnsigned: return "{:unsigned, " + bytes + "}";
        case Kind::kSigned: return "{:signed, " + bytes + "}";
        case Kind::kFloat: return "{:float, " + bytes + "}";
        case Kind::kEnum: return "{:enum, " + enum_text(*type.enumeration) + "}";
        case Kind::kStruct: return "{:struct, " + bytes + ", " + fields_text(type.structure->fields) + "}";
        case Kind::kFixedText: return "{:fixed_text, " + bytes + "}";
        case Kind::kFixedData: return "{:fixed_data, " + bytes + "}";
        case Kind::kText: return std::string(type.raw ? "{:raw_text, " : "{:text, ") + most + "}";
        case Kind::kData: return "{:data, " + most + "}";
        case Kind::kList: return "{:list, " + most + ", " + bytes + ", " + type_text(*type.element) + "}";
        case Kind::kToken: return type.optional ? ":optional_token" : ":token";
    }
    return "";
}

std::string message_text(const Message& message) {
    return "%{registers: " + std::string(message.in_registers ? "true" : "false") +
           ", fixed: " + std::to_string(message.fixed_bytes) +
           ", variable_at: " + std::to_string(message.variable_offset) +
           ", payload_max: " + std::to_string(message.payload_max) + ", fields: " + fields_text(message.fields) + "}";
}

// What the modules are below: an application's own, so that two of one BEAM may use the same schema.
std::string parent_module() {
    const char* const value = std::getenv("KOS_IDL_MODULE");
    return value && *value ? value : "Kos.Idl";
}

}  // namespace

std::string emit_elixir(const Schema& schema) {
    Writer out;
    out.line("# Generated from %.capnp by tools/idl.", schema.file);
    for (const Interface* item : schema.interfaces) {
        out.open("defmodule %.% do", parent_module(), pascal(item->path));
        out.line("@moduledoc %", quoted(item->doc.empty() ? "Interface " + pascal(item->path) + "." : item->doc));
        out.open("use Kos.Interface, methods: [");
        for (const Method& method : item->methods) {
            out.line("%{name: %, label: %, one_way: %, doc: %,", "%", atom(method.name), method.label,
                     method.one_way ? "true" : "false", quoted(method.doc));
            out.line("  request: %,", message_text(method.request));
            out.line("  answer: %}%", message_text(method.answer), &method == &item->methods.back() ? "" : ",");
        }
        out.close("]");
        out.close("end");
        out.blank();
    }
    return out.text();
}

}  // namespace kos::idl
