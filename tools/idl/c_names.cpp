// How the things of a schema are called in the C binding.
#include "c_names.h"

namespace kos::idl::c {

std::string value_type(const Type& type) {
    const std::string bits = std::to_string(type.bytes * 8);
    switch (type.kind) {
        case Kind::kBool: return "bool";
        case Kind::kUnsigned: return "uint" + bits + "_t";
        case Kind::kSigned: return "int" + bits + "_t";
        case Kind::kFloat: return type.bytes == 4 ? "float" : "double";
        case Kind::kEnum: return type_name(*type.enumeration);
        case Kind::kStruct: return type_name(*type.structure);
        case Kind::kToken: return type.interface ? client_type(*type.interface) : "kos_token_t";
        default: return element_type(type);
    }
}

std::string element_type(const Type& type) {
    if (type.kind == Kind::kText || type.kind == Kind::kFixedText) return "char";
    if (type.kind == Kind::kData || type.kind == Kind::kFixedData) return "uint8_t";
    return value_type(*type.element);
}

std::string member(const Field& field) { return snake(field.name); }

std::string length_name(const Field& field) {
    return member(field) + (field.type.kind == Kind::kList ? "_count" : "_bytes");
}

std::string own_name(const Field& field) { return member(field) + "_own"; }

namespace {

std::string parameters(const Message& message, bool with_own) {
    std::string result;
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.variable()) {
            result += ", const " + element_type(field.type) + "* " + name + ", size_t " + length_name(field);
        } else if (field.type.array()) {
            result += ", const " + element_type(field.type) + "* " + name;
        } else if (field.type.kind == Kind::kStruct) {
            result += ", const " + value_type(field.type) + "* " + name;
        } else {
            result += ", " + value_type(field.type) + " " + name;
        }
        if (with_own && field.type.own) result += ", const kos_caller_t* " + own_name(field);
    }
    return result;
}

std::string arguments(const Message& message, const std::string& view, bool with_own) {
    std::string result;
    for (const Field& field : message.fields) {
        const bool by_address = field.type.kind == Kind::kStruct;
        result += ", " + std::string(by_address ? "&" : "") + view + "." + member(field);
        if (field.type.variable()) result += ", " + view + "." + length_name(field);
        if (with_own && field.type.own) {
            const std::string own = view + "." + own_name(field);
            result += ", " + own + ".port ? &" + own + " : 0";
        }
    }
    return result;
}

}  // namespace

std::string in_parameters(const Message& message) { return parameters(message, false); }
std::string handler_parameters(const Message& message) { return parameters(message, true); }

std::string out_parameters(const Message& message) {
    std::string result;
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.variable()) {
            result += ", const " + element_type(field.type) + "** " + name + ", size_t* " + length_name(field);
        } else {
            result += ", " + value_type(field.type) + "* " + name;
        }
    }
    return result;
}

std::string in_arguments(const Message& message, const std::string& view) { return arguments(message, view, false); }

std::string handler_arguments(const Message& message, const std::string& view) {
    return arguments(message, view, true);
}

std::string out_arguments(const Message& message, const std::string& view) {
    std::string result;
    for (const Field& field : message.fields) {
        result += ", " + std::string(field.type.array() ? "" : "&") + view + "." + member(field);
        if (field.type.variable()) result += ", &" + view + "." + length_name(field);
    }
    return result;
}

}  // namespace kos::idl::c
