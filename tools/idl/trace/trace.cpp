// Prints and checks messages from tables.
#include "trace.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace kos::idl::trace {

namespace {

constexpr size_t kRegisterBytes = 24;
constexpr size_t kShownBytes = 32;  // of Data
constexpr size_t kShownElements = 8;

// --- Reading

uint64_t load(const uint8_t* bytes, uint32_t size) {
    uint64_t value = 0;
    std::memcpy(&value, bytes, size);
    return value;
}

int64_t sign_extended(uint64_t value, uint32_t bytes) {
    const unsigned shift = 64 - bytes * 8;
    return static_cast<int64_t>(value << shift) >> shift;
}

// One character of UTF-8 at `at`: its length, 0 if it is none. Written apart from the decoders' check on purpose:
// decodes, then asks whether the shortest form of the code point has that length.
size_t character(std::span<const uint8_t> text, size_t at) {
    const uint8_t first = text[at];
    if (first == 0) return 0;
    if (first < 0x80) return 1;
    const size_t length = (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : (first & 0xf8) == 0xf0 ? 4 : 0;
    if (length == 0 || at + length > text.size()) return 0;
    uint32_t code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; ++i) {
        if ((text[at + i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (text[at + i] & 0x3fu);
    }
    const size_t shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (shortest != length || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    return length;
}

bool is_text(std::span<const uint8_t> text) {
    for (size_t at = 0; at < text.size();) {
        const size_t length = character(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

bool is_variable(Kind kind) { return kind == Kind::kText || kind == Kind::kData || kind == Kind::kList; }
bool is_fixed(Kind kind) { return !is_variable(kind) && kind != Kind::kToken; }

// --- Checking

std::string check_value(const Field& field, Kind kind, std::span<const uint8_t> bytes);

// `bytes`: everything that consists of these fields; what none of them covers is zero.
std::string check_fields(std::span<const Field> fields, std::span<const uint8_t> bytes) {
    std::string covered(bytes.size(), '\0');
    for (const Field& field : fields) {
        if (!is_fixed(field.kind)) continue;
        if (field.offset + field.bytes > bytes.size()) return std::string(field.name) + ": outside of the message";
        const std::string problem = check_value(field, field.kind, bytes.subspan(field.offset, field.bytes));
        if (!problem.empty()) return problem;
        for (uint32_t i = 0; i < field.bytes; ++i) covered[field.offset + i] = 1;
    }
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (!covered[i] && bytes[i] != 0) return "byte " + std::to_string(i) + " is unused and not zero";
    }
    return "";
}

std::string check_value(const Field& field, Kind kind, std::span<const uint8_t> bytes) {
    const std::string name = field.name;
    switch (kind) {
        case Kind::kBool: return bytes[0] > 1 ? name + ": neither 0 nor 1" : "";
        case Kind::kEnum: return bytes[0] >= field.values.size() ? name + ": no such value" : "";
        case Kind::kStruct: {
            const std::string problem = check_fields(field.fields, bytes);
            return problem.empty() ? "" : name + ": " + problem;
        }
        case Kind::kFixedText: {
            size_t length = 0;
            while (length < bytes.size() && bytes[length] != 0) ++length;
            if (length == bytes.size()) return name + ": no zero at the end";
            for (size_t i = length; i < bytes.size(); ++i) {
                if (bytes[i] != 0) return name + ": not filled up with zeros";
            }
            return is_text(bytes.first(length)) ? "" : name + ": not UTF-8";
        }
        default: return "";
    }
}

std::string check_variable(const Field& field, std::span<const uint8_t> bytes) {
    const std::string name = field.name;
    const size_t unit = field.kind == Kind::kList ? field.bytes : 1;
    if (bytes.size() % unit != 0) return name + ": not a whole number of elements";
    if (bytes.size() / unit > field.max) return name + ": too long";
    if (field.kind == Kind::kText) return field.raw || is_text(bytes) ? "" : name + ": not UTF-8";
    if (field.kind == Kind::kData) return "";
    for (size_t at = 0; at < bytes.size(); at += unit) {
        const std::string problem = check_value(field, field.element, bytes.subspan(at, unit));
        if (!problem.empty()) return problem;
    }
    return "";
}

struct Parts {
    uint8_t registers[kRegisterBytes] = {};
    std::span<const uint8_t> payload;
    std::span<const uint8_t> fixed;  // in one of the two
};

Parts parts_of(const Message& expected, const kos_msg_t& message, Parts& parts) {
    const uint64_t words[3] = {message.param, message.has_words ? message.words[0] : 0,
                               message.has_words ? message.words[1] : 0};
    std::memcpy(parts.registers, words, sizeof parts.registers);
    parts.payload = {static_cast<const uint8_t*>(message.payload), message.payload_bytes};
    if (expected.in_registers) parts.fixed = parts.registers;
    return parts;
}

// --- Printing

std::string quoted(std::span<const uint8_t> text) {
    std::string result = "\"";
    for (size_t at = 0; at < text.size();) {
        const size_t length = character(text, at);
        const uint8_t byte = text[at];
        if (byte == '"' || byte == '\\') {
            result += '\\';
            result += static_cast<char>(byte);
            ++at;
        } else if (length == 0 || byte < 0x20 || byte == 0x7f) {
            char code[8];
            std::snprintf(code, sizeof code, "\\x%02x", byte);
            result += code;
            ++at;
        } else {
            result.append(reinterpret_cast<const char*>(&text[at]), length);
            at += length;
        }
    }
    return result + "\"";
}

std::string hexadecimal(std::span<const uint8_t> bytes) {
    std::string result = std::to_string(bytes.size()) + " bytes";
    if (bytes.empty()) return result;
    result += ":";
    for (size_t i = 0; i < bytes.size() && i < kShownBytes; ++i) {
        char code[8];
        std::snprintf(code, sizeof code, " %02x", bytes[i]);
        result += code;
    }
    return bytes.size() > kShownBytes ? result + " ..." : result;
}

std::string print_fields(std::span<const Field> fields, std::span<const uint8_t> bytes);

std::string print_value(const Field& field, Kind kind, std::span<const uint8_t> bytes) {
    switch (kind) {
        case Kind::kBool: return bytes[0] ? "true" : "false";
        case Kind::kUnsigned: return std::to_string(load(bytes.data(), field.bytes));
        case Kind::kSigned: return std::to_string(sign_extended(load(bytes.data(), field.bytes), field.bytes));
        case Kind::kFloat: {
            char text[40];
            float single;
            double number;
            if (field.bytes == 4) std::memcpy(&single, bytes.data(), 4);
            if (field.bytes == 8) std::memcpy(&number, bytes.data(), 8);
            std::snprintf(text, sizeof text, "%g", field.bytes == 4 ? static_cast<double>(single) : number);
            return text;
        }
        case Kind::kEnum: return bytes[0] < field.values.size() ? field.values[bytes[0]] : std::to_string(bytes[0]);
        case Kind::kStruct: return "{" + print_fields(field.fields, bytes) + "}";
        case Kind::kFixedText: {
            size_t length = 0;
            while (length < bytes.size() && bytes[length] != 0) ++length;
            return quoted(bytes.first(length));
        }
        case Kind::kText: return quoted(bytes);
        case Kind::kList: {
            std::string result = "[";
            const size_t count = bytes.size() / field.bytes;
            for (size_t i = 0; i < count && i < kShownElements; ++i) {
                if (i) result += ", ";
                result += print_value(field, field.element, bytes.subspan(i * field.bytes, field.bytes));
            }
            if (count > kShownElements) result += ", ... " + std::to_string(count) + " in all";
            return result + "]";
        }
        default: return hexadecimal(bytes);
    }
}

std::string print_fields(std::span<const Field> fields, std::span<const uint8_t> bytes) {
    std::string result;
    for (const Field& field : fields) {
        if (!result.empty()) result += ", ";
        result +=
            std::string(field.name) + " = " + print_value(field, field.kind, bytes.subspan(field.offset, field.bytes));
    }
    return result;
}

// Parameters of a message that `check` has found valid.
std::string print_message(const Message& expected, const kos_msg_t& message) {
    Parts parts;
    parts_of(expected, message, parts);
    const std::span<const uint8_t> fixed = expected.in_registers ? parts.fixed : parts.payload;
    std::string result;
    for (const Field& field : expected.fields) {
        if (!result.empty()) result += ", ";
        result += std::string(field.name) + " = ";
        if (field.kind == Kind::kToken) {
            result += message.token ? "token" : "none";
        } else if (is_variable(field.kind)) {
            result += print_value(field, field.kind, parts.payload.subspan(expected.variable_offset));
        } else {
            result += print_value(field, field.kind, fixed.subspan(field.offset, field.bytes));
        }
    }
    return result;
}

std::string raw(const kos_msg_t& message) {
    char text[96];
    std::snprintf(text, sizeof text, "param %#" PRIx64 ", words %#" PRIx64 " %#" PRIx64 ", %" PRIu32 " bytes%s",
                  message.param, message.words[0], message.words[1], message.payload_bytes,
                  message.token ? ", token" : "");
    return text;
}

}  // namespace

const Method* find(const Interface& interface, uint64_t label, bool one_way) {
    for (const Method& method : interface.methods) {
        if (method.label == label && method.one_way == one_way) return &method;
    }
    return nullptr;
}

std::string check(const Message& expected, const kos_msg_t& message, bool one_way) {
    Parts parts;
    parts_of(expected, message, parts);
    const Field* variable = nullptr;
    const Field* token = nullptr;
    for (const Field& field : expected.fields) {
        if (is_variable(field.kind)) variable = &field;
        if (field.kind == Kind::kToken) token = &field;
    }
    if (!token && (message.token || message.own.port)) return "a token that nobody asked for";
    if (token && !token->own && message.own.port) return "a token of the server's own";
    if (token && !token->optional && !message.token && !message.own.port) return "no token";
    const size_t least = variable ? expected.variable_offset : expected.in_registers ? 0 : expected.fixed_bytes;
    if (message.payload_bytes < least) return "too short";
    if (!variable && message.payload_bytes > least) return "too long";
    if (expected.in_registers && expected.fixed_bytes > 8 && !message.has_words) return "no words";
    if (!expected.in_registers || one_way) {
        for (uint8_t byte : parts.registers) {
            if (byte != 0) return "param or words are unused and not zero";
        }
    }
    const std::span<const uint8_t> fixed = expected.in_registers ? parts.fixed : parts.payload.first(least);
    const std::string problem = check_fields(expected.fields, fixed);
    if (!problem.empty()) return problem;
    return variable ? check_variable(*variable, parts.payload.subspan(least)) : "";
}

std::string describe_request(const Interface& interface, const kos_msg_t& message, bool one_way) {
    const Method* const method = find(interface, message.label, one_way);
    const std::string name = interface.name;
    if (!method) return name + ", unknown label " + std::to_string(message.label) + ": " + raw(message);
    const std::string problem = check(method->request, message, one_way);
    if (!problem.empty()) return name + "." + method->name + ", invalid (" + problem + "): " + raw(message);
    return name + "." + method->name + "(" + print_message(method->request, message) + ")";
}

std::string describe_answer(const Interface& interface, uint64_t label, kos_status_t status, const kos_msg_t& message) {
    const std::string name = kos_status_name(status);
    const Method* const method = find(interface, label, false);
    if (!kos_status_is_ok(status)) return name;
    if (!method) return name + " to an unknown label: " + raw(message);
    const std::string problem = check(method->answer, message);
    if (!problem.empty()) return name + ", invalid (" + problem + "): " + raw(message);
    return name + "(" + print_message(method->answer, message) + ")";
}

const Interface* find_interface(const std::string& name) {
    for (const Interface* interface : all_interfaces()) {
        if (name == interface->name) return interface;
    }
    return nullptr;
}

}  // namespace kos::idl::trace
