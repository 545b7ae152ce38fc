// Values for messages from a seed: often the least, the largest and the empty, else anything.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace kos::idl::testing {

class RandomValues {
public:
    explicit RandomValues(uint64_t seed) : state_(seed * 2 + 1) {}

    // splitmix64
    uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    uint64_t below(uint64_t end) { return next() % end; }

    // A number of 0..most.
    uint64_t up_to(uint64_t most) {
        switch (below(4)) {
            case 0: return 0;
            case 1: return most;
            default: return most == UINT64_MAX ? next() : below(most + 1);
        }
    }

    template <typename T>
    void number(T& value) {
        const uint64_t bits = up_to(sizeof(T) == 8 ? UINT64_MAX : (uint64_t{1} << (sizeof(T) * 8 % 64)) - 1);
        std::memcpy(&value, &bits, sizeof(T));
    }
    void boolean(bool& value) { value = below(2) != 0; }
    template <typename T>
    void enumeration(T& value, uint64_t count) {
        value = static_cast<T>(up_to(count - 1));
    }

    // UTF-8 of at most `most` bytes, of every length of character.
    std::string utf8(size_t most) {
        static const char* const kCharacters[] = {"a",
                                                  "~",
                                                  "\x01",
                                                  "\x7f",
                                                  "\xc2\x80",
                                                  "\xdf\xbf",
                                                  "\xe0\xa0\x80",
                                                  "\xed\x9f\xbf",
                                                  "\xef\xbf\xbf",
                                                  "\xf0\x90\x80\x80",
                                                  "\xf4\x8f\xbf\xbf"};
        const size_t size = up_to(most);
        const bool plain = below(2) != 0;
        std::string result;
        while (result.size() < size) {
            const std::string character = plain ? "x" : kCharacters[below(std::size(kCharacters))];
            if (result.size() + character.size() <= size)
                result += character;
            else
                result += "y";
        }
        return result;
    }

    void text(const char*& value, size_t& bytes, size_t most) {
        texts_.push_back(utf8(most));
        value = texts_.back().data();
        bytes = texts_.back().size();
    }
    void data(const uint8_t*& value, size_t& bytes, size_t most) {
        std::vector<uint8_t> content(up_to(most));
        for (uint8_t& byte : content) byte = static_cast<uint8_t>(next());
        datas_.push_back(std::move(content));
        value = datas_.back().data();
        bytes = datas_.back().size();
    }
    void fixed_text(char* field, size_t size) {
        const std::string content = utf8(size - 1);
        std::memset(field, 0, size);
        std::memcpy(field, content.data(), content.size());
    }
    void fixed_data(uint8_t* field, size_t size) {
        for (size_t i = 0; i < size; ++i) field[i] = static_cast<uint8_t>(next());
    }
    // Memory for elements of a list, filled by the caller.
    template <typename T>
    T* list(const T*& value, size_t& count, size_t most) {
        count = up_to(most);
        lists_.push_back(std::vector<uint64_t>((count * sizeof(T) + 7) / 8));
        T* const elements = reinterpret_cast<T*>(lists_.back().data());
        value = elements;
        return elements;
    }

private:
    uint64_t state_;
    std::deque<std::string> texts_;
    std::deque<std::vector<uint8_t>> datas_;
    std::deque<std::vector<uint64_t>> lists_;
};

}  // namespace kos::idl::testing
