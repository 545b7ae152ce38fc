#include "escape.h"

#include <stdint.h>

namespace kos::log {
namespace {

struct Character {
    uint32_t code;
    size_t bytes;  // 0: not UTF-8
};

// UTF-8 as Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
Character decode(const uint8_t* at, size_t left) {
    const uint8_t lead = at[0];
    if (lead < 0x80) return {lead, 1};
    size_t bytes = 0;
    uint32_t code = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
        bytes = 2;
        code = lead & 0x1f;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        bytes = 3;
        code = lead & 0x0f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        bytes = 4;
        code = lead & 0x07;
    }
    if (bytes == 0 || bytes > left) return {0, 0};
    for (size_t i = 1; i < bytes; ++i) {
        if ((at[i] & 0xc0) != 0x80) return {0, 0};
        code = code << 6 | (at[i] & 0x3f);
    }
    constexpr uint32_t kSmallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {0, 0};
    return {code, bytes};
}

bool is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f || code == 0x061c ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

// What stands for a byte that is not shown as it is.
size_t escape_byte(uint8_t byte, char* out) {
    out[0] = '\\';
    switch (byte) {
        case '\n': out[1] = 'n'; return 2;
        case '\r': out[1] = 'r'; return 2;
        case '\t': out[1] = 't'; return 2;
        case '\\': out[1] = '\\'; return 2;
        default: break;
    }
    constexpr char kDigits[] = "0123456789abcdef";
    out[1] = 'x';
    out[2] = kDigits[byte >> 4];
    out[3] = kDigits[byte & 15];
    return 4;
}

}  // namespace

size_t escape(const char* text, size_t bytes, char* out, size_t out_bytes) {
    const auto* at = reinterpret_cast<const uint8_t*>(text);
    while (bytes > 0 && (at[bytes - 1] == '\n' || at[bytes - 1] == '\r')) --bytes;
    size_t written = 0;
    for (size_t i = 0; i < bytes;) {
        const Character character = decode(at + i, bytes - i);
        const size_t taken = character.bytes == 0 ? 1 : character.bytes;
        char shown[16];
        size_t shown_bytes = 0;
        if (character.bytes == 0 || is_control(character.code) || character.code == '\\') {
            for (size_t k = 0; k < taken; ++k) shown_bytes += escape_byte(at[i + k], shown + shown_bytes);
        } else {
            for (size_t k = 0; k < taken; ++k) shown[shown_bytes++] = static_cast<char>(at[i + k]);
        }
        if (shown_bytes > out_bytes - written) break;
        for (size_t k = 0; k < shown_bytes; ++k) out[written++] = shown[k];
        i += taken;
    }
    return written;
}

}  // namespace kos::log
