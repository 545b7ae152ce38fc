// The table of a schema's messages for the trace decoder (tools/idl/trace/trace.h): NAME_trace.cpp.
#include <map>

#include "c_names.h"
#include "emit.h"
#include "writer.h"

namespace kos::idl {

namespace {

const char* kind_name(Kind kind) {
    switch (kind) {
        case Kind::kBool: return "kBool";
        case Kind::kUnsigned: return "kUnsigned";
        case Kind::kSigned: return "kSigned";
        case Kind::kFloat: return "kFloat";
        case Kind::kEnum: return "kEnum";
        case Kind::kStruct: return "kStruct";
        case Kind::kFixedText: return "kFixedText";
        case Kind::kFixedData: return "kFixedData";
        case Kind::kText: return "kText";
        case Kind::kData: return "kData";
        case Kind::kList: return "kList";
        case Kind::kToken: return "kToken";
    }
    return "";
}

std::string dotted(const Named& named) {
    std::string result;
    for (const std::string& part : named.path) result += (result.empty() ? "" : ".") + part;
    return result;
}

class Tables {
public:
    explicit Tables(Writer& out) : out_(out) {}

    // The name of an array of the fields; written once.
    std::string fields(const std::vector<Field>& fields, const std::string& name) {
        if (fields.empty()) return "{}";
        std::vector<std::string> rows;
        for (const Field& field : fields) rows.push_back(row(field));
        out_.open("constexpr Field %[] = {", name);
        for (const std::string& text : rows) out_.line("%,", text);
        out_.close("};");
        return name;
    }

private:
    std::string row(const Field& field) {
        const Type& inner = field.type.element ? *field.type.element : field.type;
        std::string text =
            "{.name = \"" + field.name + "\", .kind = Kind::" + kind_name(field.type.kind) +
            ", .element = Kind::" + kind_name(inner.kind) + ", .offset = " + std::to_string(field.offset) +
            ", .bytes = " + std::to_string(field.type.bytes) + ", .max = " + std::to_string(field.type.max);
        text += ", .values = " + (inner.enumeration ? values(*inner.enumeration) : "{}");
        text += ", .fields = " + (inner.structure ? structure(*inner.structure) : "{}");
        return text + ", .optional = " + (field.type.optional ? "true" : "false") +
               ", .raw = " + (field.type.raw ? "true" : "false") + ", .own = " + (field.type.own ? "true" : "false") +
               "}";
    }

    std::string values(const Enum& item) {
        const std::string name = "k" + pascal(item.path) + "Values";
        if (!written_.emplace(&item, true).second) return name;
        out_.open("constexpr const char* %[] = {", name);
        for (const Enumerant& value : item.values) out_.line("\"%\",", value.name);
        out_.close("};");
        return name;
    }

    std::string structure(const Struct& item) {
        const std::string name = "k" + pascal(item.path) + "Fields";
        if (written_.emplace(&item, true).second) (void)fields(item.fields, name);
        return name;
    }

    Writer& out_;
    std::map<const void*, bool> written_;
};

std::string message(const Message& message, const std::string& fields) {
    return "{.fields = " + fields + ", .in_registers = " + (message.in_registers ? "true" : "false") +
           ", .fixed_bytes = " + std::to_string(message.fixed_bytes) +
           ", .variable_offset = " + std::to_string(message.variable_offset) +
           ", .payload_max = " + std::to_string(message.payload_max) + "}";
}

}  // namespace

std::string emit_trace(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: table for the trace decoder.", schema.file);
    out.line("#include \"trace.h\"");
    out.blank();
    out.line("namespace kos::idl::trace {");
    out.blank();
    out.line("namespace {");
    out.blank();
    Tables tables(out);
    for (const Interface* item : schema.interfaces) {
        const std::string name = "k" + pascal(item->path);
        std::vector<std::string> rows;
        for (const Method& method : item->methods) {
            const std::string base = name + pascal(method.name);
            const std::string request = tables.fields(method.request.fields, base + "Request");
            const std::string answer = tables.fields(method.answer.fields, base + "Answer");
            rows.push_back("{.name = \"" + method.name + "\", .label = " + std::to_string(method.label) +
                           ", .one_way = " + (method.one_way ? "true" : "false") + ", .request = " +
                           message(method.request, request) + ", .answer = " + message(method.answer, answer) + "}");
        }
        if (!rows.empty()) {
            out.open("constexpr Method %Methods[] = {", name);
            for (const std::string& row : rows) out.line("%,", row);
            out.close("};");
        }
        out.blank();
    }
    out.line("}  // namespace");
    out.blank();
    for (const Interface* item : schema.interfaces) {
        const std::string name = "k" + pascal(item->path);
        out.line("extern const Interface %Interface;", name);
        out.line("const Interface %Interface = {.name = \"%\", .file = \"%\", .methods = %};", name, dotted(*item),
                 item->file, item->methods.empty() ? std::string("{}") : name + "Methods");
    }
    out.blank();
    // idl/CMakeLists.txt puts these together.
    out.line("extern const Interface* const schema_%[];", schema.file);
    out.open("const Interface* const schema_%[] = {", schema.file);
    for (const Interface* item : schema.interfaces) out.line("&k%Interface,", pascal(item->path));
    out.line("nullptr,");
    out.close("};");
    out.blank();
    out.line("}  // namespace kos::idl::trace");
    return out.text();
}

}  // namespace kos::idl
