// How the things of a schema are called in the C binding; also used by what is built on it.
#pragma once

#include <string>

#include "model.h"
#include "names.h"

namespace kos::idl::c {

inline std::string prefix(const Named& named) { return "kos_" + snake(named.path); }
inline std::string macro(const Named& named) { return "KOS_" + upper(named.path); }
inline std::string type_name(const Named& named) { return prefix(named) + "_t"; }
inline std::string client_type(const Interface& interface) { return prefix(interface) + "_client_t"; }
inline std::string server_type(const Interface& interface) { return prefix(interface) + "_server_t"; }
inline std::string label(const Interface& interface, const Method& method) {
    return macro(interface) + "_LABEL_" + upper(method.name);
}

// A direction of a method, with what its code needs to know.
struct Codec {
    const Interface& interface;
    const Method& method;
    const Message& message;
    bool is_request;

    std::string name() const {  // kos_log_write_request
        return prefix(interface) + "_" + snake(method.name) + (is_request ? "_request" : "_answer");
    }
    std::string constant() const {  // KOS_LOG_WRITE_REQUEST
        return macro(interface) + "_" + upper(method.name) + (is_request ? "_REQUEST" : "_ANSWER");
    }
};

inline Codec request(const Interface& interface, const Method& method) {
    return {interface, method, method.request, true};
}
inline Codec answer(const Interface& interface, const Method& method) {
    return {interface, method, method.answer, false};
}

std::string value_type(const Type& type);            // uint32_t, kos_log_level_t, kos_session_client_t, kos_token_t
std::string element_type(const Type& type);          // of Text, Data, List: char, uint8_t, ...
std::string length_name(const Field& field);         // text_bytes, items_count
std::string member(const Field& field);              // text: its name in structs and arguments
std::string own_name(const Field& field);            // session_own: which of the server's own tokens came
std::string in_parameters(const Message& message);   // ", uint32_t a, const char* text, size_t text_bytes"
std::string out_parameters(const Message& message);  // ", uint32_t* a, const char** text, size_t* text_bytes"

// The arguments for these parameters from and into the members of `view`, a message's struct.
std::string in_arguments(const Message& message, const std::string& view);

// Likewise for call-backs of servers, which learn of own tokens.
std::string handler_parameters(const Message& message);
std::string handler_arguments(const Message& message, const std::string& view);
std::string out_arguments(const Message& message, const std::string& view);

}  // namespace kos::idl::c
