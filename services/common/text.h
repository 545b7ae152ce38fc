/*
 * Text in a fixed buffer: appended piece by piece, cut off at the end, never allocated. For lines of services.
 */
#ifndef KOS_SERVICES_COMMON_TEXT_H_
#define KOS_SERVICES_COMMON_TEXT_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::service {

template <size_t Capacity>
class Text {
public:
    Text& add(const char* text, size_t bytes) {
        for (size_t i = 0; i < bytes && size_ < Capacity; ++i) text_[size_++] = text[i];
        return *this;
    }
    Text& add(const char* text) {
        while (*text != 0 && size_ < Capacity) text_[size_++] = *text++;
        return *this;
    }
    Text& add(char c) { return add(&c, 1); }
    // Decimal, filled with `fill` to at least `width` digits.
    Text& add_number(uint64_t value, unsigned width = 1, char fill = '0') {
        char digits[20];
        unsigned count = 0;
        do {
            digits[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        for (unsigned i = count; i < width; ++i) add(fill);
        while (count > 0) add(digits[--count]);
        return *this;
    }

    const char* data() const { return text_; }
    size_t size() const { return size_; }
    void clear() { size_ = 0; }

private:
    char text_[Capacity];
    size_t size_ = 0;
};

}  // namespace kos::service

#endif
