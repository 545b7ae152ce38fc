// What the kernel tests share: names, places in the address space, and small helpers. Only for this folder.
#pragma once

#include <kos/roottask/testing.h>

using namespace kos::sel4;
using namespace kos::roottask;

// Virtual addresses of the initial address space that nothing else uses; tests run one after another.
inline constexpr Word kFreeVirtual = 0x20000000;

// For a thread that never stops by itself, at the test's own priority: yield() lets it run for one short slice.
inline ThreadOptions spinner_options() {
    return {.priority = kMainPriority, .budget = {.budget_us = 1000, .period_us = 1000}};
}

// Lets others run until the count has grown; the test's time limit is the limit.
inline void wait_for_increase(const Shared<Word>& count, Word before) {
    while (count.get() <= before) {
        yield();
    }
}

// An index that no slot of the root CNode has.
inline constexpr CPtr kOutsideRootCNode = CPtr{1} << SEL4_ROOT_CNODE_SIZE_BITS;

// Kernels with the hardware debug API (debug builds of the Microkit SDK) differ in a few visible values.
inline bool has_debug_api() { return label_shift != 0; }
inline Word tcb_bits() { return has_debug_api() ? seL4_TCBBits + 1 : seL4_TCBBits; }
// Processor status of a user thread without condition flags. Interrupts are never masked; FIQs always are; debug builds
// leave system errors on. A new thread has it.
inline Word user_spsr() {
    static Word value = 0;
    if (value == 0) {
        constexpr Word kRelease = 0x140;
        constexpr Word kDebug = 0x40;
        seL4_UserContext context{};
        EXPECT_OK(tcb_read_registers(root_task().allocator.make(seL4_TCBObject), Suspend::kNo, 3, context));
        EXPECT_TRUE(context.spsr == kRelease || context.spsr == kDebug);
        value = context.spsr;
    }
    return value;
}

// A CNode of its own with `1 << radix` slots, addressed without a guard.
struct TestCNode {
    CPtr cap = kNullCap;
    Word radix = 0;
    SlotPath at(Word index) const { return {cap, index, radix}; }
};

inline TestCNode make_cnode(TestContext& t, Word radix) { return {t.make(seL4_CapTableObject, radix), radix}; }

// True if the slot holds a capability. Costs a spare slot of the test.
inline bool holds_cap(TestContext& t, const SlotPath& slot) {
    // Moving a capability back and forth disturbs nothing; an empty source is a failed look-up.
    SlotPath spare = root_slot(t.slot());
    if (!cnode_move(spare, slot).ok()) {
        return false;
    }
    EXPECT_OK(cnode_move(slot, spare));
    return true;
}
inline bool holds_cap(TestContext& t, CPtr slot) { return holds_cap(t, root_slot(slot)); }

// Checks that `answer` is a FailedLookup whose message says exactly this.
inline void check_failed_lookup(const Result& answer, Word is_source, Word type, std::initializer_list<Word> details,
                                int line) {
    using kos::roottask::testing::check;
    check(answer.error == seL4_FailedLookup, __FILE__, line, "error (called here)", answer.error, "expected",
          seL4_FailedLookup);
    check(answer.word(0) == is_source, __FILE__, line, "is source", answer.word(0), "expected", is_source);
    check(answer.word(1) == type, __FILE__, line, "lookup failure", answer.word(1), "expected", type);
    check(answer.message.length() == 2 + details.size(), __FILE__, line, "length", answer.message.length(), "expected",
          2 + details.size());
    size_t i = 2;
    for (Word detail : details) {
        check(answer.word(i) == detail, __FILE__, line, "detail", answer.word(i), "expected", detail);
        ++i;
    }
}
#define EXPECT_FAILED_LOOKUP(answer, is_source, type, ...) \
    check_failed_lookup((answer), (is_source), (type), {__VA_ARGS__}, __LINE__)

inline void check_range_error(const Result& answer, Word low, Word high, int line) {
    using kos::roottask::testing::check;
    check(answer.error == seL4_RangeError, __FILE__, line, "error (called here)", answer.error, "expected",
          seL4_RangeError);
    check(answer.word(0) == low, __FILE__, line, "minimum", answer.word(0), "expected", low);
    check(answer.word(1) == high, __FILE__, line, "maximum", answer.word(1), "expected", high);
    check(answer.message.length() == 2, __FILE__, line, "length", answer.message.length(), "expected", 2);
}
#define EXPECT_RANGE_ERROR(answer, low, high) check_range_error((answer), (low), (high), __LINE__)

inline void check_argument_error(const Result& answer, seL4_Error error, Word number, int line) {
    using kos::roottask::testing::check;
    check(answer.error == error, __FILE__, line, "error (called here)", answer.error, "expected", error);
    check(answer.word(0) == number, __FILE__, line, "argument number", answer.word(0), "expected", number);
    check(answer.message.length() == 1, __FILE__, line, "length", answer.message.length(), "expected", 1);
}
#define EXPECT_INVALID_ARGUMENT(answer, number) check_argument_error((answer), seL4_InvalidArgument, (number), __LINE__)
#define EXPECT_INVALID_CAPABILITY(answer, number) \
    check_argument_error((answer), seL4_InvalidCapability, (number), __LINE__)

// A received message with all its words, which survives the next system call.
struct MessageCopy {
    Word badge = 0;
    Tag tag;
    Word words[seL4_MsgMaxLength] = {};

    MessageCopy() = default;
    MessageCopy(const Message& message) : badge(message.badge), tag(message.tag) {
        for (Word i = 0; i < message.length() && i < seL4_MsgMaxLength; ++i) {
            words[i] = message.word(i);
        }
    }
    Word word(size_t i) const { return words[i]; }
    Word label() const { return tag.label(); }
    Word length() const { return tag.length(); }
};

// For what a busy host can spoil but a wrong kernel never gets right: true as soon as one attempt is. Times are
// multiplied by the scale that the attempt is given, which grows: what the host adds does not grow with it. Each
// attempt makes its own objects; the stack of a thread comes back with its destructor.
template <typename Attempt>
bool eventually(const Attempt& attempt) {
    for (Word scale : {1, 1, 2, 4, 8, 16, 32}) {
        if (attempt(scale)) {
            return true;
        }
    }
    return false;
}

// True if at least a fifth of the samples lie between the bounds. When the host is busy, timer interrupts come late, a
// thread runs over, and is charged for that later: single samples say nothing.
template <size_t N>
bool mostly_within(const uint64_t (&samples)[N], uint64_t low, uint64_t high) {
    size_t inside = 0;
    for (uint64_t sample : samples) {
        inside += sample >= low && sample <= high ? 1 : 0;
    }
    if (inside * 5 < N) {
        print("samples between {} and {}: {} of {}, first {}\n", low, high, inside, N, samples[0]);
    }
    return inside * 5 >= N;
}
