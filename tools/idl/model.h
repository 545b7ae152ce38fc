// The interfaces of a request, checked and laid out: what every output of this tool is written from.
//
// Built by load() (loader.cpp) from Cap'n Proto's CodeGeneratorRequest; nothing behind it sees Cap'n Proto any more.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kos::idl {

constexpr uint32_t kPayloadMax = 4096;   // KOS_PAYLOAD_MAX
constexpr uint32_t kQueueMax = 48;       // KOS_QUEUE_INLINE_BYTES
constexpr uint32_t kRegisterBytes = 24;  // param and two words
constexpr uint32_t kReservedLabels = 0xfff0;

enum class Kind {
    kBool,
    kUnsigned,
    kSigned,
    kFloat,
    kEnum,
    kStruct,
    kFixedText,
    kFixedData,
    // Of variable length: at most one per message, behind everything else.
    kText,
    kData,
    kList,
    // Not bytes: travels as a capability.
    kToken,
};

struct Enum;
struct Struct;
struct Interface;

struct Type {
    Kind kind = Kind::kUnsigned;
    uint32_t bytes = 0;  // in a message; of a list: of one element; 0 for Text, Data, tokens
    uint32_t align = 1;  // likewise
    uint32_t max = 0;    // most bytes (Text, Data) or elements (List)
    const Enum* enumeration = nullptr;
    const Struct* structure = nullptr;
    const Interface* interface = nullptr;  // of a token; null: of any interface
    std::shared_ptr<Type> element;         // of a list
    bool optional = false;                 // token
    bool raw = false;                      // Text that is not checked by who receives it
    bool own = false;                      // token: may be one of the server's own

    bool variable() const { return kind == Kind::kText || kind == Kind::kData || kind == Kind::kList; }
    bool token() const { return kind == Kind::kToken; }
    bool fixed() const { return !variable() && !token(); }
    bool scalar() const { return kind <= Kind::kEnum; }
    bool array() const { return kind == Kind::kFixedText || kind == Kind::kFixedData; }
};

struct Field {
    std::string name;  // as in the schema
    std::string doc;
    Type type;
    uint32_t offset = 0;  // of fixed ones: from the start of the fixed part
};

// Where a named thing belongs: {"Log", "Level"} of log.capnp.
struct Named {
    std::vector<std::string> path;
    std::string file;  // stem of the schema's name: "log"
    std::string doc;
};

struct Enumerant {
    std::string name, doc;
};

struct Enum : Named {
    std::vector<Enumerant> values;
};

struct Struct : Named {
    std::vector<Field> fields;  // in order of their numbers, which is the order in memory
    uint32_t bytes = 0, align = 1;

    // Bytes between and behind the fields: always zero.
    struct Gap {
        uint32_t offset, bytes;
    };
    std::vector<Gap> gaps() const;
};

// One direction of a method.
struct Message {
    std::vector<Field> fields;  // in order of declaration
    uint32_t fixed_bytes = 0;
    bool in_registers = true;       // the fixed part is param and words; else it begins the payload
    int variable = -1, token = -1;  // indices of fields
    uint32_t variable_offset = 0;   // in the payload
    uint32_t payload_max = 0;

    bool empty() const { return fields.empty(); }
    bool has_payload() const { return payload_max != 0; }
    // Travels in registers alone.
    bool registers_only() const { return payload_max == 0 && token < 0; }
    bool uses_words() const { return in_registers && fixed_bytes > 8; }
    const Field* variable_field() const { return variable < 0 ? nullptr : &fields[static_cast<size_t>(variable)]; }
    const Field* token_field() const { return token < 0 ? nullptr : &fields[static_cast<size_t>(token)]; }
};

struct Method {
    std::string name, doc;
    uint32_t label = 0;
    bool one_way = false, deferred = false;
    std::vector<std::string> errors;  // NOT_FOUND, ...
    Message request, answer;
};

struct Interface : Named {
    bool single_use = false;
    std::vector<Method> methods;
};

struct Schema {
    std::string file, doc;              // stem
    std::vector<std::string> includes;  // stems of schemas whose types this one uses
    std::vector<const Enum*> enums;
    std::vector<const Struct*> structs;  // each behind those that it contains
    std::vector<const Interface*> interfaces;
};

struct Model {
    std::vector<Schema> schemas;  // those to be written
    std::map<uint64_t, std::unique_ptr<Enum>> enums;
    std::map<uint64_t, std::unique_ptr<Struct>> structs;
    std::map<uint64_t, std::unique_ptr<Interface>> interfaces;
    std::vector<std::string> errors;  // one line each; nothing may be written if there are any
};

}  // namespace kos::idl
