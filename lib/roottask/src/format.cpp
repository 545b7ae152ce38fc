// Text formatting (format.h).
#include <kos/roottask/format.h>

namespace kos::roottask {
namespace {

void put_unsigned(TextBuffer& out, uint64_t value, unsigned base) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        out.put(digits[--count]);
    }
}

void put_argument(TextBuffer& out, const FormatArgument& argument, bool hexadecimal) {
    if (argument.kind == FormatArgument::Kind::kText) {
        out.put(argument.text == nullptr ? "(null)" : argument.text);
        return;
    }
    if (hexadecimal) {
        out.put("0x");
        put_unsigned(out, argument.number, 16);
        return;
    }
    uint64_t magnitude = argument.number;
    if (argument.kind == FormatArgument::Kind::kSigned && static_cast<int64_t>(argument.number) < 0) {
        out.put('-');
        magnitude = 0 - argument.number;
    }
    put_unsigned(out, magnitude, 10);
}

}  // namespace

void format_arguments(TextBuffer& out, const char* pattern, const FormatArgument* arguments, size_t count) {
    size_t next = 0;
    for (const char* p = pattern; *p != '\0'; ++p) {
        if (*p != '{') {
            out.put(*p);
            continue;
        }
        if (p[1] == '{') {
            out.put('{');
            ++p;
            continue;
        }
        bool hexadecimal = p[1] == 'x';
        const char* end = p + (hexadecimal ? 2 : 1);
        if (*end != '}') {
            out.put('{');  // not a placeholder: print it as it stands
            continue;
        }
        if (next < count) {
            put_argument(out, arguments[next++], hexadecimal);
        } else {
            out.put("{?}");
        }
        p = end;
    }
}

void put_json_escaped(TextBuffer& out, const char* text) {
    for (; *text != '\0'; ++text) {
        unsigned char c = static_cast<unsigned char>(*text);
        if (c == '"' || c == '\\') {
            out.put('\\');
            out.put(*text);
        } else if (c == '\n') {
            out.put("\\n");
        } else if (c < 0x20 || c >= 0x7f) {
            out.put("\\u00");
            out.put("0123456789abcdef"[c >> 4]);
            out.put("0123456789abcdef"[c & 15]);
        } else {
            out.put(*text);
        }
    }
}

}  // namespace kos::roottask
