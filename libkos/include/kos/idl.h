// What the generated bindings of interfaces (idl/) share. Applications include <kos/idl/NAME.h> instead.
//
// Checks of received messages are here and in the generated decoders, nowhere else. All of them work on private copies.
#pragma once

#include <kos/msg.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "messages are little endian and are copied as they are"
#endif

#ifdef __cplusplus
#define KOS_IDL_STATIC_ASSERT static_assert
extern "C" {
#else
#define KOS_IDL_STATIC_ASSERT _Static_assert
#endif

#define KOS_IDL_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

// Memory for an encoded payload, aligned for everything that can be in one.
#define KOS_IDL_BUFFER(name, size_bytes) uint64_t name[((size_bytes) + 7) / 8]

// kos_msg_call_words without memory in between, for clients: *words is the answer's on success.
static inline kos_status_t kos_idl_call_words(kos_slot_t target, uint64_t label, kos_words_t* words) {
#if defined(__aarch64__) && __STDC_HOSTED__ == 0
    // A number that every domain has a slot of, so that the call is no fault, and a label that fits. And what everybody
    // answers; kos_msg_call_words says how the rest is told apart.
    if (__builtin_expect(target < (1u << KOS_CSPACE_BITS) && label < KOS_LABEL_PING, 1)) {
        uint64_t const ok_tag = ((uint64_t)KOS_STATUS_OK << 12) | 4;
        register uint64_t x0 __asm__("x0") = target;
        register uint64_t x1 __asm__("x1") = (label << 12) | 4;
        register uint64_t x2 __asm__("x2") = words->param;
        register uint64_t x3 __asm__("x3") = KOS_METADATA_WORDS;
        register uint64_t x4 __asm__("x4") = words->words[0];
        register uint64_t x5 __asm__("x5") = words->words[1];
        __asm__ volatile("bl kos_call_registers"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
                         :
                         : "x7", "x30", "memory");
        kos_status_t result = KOS_STATUS_OK;
        if (__builtin_expect(((x1 ^ ok_tag) | (x3 & ~KOS_METADATA_WORDS)) != 0, 0)) {
            result = kos_msg_words_status(x1, x3);
            if (!kos_status_is_ok(result)) return result;
        }
        words->param = x2;
        words->words[0] = x4;
        words->words[1] = x5;
        return result;
    }
#endif
    // A copy, so that *words need not be in memory.
    kos_words_t copy = *words;
    kos_status_t const status = kos_msg_call_words(target, label, &copy.param, copy.words);
    if (kos_status_is_ok(status)) *words = copy;
    return status;
}

// What a call that did not succeed returns: the server's status, or PEER_INVALID if it is none.
static inline kos_status_t kos_idl_failure(kos_status_t status) {
    return status >= KOS_STATUS_BAD_REQUEST && status < 256 ? status : (kos_status_t)KOS_STATUS_PEER_INVALID;
}

// What a server answers when its handler did not succeed. NO_REPLY where nobody may answer later, or a number that is
// no status, is a mistake of the handler.
static inline kos_status_t kos_idl_server_failure(kos_status_t status, bool may_defer) {
    if (status == KOS_STATUS_NO_REPLY && !may_defer) return KOS_STATUS_INTERNAL_ERROR;
    return status >= KOS_STATUS_BAD_REQUEST && status < 256 ? status : (kos_status_t)KOS_STATUS_INTERNAL_ERROR;
}

// Drops a token that came with a message that is refused. `sent` is the one that this side had put into the message.
static inline void kos_idl_drop_token(const kos_msg_t* message, kos_token_t sent) {
    if (message->token != 0 && message->token != sent) (void)kos_msg_token_delete(message->token);
}

static inline kos_status_t kos_idl_refuse(const kos_msg_t* request, kos_status_t status) {
    kos_idl_drop_token(request, 0);
    return status;
}

// The words of a message, 0 if it has none.
static inline uint64_t kos_idl_word(const kos_msg_t* message, unsigned index) {
    return message->has_words ? message->words[index] : 0;
}

// Number of bytes at the start of `bytes` that are whole UTF-8 characters other than zero.
static inline size_t kos_idl_text_prefix(const char* text, size_t size_bytes) {
    const unsigned char* const bytes = (const unsigned char*)text;
    size_t at = 0;
    while (at < size_bytes) {
        // Eight ASCII bytes at once: no top bit, no zero byte.
        while (size_bytes - at >= 8) {
            uint64_t chunk;
            __builtin_memcpy(&chunk, bytes + at, 8);
            if (((chunk | (chunk - 0x0101010101010101u)) & 0x8080808080808080u) != 0) break;
            at += 8;
        }
        if (at == size_bytes) break;
        unsigned char const first = bytes[at];
        if (first == 0) break;
        if (first < 0x80) {
            ++at;
            continue;
        }
        // The Unicode Standard, table 3-7: which second bytes each first byte allows.
        size_t const length = first >= 0xc2 && first <= 0xdf   ? 2
                              : first >= 0xe0 && first <= 0xef ? 3
                              : first >= 0xf0 && first <= 0xf4 ? 4
                                                               : 0;
        if (length == 0 || size_bytes - at < length) break;
        unsigned char const least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        unsigned char const most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (bytes[at + 1] < least || bytes[at + 1] > most) break;
        bool rest_is_good = true;
        for (size_t i = 2; i < length; ++i) rest_is_good = rest_is_good && (bytes[at + i] & 0xc0) == 0x80;
        if (!rest_is_good) break;
        at += length;
    }
    return at;
}

// UTF-8 without a zero byte: what Text may be.
static inline bool kos_idl_text_valid(const char* text, size_t size_bytes) {
    return kos_idl_text_prefix(text, size_bytes) == size_bytes;
}

// Makes any bytes valid Text, with '?' in place of each byte that is not. For a sender that passes on what others
// wrote.
static inline void kos_idl_text_repair(char* text, size_t size_bytes) {
    for (size_t at = 0; at < size_bytes; ++at) {
        at += kos_idl_text_prefix(text + at, size_bytes - at);
        if (at < size_bytes) text[at] = '?';
    }
}

// Text in a field of fixed size: valid, then at least one zero, then zeros only.
static inline bool kos_idl_fixed_text_valid(const void* field, size_t size_bytes) {
    const char* const text = (const char*)field;
    size_t const length = kos_idl_text_prefix(text, size_bytes);
    for (size_t i = length; i < size_bytes; ++i) {
        if (text[i] != 0) return false;
    }
    return length < size_bytes;
}

// Puts a zero-terminated text into such a field. False (field unchanged) if it does not fit.
static inline bool kos_idl_fixed_text_put(char* field, size_t size_bytes, const char* text) {
    size_t length = 0;
    while (length < size_bytes && text[length] != 0) ++length;
    if (length == size_bytes) return false;
    for (size_t i = 0; i < size_bytes; ++i) field[i] = i < length ? text[i] : 0;
    return true;
}

static inline bool kos_idl_all_zero(const void* bytes, size_t size_bytes) {
    unsigned char seen = 0;
    for (size_t i = 0; i < size_bytes; ++i) seen |= ((const unsigned char*)bytes)[i];
    return seen == 0;
}

static inline bool kos_idl_aligned(const void* address, size_t align) {
    return ((uintptr_t)address & (align - 1)) == 0;
}

static inline uint32_t kos_idl_float_bits(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    return bits;
}
static inline uint64_t kos_idl_double_bits(double value) {
    uint64_t bits;
    __builtin_memcpy(&bits, &value, 8);
    return bits;
}
static inline float kos_idl_float(uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}
static inline double kos_idl_double(uint64_t bits) {
    double value;
    __builtin_memcpy(&value, &bits, 8);
    return value;
}

#ifdef __cplusplus
}
#endif
