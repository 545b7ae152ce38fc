// Lines for the log from values of any kind, without format strings:  kos::log_info("pump ", n, " at ", rpm, " rpm");
#pragma once

#include <kos/cpp/result.h>
#include <kos/log.h>

#include <string_view>

namespace kos {

// Text of at most 240 bytes, as one line of the log holds; more is cut off.
class Line {
public:
    Line& operator<<(std::string_view text) {
        for (char c : text) {
            if (used_ < sizeof text_ - 1) text_[used_++] = c;
        }
        return *this;
    }
    Line& operator<<(const char* text) { return *this << std::string_view(text ? text : "(null)"); }
    Line& operator<<(char c) { return *this << std::string_view(&c, 1); }
    Line& operator<<(bool value) { return *this << (value ? "true" : "false"); }
    Line& operator<<(Status status) { return *this << status.name(); }
    Line& operator<<(const void* pointer) { return *this << "0x" << hexadecimal(reinterpret_cast<uintptr_t>(pointer)); }
    template <typename T>
    requires std::is_integral_v<T> Line& operator<<(T value) {
        if constexpr (std::is_signed_v<T>) {
            if (value < 0) return (*this << '-').number(uint64_t{0} - static_cast<uint64_t>(value), 10);
        }
        return number(static_cast<uint64_t>(value), 10);
    }
    template <typename T>
    requires std::is_enum_v<T> Line& operator<<(T value) {
        return *this << static_cast<std::underlying_type_t<T>>(value);
    }

    struct Hexadecimal {
        uint64_t value;
    };
    static Hexadecimal hexadecimal(uint64_t value) { return {value}; }
    Line& operator<<(Hexadecimal h) { return number(h.value, 16); }

    const char* text() {
        text_[used_] = 0;
        return text_;
    }

private:
    Line& number(uint64_t value, unsigned base) {
        char digits[20];
        unsigned count = 0;
        do {
            digits[count++] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value);
        while (count) *this << digits[--count];
        return *this;
    }
    char text_[241];
    size_t used_ = 0;
};

inline Line::Hexadecimal hex(uint64_t value) { return Line::hexadecimal(value); }

// A line that the log refuses (FULL: this domain writes too much) is lost; the log counts it.
template <typename... Parts>
void log(kos_log_level level, const Parts&... parts) {
    Line line;
    (line << ... << parts);
    (void)kos_log(level, "%s", line.text());
}
template <typename... Parts>
void log_error(const Parts&... parts) {
    log(KOS_LOG_ERROR, parts...);
}
template <typename... Parts>
void log_warning(const Parts&... parts) {
    log(KOS_LOG_WARNING, parts...);
}
template <typename... Parts>
void log_info(const Parts&... parts) {
    log(KOS_LOG_INFO, parts...);
}
template <typename... Parts>
void log_debug(const Parts&... parts) {
    log(KOS_LOG_DEBUG, parts...);
}

}  // namespace kos
