// How the things of a schema are called in the C++ binding; also used by what is built on it.
#pragma once

#include <string>

#include "model.h"

namespace kos::idl::cpp {

// The namespace below kos::idl, and the name in it.
std::string space(const Named& named, bool is_interface);
std::string alias(const Named& named);

std::string client_class(const Type& type);  // ::kos::idl::session::Client
std::string view_type(const Type& type);     // std::string_view, std::span<const T>

// As a parameter; `received`: of a server's method, which owns tokens.
std::string parameter_type(const Type& type, bool received);
// As a result.
std::string value_type(const Type& type);

// A token is a struct of one slot in the C binding, or a bare slot.
std::string to_c_token(const Type& type, const std::string& slot);
std::string from_c_token(const Type& type, const std::string& value);

// A method with a single result returns it, with several a struct.
bool single(const Message& answer);
std::string answer_struct(const Method& method);
std::string result_type(const Method& method);

}  // namespace kos::idl::cpp
