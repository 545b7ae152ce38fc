// The codecs of the C binding (emit_c_codec.cpp), as its other parts need them.
#pragma once

#include "c_names.h"
#include "writer.h"

namespace kos::idl::c {

// View, encode and decode of one direction of a method.
void emit_codec(Writer& out, const Codec& codec);

// NAME_valid of a struct, if there is anything to check in it.
void emit_struct_check(Writer& out, const Struct& structure);
bool struct_needs_check(const Struct& structure);

// Lines that return false unless the bytes at `address` are a value of `type`.
void emit_check(Writer& out, const Type& type, const std::string& address);

// Lines that return `failed` for what the sender of `view`, a pointer to a view, can get wrong. The receiver checks the
// rest.
void emit_check_sender(Writer& out, const Message& message, const std::string& view, const std::string& failed);

// Request and answer travel in registers alone.
inline bool words_only(const Method& method) {
    return !method.one_way && method.request.registers_only() && method.answer.registers_only();
}

// Lines that put the fixed part of the view `in` (a pointer) into the three lvalues `words`, which are zero.
void emit_put_words(Writer& out, const Message& message, const std::string& in, const std::string (&words)[3]);

// Which bits of register `index` (param, words) a message uses.
uint64_t used_bits(const Message& message, uint32_t index);

// Encoding needs memory for the payload; else the payload is the caller's own bytes, or there is none.
bool needs_buffer(const Message& message);

}  // namespace kos::idl::c
