// The codecs of the C binding: for each message a view (a struct with the parameters), encode and decode.
//
// Decoding is where messages of others are checked: lengths, unused bits, enum values, Bool, text, tokens.
#include "emit_c_codec.h"

#include "c_names.h"

namespace kos::idl::c {

namespace {

const char* const kWords[] = {"param", "word0", "word1"};

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llxu", static_cast<unsigned long long>(value));
    return text;
}

std::string unsigned_type(uint32_t bytes) { return "uint" + std::to_string(bytes * 8) + "_t"; }

// The largest value of an enum, if not every number is one.
std::string last_value(const Type& type) { return std::to_string(type.enumeration->values.size() - 1) + "u"; }

uint64_t mask_of(const Type& type) {
    if (type.kind == Kind::kBool) return 1;
    return type.bytes == 8 ? ~uint64_t{0} : (uint64_t{1} << (type.bytes * 8)) - 1;
}

bool needs_area(const Message& message) {
    for (const Field& field : message.fields) {
        if (message.in_registers && field.type.fixed() && !field.type.scalar()) return true;
    }
    return false;
}

// C's value of a field from its bits `raw` (of an unsigned type of the field's size).
std::string from_bits(const Type& type, const std::string& raw) {
    switch (type.kind) {
        case Kind::kBool: return raw + " != 0";
        case Kind::kFloat: return (type.bytes == 4 ? "kos_idl_float(" : "kos_idl_double(") + raw + ")";
        default: return "(" + value_type(type) + ")" + raw;
    }
}

std::string to_bits(const Type& type, const std::string& value) {
    if (type.kind == Kind::kFloat)
        return (type.bytes == 4 ? "kos_idl_float_bits(" : "kos_idl_double_bits(") + value + ")";
    if (type.kind == Kind::kBool) return "(uint8_t)(" + value + " ? 1 : 0)";
    return "(" + unsigned_type(type.bytes) + ")" + value;
}

// Checks `raw_`, the bits of an enum or, in memory, of a Bool.
void check_bits(Writer& out, const Type& type, bool check_bool) {
    if (type.kind == Kind::kEnum && type.enumeration->values.size() <= 0xff) {
        out.line("if (raw_ > %) return false;", last_value(type));
    }
    if (type.kind == Kind::kBool && check_bool) out.line("if (raw_ > 1) return false;");
}

void check_array(Writer& out, const Type& type, const std::string& address) {
    if (type.kind == Kind::kFixedText) {
        out.line("if (!kos_idl_fixed_text_valid(%, %)) return false;", address, type.bytes);
    }
}

// --- Views

void emit_view(Writer& out, const Codec& codec) {
    out.open("typedef struct {");
    for (const Field& field : codec.message.fields) {
        const std::string name = member(field);
        if (field.type.variable()) {
            out.line("const %* %;", element_type(field.type), name);
            out.line("size_t %;", length_name(field));
        } else if (field.type.array()) {
            out.line("% %[%];", element_type(field.type), name, field.type.bytes);
        } else {
            out.line("% %;", value_type(field.type), name);
        }
        if (field.type.own) out.line("kos_caller_t %;  // received: port 0: it is none of the own", own_name(field));
    }
    out.close("} " + codec.name() + "_t;");
}

// --- The fixed part

void emit_parse_registers(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    out.open("static inline bool %_parse(uint64_t param, uint64_t word0, uint64_t word1, %_t* out) {", codec.name(),
             codec.name());
    std::string unused;
    for (uint32_t i = 0; i < 3; ++i) {
        const uint64_t free_bits = ~used_bits(message, i);
        if (free_bits == 0) continue;
        if (!unused.empty()) unused += " | ";
        unused += free_bits == ~uint64_t{0} ? std::string(kWords[i])
                                            : "(" + std::string(kWords[i]) + " & " + hex(free_bits) + ")";
    }
    if (!unused.empty()) out.line("if ((%) != 0) return false;", unused);
    if (needs_area(message)) {
        out.line("uint64_t const area[3] = {param, word0, word1};");
        out.line("const uint8_t* const bytes = (const uint8_t*)area;");
    }
    if (message.fixed_bytes == 0) out.line("(void)out;");
    for (const Field& field : message.fields) {
        if (!field.type.fixed()) continue;
        const std::string target = "out->" + member(field);
        if (!field.type.scalar()) {
            out.line("__builtin_memcpy(&%, bytes + %, %);", target, field.offset, field.type.bytes);
            emit_check(out, field.type, "&" + target);
            continue;
        }
        const std::string word = kWords[field.offset / 8];
        const uint32_t shift = field.offset % 8 * 8;
        out.open("{");
        out.line("% const raw_ = (%)%;", unsigned_type(field.type.bytes), unsigned_type(field.type.bytes),
                 shift ? "(" + word + " >> " + std::to_string(shift) + ")" : word);
        // A Bool's other bits are among the unused ones.
        check_bits(out, field.type, false);
        out.line("% = %;", target, from_bits(field.type, "raw_"));
        out.close();
    }
    out.line("return true;");
    out.close();
}

// The values of the three registers of the view `in`; memory that they need is made.
void packed_words(Writer& out, const Message& message, const std::string& in, std::string (&words)[3]) {
    for (const Field& field : message.fields) {
        if (!field.type.fixed() || !field.type.scalar()) continue;
        std::string& word = words[field.offset / 8];
        const uint32_t shift = field.offset % 8 * 8;
        if (!word.empty()) word += " | ";
        word += "(uint64_t)" + to_bits(field.type, in + "->" + member(field));
        if (shift) word += " << " + std::to_string(shift);
    }
    if (!needs_area(message)) return;
    for (std::string& word : words) {
        if (word.empty()) word = "0";
    }
    out.line("uint64_t area[3] = {%, %, %};", words[0], words[1], words[2]);
    for (const Field& field : message.fields) {
        if (!field.type.fixed() || field.type.scalar()) continue;
        out.line("__builtin_memcpy((uint8_t*)area + %, &%->%, %);", field.offset, in, member(field), field.type.bytes);
    }
    for (uint32_t i = 0; i < 3; ++i) words[i] = "area[" + std::to_string(i) + "]";
}

void emit_pack(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    out.open("static inline void %_pack(const %_t* in, uint64_t* param, uint64_t words[2]) {", codec.name(),
             codec.name());
    if (message.fixed_bytes == 0) out.line("(void)in;");
    std::string words[3];
    packed_words(out, message, "in", words);
    out.line("*param = %;", words[0].empty() ? "0" : words[0]);
    out.line("words[0] = %;", words[1].empty() ? "0" : words[1]);
    out.line("words[1] = %;", words[2].empty() ? "0" : words[2]);
    out.close();
}

void emit_parse_bytes_fixed(Writer& out, const Message& message) {
    for (const Field& field : message.fields) {
        if (!field.type.fixed()) continue;
        const std::string target = "out->" + member(field);
        if (!field.type.scalar()) {
            out.line("__builtin_memcpy(&%, bytes + %, %);", target, field.offset, field.type.bytes);
            emit_check(out, field.type, "&" + target);
            continue;
        }
        out.open("{");
        out.line("% raw_;", unsigned_type(field.type.bytes));
        out.line("__builtin_memcpy(&raw_, bytes + %, %);", field.offset, field.type.bytes);
        check_bits(out, field.type, true);
        out.line("% = %;", target, from_bits(field.type, "raw_"));
        out.close();
    }
    if (message.variable_offset > message.fixed_bytes && !message.in_registers) {
        out.line("if (!kos_idl_all_zero(bytes + %, %)) return false;", message.fixed_bytes,
                 message.variable_offset - message.fixed_bytes);
    }
}

void emit_put_bytes_fixed(Writer& out, const Message& message) {
    for (const Field& field : message.fields) {
        if (!field.type.fixed()) continue;
        if (!field.type.scalar()) {
            out.line("__builtin_memcpy(bytes + %, &in->%, %);", field.offset, member(field), field.type.bytes);
            continue;
        }
        out.open("{");
        out.line("% const raw_ = %;", unsigned_type(field.type.bytes), to_bits(field.type, "in->" + member(field)));
        out.line("__builtin_memcpy(bytes + %, &raw_, %);", field.offset, field.type.bytes);
        out.close();
    }
    if (message.variable_offset > message.fixed_bytes) {
        out.line("__builtin_memset(bytes + %, 0, %);", message.fixed_bytes,
                 message.variable_offset - message.fixed_bytes);
    }
}

// --- The variable part

bool element_needs_check(const Type& element) {
    if (element.kind == Kind::kStruct) return struct_needs_check(*element.structure);
    return element.kind == Kind::kBool || (element.kind == Kind::kEnum && element.enumeration->values.size() <= 0xff);
}

// `bytes` and `size` are the whole payload.
void emit_parse_variable(Writer& out, const Message& message) {
    const Field& field = *message.variable_field();
    const Type& type = field.type;
    const std::string target = "out->" + member(field);
    const std::string count = "out->" + length_name(field);
    if (type.kind != Kind::kList) {
        // Never null, so that it can be given to memcpy and printf.
        out.line("% = bytes ? (const %*)bytes + % : (const %*)\"\";", target, element_type(type),
                 message.variable_offset, element_type(type));
        out.line("% = size - %;", count, message.variable_offset);
        if (type.kind == Kind::kText && !type.raw)
            out.line("if (!kos_idl_text_valid(%, %)) return false;", target, count);
        return;
    }
    out.line("if ((size - %) % % != 0) return false;", message.variable_offset, "%", type.bytes);
    if (type.align > 1) out.line("if (!kos_idl_aligned(bytes, %)) return false;", type.align);
    out.line("% = (const %*)(const void*)(bytes ? bytes + % : bytes);", target, element_type(type),
             message.variable_offset);
    out.line("% = (size - %) / %;", count, message.variable_offset, type.bytes);
    if (!element_needs_check(*type.element)) return;
    out.open("for (size_t i = 0; i < %; ++i) {", count);
    emit_check(out, *type.element, "(const uint8_t*)" + target + " + i * " + std::to_string(type.bytes));
    out.close();
}

// Payloads: bytes that begin with the fixed part (unless it is in registers) and end with the variable one.
void emit_parse_bytes(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    out.open("static inline bool %_parse_bytes(const uint8_t* bytes, size_t size, %_t* out) {", codec.name(),
             codec.name());
    const uint32_t least = message.variable >= 0 ? message.variable_offset : message.payload_max;
    if (least == message.payload_max) {
        out.line("if (size != %) return false;", least);
    } else if (least == 0) {
        out.line("if (size > %) return false;", message.payload_max);
    } else {
        out.line("if (size < % || size > %) return false;", least, message.payload_max);
    }
    if (!message.in_registers) emit_parse_bytes_fixed(out, message);
    if (message.variable >= 0) emit_parse_variable(out, message);
    if (message.fields.empty()) out.line("(void)bytes, (void)out;");
    out.line("return true;");
    out.close();
}

void emit_put_bytes(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    out.open("static inline size_t %_put_bytes(const %_t* in, uint8_t* bytes) {", codec.name(), codec.name());
    if (message.fields.empty()) out.line("(void)in, (void)bytes;");
    emit_put_bytes_fixed(out, message);
    if (message.variable < 0) {
        out.line("return %;", message.payload_max);
    } else {
        const Field& field = *message.variable_field();
        const std::string scale = field.type.kind == Kind::kList ? " * " + std::to_string(field.type.bytes) : "";
        out.line("size_t const size = in->%%;", length_name(field), scale);
        out.line("if (size != 0) __builtin_memcpy(bytes + %, in->%, size);", message.variable_offset, member(field));
        out.line("return % + size;", message.variable_offset);
    }
    out.close();
}

// --- Whole messages

void emit_decode(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    out.open("static inline bool %_decode(const kos_msg_t* in%) {", codec.name(),
             message.empty() ? "" : ", " + codec.name() + "_t* out");
    const Field* const token = message.token_field();
    if (!token) {
        out.line("if ((in->token | in->own.port) != 0) return false;");
    } else {
        if (!token->type.own) out.line("if (in->own.port != 0) return false;");
        if (!token->type.optional)
            out.line("if (in->token == 0%) return false;", token->type.own ? " && in->own.port == 0" : "");
    }
    if (!message.has_payload()) out.line("if (in->payload_bytes != 0) return false;");
    if (message.uses_words()) out.line("if (!in->has_words) return false;");
    if (message.empty()) {
        out.line("return (in->param | kos_idl_word(in, 0) | kos_idl_word(in, 1)) == 0;");
        out.close();
        return;
    }
    if (message.in_registers) {
        out.line("if (!%_parse(in->param, kos_idl_word(in, 0), kos_idl_word(in, 1), out)) return false;", codec.name());
    } else {
        out.line("if ((in->param | kos_idl_word(in, 0) | kos_idl_word(in, 1)) != 0) return false;");
    }
    if (message.token >= 0) {
        const Field& field = *message.token_field();
        out.line("out->%% = in->token;", member(field), field.type.interface ? ".slot" : "");
        if (field.type.own) out.line("out->% = in->own;", own_name(field));
    }
    if (message.has_payload()) {
        out.line("return %_parse_bytes((const uint8_t*)in->payload, in->payload_bytes, out);", codec.name());
    } else {
        out.line("return true;");
    }
    out.close();
}

void emit_encode(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    const bool buffer = needs_buffer(message);
    out.open("static inline kos_status_t %_encode(const %_t* in, kos_msg_t* out%) {", codec.name(), codec.name(),
             buffer ? ", void* buffer" : "");
    emit_check_sender(out, message, "in", "KOS_STATUS_INVALID_ARGUMENT");
    if (message.in_registers) {
        out.line("%_pack(in, &out->param, out->words);", codec.name());
    } else {
        out.line("out->param = out->words[0] = out->words[1] = 0;");
    }
    out.line("out->has_words = %;", message.uses_words() ? 1 : 0);
    if (buffer) {
        out.line("out->payload_bytes = (uint32_t)%_put_bytes(in, (uint8_t*)buffer);", codec.name());
        out.line("out->payload = buffer;");
    } else if (message.has_payload()) {
        const Field& field = *message.variable_field();
        out.line("out->payload = in->%;", member(field));
        out.line("out->payload_bytes = (uint32_t)(in->%%);", length_name(field),
                 field.type.kind == Kind::kList ? " * " + std::to_string(field.type.bytes) : "");
    } else {
        out.line("out->payload = 0;");
        out.line("out->payload_bytes = 0;");
    }
    if (message.token >= 0) {
        const Field& field = *message.token_field();
        const std::string slot = field.type.interface ? ".slot" : "";
        if (!field.type.optional) out.line("if (in->%% == 0) return KOS_STATUS_INVALID_ARGUMENT;", member(field), slot);
        out.line("out->token = in->%%;", member(field), field.type.interface ? ".slot" : "");
    } else {
        out.line("out->token = 0;");
    }
    out.line("return KOS_STATUS_OK;");
    out.close();
}

void emit_one_way(Writer& out, const Codec& codec) {
    if (codec.message.empty()) return;
    emit_view(out, codec);
    emit_parse_bytes(out, codec);
    emit_put_bytes(out, codec);
    out.open("static inline bool %_fits(const %_t* in) {", codec.name(), codec.name());
    out.line("(void)in;");
    emit_check_sender(out, codec.message, "in", "false");
    out.line("return true;");
    out.close();
}

}  // namespace

void emit_check_sender(Writer& out, const Message& message, const std::string& view, const std::string& failed) {
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.variable()) {
            out.line("if (%->% > %) return %;", view, length_name(field), field.type.max, failed);
        }
        if (field.type.kind == Kind::kFixedText) {
            out.line("if (!kos_idl_fixed_text_valid(%->%, %)) return %;", view, name, field.type.bytes, failed);
        }
    }
}

uint64_t used_bits(const Message& message, uint32_t index) {
    uint64_t bits = 0;
    for (const Field& field : message.fields) {
        if (!field.type.fixed()) continue;
        if (field.type.scalar()) {
            if (field.offset / 8 == index) bits |= mask_of(field.type) << (field.offset % 8 * 8);
            continue;
        }
        for (uint32_t byte = field.offset; byte < field.offset + field.type.bytes; ++byte) {
            if (byte / 8 == index) bits |= uint64_t{0xff} << (byte % 8 * 8);
        }
    }
    return bits;
}

void emit_put_words(Writer& out, const Message& message, const std::string& in, const std::string (&words)[3]) {
    std::string values[3];
    packed_words(out, message, in, values);
    for (int i = 0; i < 3; ++i) {
        if (!values[i].empty()) out.line("% = %;", words[i], values[i]);
    }
}

bool needs_buffer(const Message& message) { return !message.in_registers && message.payload_max != 0; }

bool struct_needs_check(const Struct& structure) {
    if (!structure.gaps().empty()) return true;
    for (const Field& field : structure.fields) {
        if (field.type.kind == Kind::kFixedText || element_needs_check(field.type)) return true;
    }
    return false;
}

void emit_check(Writer& out, const Type& type, const std::string& address) {
    switch (type.kind) {
        case Kind::kStruct:
            if (struct_needs_check(*type.structure)) {
                out.line("if (!%_valid(%)) return false;", prefix(*type.structure), address);
            }
            break;
        case Kind::kBool: out.line("if (*(const uint8_t*)(%) > 1) return false;", address); break;
        case Kind::kEnum:
            if (element_needs_check(type)) {
                out.line("if (*(const uint8_t*)(%) > %) return false;", address, last_value(type));
            }
            break;
        default: check_array(out, type, address);
    }
}

void emit_struct_check(Writer& out, const Struct& structure) {
    if (!struct_needs_check(structure)) return;
    out.line("// Values that the type allows, and nothing between the fields.");
    out.open("static inline bool %_valid(const void* value) {", prefix(structure));
    out.line("const uint8_t* const bytes = (const uint8_t*)value;");
    for (const Struct::Gap& gap : structure.gaps()) {
        out.line("if (!kos_idl_all_zero(bytes + %, %)) return false;", gap.offset, gap.bytes);
    }
    for (const Field& field : structure.fields) emit_check(out, field.type, "bytes + " + std::to_string(field.offset));
    out.line("return true;");
    out.close();
    out.blank();
}

void emit_codec(Writer& out, const Codec& codec) {
    const Message& message = codec.message;
    if (!codec.is_request && codec.method.one_way) return;
    out.line("// % of %, label %.", codec.is_request ? "Request" : "Answer", codec.method.name, codec.method.label);
    if (message.variable >= 0) {
        out.line("enum { %_%_MAX = % };", codec.constant(), upper(message.variable_field()->name),
                 message.variable_field()->type.max);
    }
    if (codec.method.one_way) {
        emit_one_way(out, codec);
        out.blank();
        return;
    }
    if (message.empty()) {
        emit_decode(out, codec);
        out.blank();
        return;
    }
    emit_view(out, codec);
    if (message.in_registers) {
        emit_parse_registers(out, codec);
        emit_pack(out, codec);
    }
    if (message.has_payload()) emit_parse_bytes(out, codec);
    if (needs_buffer(message)) emit_put_bytes(out, codec);
    emit_decode(out, codec);
    emit_encode(out, codec);
    out.blank();
}

}  // namespace kos::idl::c
