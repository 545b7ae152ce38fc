// Prints messages of known interfaces for a person, from tables that tools/idl writes (KOS_IDL_EMIT=trace).
//
// On the host only: the input are messages that a device has recorded. Also the plainest statement of which messages
// are valid (check): the tests hold the generated decoders against it.
#pragma once

#include <kos/msg.h>

#include <cstdint>
#include <span>
#include <string>

namespace kos::idl::trace {

enum class Kind : uint8_t {
    kBool,
    kUnsigned,
    kSigned,
    kFloat,
    kEnum,
    kStruct,
    kFixedText,
    kFixedData,
    kText,
    kData,
    kList,
    kToken,
};

struct Field {
    const char* name;
    Kind kind;
    Kind element;     // of a list, else the same as `kind`
    uint32_t offset;  // of fixed ones: in the registers or the payload (README.md, "Layout"); in a struct
    uint32_t bytes;   // of the value or, in a list, of one element
    uint32_t max;     // of Text, Data: most bytes; of a list: most elements
    std::span<const char* const> values;  // of an enum, or of the enums of a list
    std::span<const Field> fields;        // of a struct, or of the structs of a list
    bool optional;                        // token
    bool raw;                             // Text that may be anything
    bool own;                             // token: may be one of the server's own
};

struct Message {
    std::span<const Field> fields;
    bool in_registers;
    uint32_t fixed_bytes, variable_offset, payload_max;
};

struct Method {
    const char* name;
    uint32_t label;
    bool one_way;
    Message request, answer;
};

struct Interface {
    const char* name;  // Pump.Lease
    const char* file;  // pump
    std::span<const Method> methods;
};

// The method of a request's label; null if there is none. `one_way`: of a queue message.
const Method* find(const Interface& interface, uint64_t label, bool one_way);

// Why the message is none of these; empty if it is valid. The bytes of a queue message are a payload, and nothing else
// is set.
std::string check(const Message& expected, const kos_msg_t& message, bool one_way = false);

// "Log.write(level = info, text = \"ready\")"
std::string describe_request(const Interface& interface, const kos_msg_t& message, bool one_way = false);

// "OK(next = 4, ...)" or "NOT_FOUND"; `label` is that of the request.
std::string describe_answer(const Interface& interface, uint64_t label, kos_status_t status, const kos_msg_t& message);

// Of idl/, in alphabetical order.
std::span<const Interface* const> all_interfaces();
const Interface* find_interface(const std::string& name);

}  // namespace kos::idl::trace
