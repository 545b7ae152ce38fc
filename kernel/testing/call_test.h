// Fixture for tests of invocations: a main thread that calls, and what it gets back.
#pragma once

#include <sel4/abi.h>

#include "testing/kernel_test.h"

namespace keel::testing {

// Result of a call: error (0: none) and message words.
struct Answer {
    Word label;
    std::vector<Word> words;
    bool operator==(const Answer&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Answer& answer) {
    out << "label " << answer.label << ", words";
    for (Word word : answer.words) out << ' ' << word;
    return out;
}

// The answers that errors give (manual, section "Errors").
inline Answer ok(std::vector<Word> words = {}) { return {seL4_NoError, std::move(words)}; }
inline Answer invalid_argument(Word number) { return {seL4_InvalidArgument, {number}}; }
inline Answer invalid_capability(Word number) { return {seL4_InvalidCapability, {number}}; }
inline Answer illegal_operation() { return {seL4_IllegalOperation, {}}; }
inline Answer range_error(Word min, Word max) { return {seL4_RangeError, {min, max}}; }
inline Answer alignment_error() { return {seL4_AlignmentError, {}}; }
inline Answer truncated() { return {seL4_TruncatedMessage, {}}; }
inline Answer delete_first() { return {seL4_DeleteFirst, {}}; }
inline Answer revoke_first() { return {seL4_RevokeFirst, {}}; }
inline Answer not_enough_memory(Word left) { return {seL4_NotEnoughMemory, {left}}; }
inline Answer invalid_root(Word was_source) { return {seL4_FailedLookup, {was_source, seL4_InvalidRoot}}; }
inline Answer missing(Word was_source, Word bits_left) {
    return {seL4_FailedLookup, {was_source, seL4_MissingCapability, bits_left}};
}
inline Answer depth_mismatch(Word was_source, Word bits_left, Word resolved) {
    return {seL4_FailedLookup, {was_source, seL4_DepthMismatch, bits_left, resolved}};
}
inline Answer guard_mismatch(Word was_source, Word bits_left, Word guard, Word guard_size) {
    return {seL4_FailedLookup, {was_source, seL4_GuardMismatch, bits_left, guard, guard_size}};
}

class CallTest : public KernelTest {
protected:
    CallTest() : main_(make_thread(100)) { schedule_main(); }

    // The main thread calls; a call that is preempted is finished.
    Answer call(CPtr address, Word label, std::vector<Word> words = {}, std::vector<CPtr> caps = {}) {
        syscall_as(*main_, seL4_SysCall, address, {label, std::move(words), std::move(caps)});
        finish_syscall();
        return answer();
    }
    Answer answer() { return {label_of(*main_), words_of(*main_)}; }

    // Every message with fewer words or capabilities than the invocation needs is truncated.
    void expect_truncated(CPtr address, Word label, const std::vector<Word>& words, const std::vector<CPtr>& caps) {
        for (unsigned n = 0; n < words.size(); ++n) {
            SCOPED_TRACE(::testing::Message() << "label " << label << ", " << n << " words");
            EXPECT_EQ(call(address, label, {words.begin(), words.begin() + n}, caps), truncated());
        }
        for (unsigned n = 0; n < caps.size(); ++n) {
            SCOPED_TRACE(::testing::Message() << "label " << label << ", " << n << " capabilities");
            EXPECT_EQ(call(address, label, words, {caps.begin(), caps.begin() + n}), truncated());
        }
        expect_sound();
    }

    Made<Tcb> main_;

private:
    void schedule_main();
};

inline void CallTest::schedule_main() { run(*main_); }

}  // namespace keel::testing
