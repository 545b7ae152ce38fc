// A line of text of bounded length; what does not fit is left out. Used for console lines and fault records.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace root {

class Text {
public:
    Text& add(const char* part) {
        while (*part && length_ < kCapacity) buffer_[length_++] = *part++;
        buffer_[length_] = 0;
        return *this;
    }
    Text& add(uint64_t number) {
        char digits[20];
        size_t count = 0;
        do digits[count++] = static_cast<char>('0' + number % 10);
        while (number /= 10);
        while (count > 0) put(digits[--count]);
        return *this;
    }
    Text& hex(uint64_t number) {
        add("0x");
        bool started = false;
        for (int shift = 60; shift >= 0; shift -= 4) {
            unsigned const digit = number >> shift & 15;
            started = started || digit != 0 || shift == 0;
            if (started) put("0123456789abcdef"[digit]);
        }
        return *this;
    }
    // Bytes of somebody else: everything that is not printable becomes '.'.
    Text& add_foreign(const char* bytes, size_t count) {
        for (size_t i = 0; i < count; ++i) put(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
        return *this;
    }
    const char* text() const { return buffer_; }
    size_t length() const { return length_; }

private:
    static constexpr size_t kCapacity = 239;  // a record of the log
    void put(char c) {
        if (length_ < kCapacity) buffer_[length_++] = c;
        buffer_[length_] = 0;
    }
    char buffer_[kCapacity + 1] = {};
    size_t length_ = 0;
};

}  // namespace root
