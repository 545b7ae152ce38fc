// Small type-safe text formatting into a fixed buffer.
//
// `{}` formats the next argument (integers decimal, strings as they are), `{x}` an integer as 0x hexadecimal, `{{` a
// brace. Text that does not fit is cut; a missing argument prints as `{?}`. No floating point. Allocates nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <type_traits>

namespace kos::roottask {

// A text buffer of fixed size; always zero-terminated.
class TextBuffer {
public:
    TextBuffer(char* data, size_t capacity_bytes) : data_(data), capacity_(capacity_bytes) { data_[0] = '\0'; }

    void put(char c) {
        if (length_ + 1 < capacity_) {
            data_[length_++] = c;
            data_[length_] = '\0';
        }
    }
    void put(const char* text) {
        while (*text != '\0') {
            put(*text++);
        }
    }
    void clear() {
        length_ = 0;
        data_[0] = '\0';
    }
    const char* text() const { return data_; }
    size_t length() const { return length_; }

private:
    char* data_;
    size_t capacity_;
    size_t length_ = 0;
};

template <size_t Capacity>
class Text : public TextBuffer {
public:
    Text() : TextBuffer(storage_, Capacity) {}
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;

private:
    char storage_[Capacity];
};

// One argument of format(), by value.
struct FormatArgument {
    enum class Kind { kUnsigned, kSigned, kText } kind;
    uint64_t number = 0;
    const char* text = nullptr;

    template <typename T>
    static FormatArgument of(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            return of(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::is_same_v<T, bool>) {
            return {Kind::kText, 0, value ? "true" : "false"};
        } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
            return {Kind::kSigned, static_cast<uint64_t>(static_cast<int64_t>(value)), nullptr};
        } else if constexpr (std::is_integral_v<T>) {
            return {Kind::kUnsigned, static_cast<uint64_t>(value), nullptr};
        } else if constexpr (std::is_convertible_v<T, const char*>) {
            return {Kind::kText, 0, static_cast<const char*>(value)};
        } else {
            static_assert(std::is_pointer_v<T>, "format() takes integers, enumerations, texts and pointers");
            return {Kind::kUnsigned, reinterpret_cast<uint64_t>(value), nullptr};
        }
    }
};

void format_arguments(TextBuffer& out, const char* pattern, const FormatArgument* arguments, size_t count);

template <typename... Ts>
void format(TextBuffer& out, const char* pattern, const Ts&... values) {
    if constexpr (sizeof...(values) == 0) {
        format_arguments(out, pattern, nullptr, 0);
    } else {
        const FormatArgument arguments[] = {FormatArgument::of(values)...};
        format_arguments(out, pattern, arguments, sizeof...(values));
    }
}

// Appends `text` as the inside of a JSON string.
void put_json_escaped(TextBuffer& out, const char* text);

}  // namespace kos::roottask
