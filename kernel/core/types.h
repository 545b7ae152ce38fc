// Basic vocabulary of the kernel: words, address types, status of an operation. Included by everything; no code.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace keel {

using Word = uint64_t;
using CPtr = uint64_t;   // capability address in a thread's CSpace
using Ticks = uint64_t;  // the architecture's counter
using Asid = uint16_t;   // 0 means: not assigned

enum class PhysAddr : Word {};
enum class UserAddr : Word {};

constexpr Word raw(PhysAddr address) { return static_cast<Word>(address); }
constexpr Word raw(UserAddr address) { return static_cast<Word>(address); }

constexpr Word kWordBits = 64;
constexpr unsigned kMaxExtraCaps = 3;
constexpr unsigned kMaxMessageWords = 120;
constexpr unsigned kRegisterMessageWords = 4;

constexpr Word bit(unsigned n) { return Word{1} << n; }
constexpr Word low_mask(unsigned bits) { return bits >= kWordBits ? ~Word{0} : bit(bits) - 1; }
constexpr Word align_up(Word value, unsigned bits) { return (value + low_mask(bits)) & ~low_mask(bits); }
constexpr Word align_down(Word value, unsigned bits) { return value & ~low_mask(bits); }
constexpr bool is_aligned(Word value, unsigned bits) { return (value & low_mask(bits)) == 0; }

// Result of long-running work: kPreempted means that an interrupt waits; the system call is executed again afterwards.
enum class Progress : uint8_t { kDone, kPreempted };

}  // namespace keel
