/*
 * What a fuzz target implements and what it may use. NAME_fuzz.cpp lies beside the code whose input it makes up;
 * kos_fuzz_target (cmake/kos_fuzz.cmake) makes a test of it and, with clang, a program guided by coverage.
 */
#ifndef KOS_TESTS_FUZZ_HARNESS_FUZZ_H_
#define KOS_TESTS_FUZZ_HARNESS_FUZZ_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace kos::fuzz {

using Bytes = std::span<const uint8_t>;
using Buffer = std::vector<uint8_t>;

// --- Of the target

// Handles one input, which may be anything and of any size. Must leave nothing behind: inputs do not depend on one
// another. What must not happen ends the process: a sanitizer's report, require(), or a failed check of GoogleTest.
void run(Bytes input);

// Good inputs, that changes begin with. At least one.
std::vector<Buffer> seeds();

// --- For targets

// Of its own and not assert(): it must also work in builds that leave assertions out.
inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "fuzz: %s\n", what);
    std::abort();
}

inline Buffer buffer_of(std::string_view text) { return {text.begin(), text.end()}; }

// Takes an input apart, from its start. At its end there are zeros and empty pieces.
class Reader {
public:
    explicit Reader(Bytes input) : rest_(input) {}

    bool empty() const { return rest_.empty(); }
    size_t left() const { return rest_.size(); }

    // A number of `sizeof(T)` bytes, little endian.
    template <typename T = uint8_t>
    T number() {
        T value = 0;
        const Bytes piece = bytes(sizeof(T));
        std::memcpy(&value, piece.data() == nullptr ? reinterpret_cast<const uint8_t*>(&value) : piece.data(),
                    piece.size());
        return value;
    }
    // A number below `end`, which is at most 256.
    unsigned below(unsigned end) { return number<uint8_t>() % end; }

    // One byte says how it is made: small numbers, powers of two and their neighbours, or eight bytes as they are.
    uint64_t value() {
        const uint8_t kind = number<uint8_t>();
        if (kind < 128) return kind;
        if (kind < 192) return uint64_t{1} << kind % 64;
        if (kind < 224) return (uint64_t{1} << (kind % 32 * 2)) - 1;
        return number<uint64_t>();
    }

    // At most `most` of the next bytes.
    Bytes bytes(size_t most) {
        const Bytes piece = rest_.first(std::min(most, rest_.size()));
        rest_ = rest_.subspan(piece.size());
        return piece;
    }
    Bytes rest() { return bytes(rest_.size()); }

private:
    Bytes rest_;
};

// Makes what a Reader takes apart, for seeds.
class Writer {
public:
    template <typename T = uint8_t>
    Writer& number(T value) {
        const auto* const bytes = reinterpret_cast<const uint8_t*>(&value);
        result_.insert(result_.end(), bytes, bytes + sizeof value);
        return *this;
    }
    Writer& value(uint64_t value) {
        if (value < 128) return number(static_cast<uint8_t>(value));
        return number<uint8_t>(255).number(value);
    }
    Writer& bytes(Bytes bytes) {
        result_.insert(result_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Writer& text(std::string_view text) { return bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()}); }

    const Buffer& result() const { return result_; }

private:
    Buffer result_;
};

}  // namespace kos::fuzz

#endif
