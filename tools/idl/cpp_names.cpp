// How the things of a schema are called in the C++ binding.
#include "cpp_names.h"

#include "c_names.h"

namespace kos::idl::cpp {

std::string space(const Named& named, bool is_interface) {
    return named.path.size() > 1 || is_interface
               ? snake(named.path.size() > 1 && !is_interface ? std::vector<std::string>{named.path.front()}
                                                              : named.path)
               : named.file;
}

std::string alias(const Named& named) {
    if (named.path.size() == 1) return pascal(named.path.front());
    return pascal(std::vector<std::string>(named.path.begin() + 1, named.path.end()));
}

std::string client_class(const Type& type) {
    return type.interface ? "::kos::idl::" + space(*type.interface, true) + "::Client" : "AnyClient";
}

std::string view_type(const Type& type) {
    if (type.kind == Kind::kText) return "std::string_view";
    return "std::span<const " + c::element_type(type) + ">";
}

std::string parameter_type(const Type& type, bool received) {
    if (type.variable()) return view_type(type);
    if (type.kind == Kind::kFixedText) return "const char*";
    if (type.kind == Kind::kFixedData) return "std::span<const uint8_t, " + std::to_string(type.bytes) + ">";
    if (type.kind == Kind::kStruct) return "const " + c::type_name(*type.structure) + "&";
    if (type.token() && received) return (type.own ? "Received<" : "Owned<") + client_class(type) + ">";
    if (type.token()) return client_class(type);
    return c::value_type(type);
}

std::string value_type(const Type& type) {
    if (type.variable()) return view_type(type);
    if (type.token()) return "Owned<" + client_class(type) + ">";
    return c::value_type(type);
}

std::string to_c_token(const Type& type, const std::string& slot) {
    return type.interface ? c::client_type(*type.interface) + "{" + slot + "}" : slot;
}

std::string from_c_token(const Type& type, const std::string& value) {
    return client_class(type) + "(" + value + (type.interface ? ".slot" : "") + ")";
}

bool single(const Message& answer) { return answer.fields.size() == 1 && !answer.fields[0].type.array(); }

std::string answer_struct(const Method& method) { return pascal(method.name) + "Answer"; }

std::string result_type(const Method& method) {
    if (method.answer.empty()) return "Result<void>";
    return "Result<" + (single(method.answer) ? value_type(method.answer.fields[0].type) : answer_struct(method)) + ">";
}

}  // namespace kos::idl::cpp
