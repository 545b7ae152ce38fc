// Calls that the platform answers with a result and nothing else (platform/server.cpp: calls by message).
//
// Such a call's thread runs again as soon as it is answered. If the call is not over then, or there is a signal for the
// thread, the answer makes it come back. In between it is running and unfinished: its CallProgress has is_again.
#pragma once

#include "signal/signals.h"
#include "task/thread.h"

#include <array>

namespace kos::lx {

struct SystemCall;

// The calls that may come by message, by number; nullptr: all others.
constexpr unsigned kMessageCallNumbers = 512;  // the shim knows no larger ones
using MessageCalls = std::array<const SystemCall*, kMessageCallNumbers>;
MessageCalls message_calls();

enum class MessageAnswer : uint8_t { kResult, kFinish, kGoOn };

// Executes the thread's call (call_number, call_arguments) once. False: it goes on when the thread is back (go_on).
// The thread stays in the call until end_message_call.
bool execute_message_call(Thread& thread, const SystemCall& call, int64_t& result);
// What the answer is, now that everybody else has had his turn. kFinish: the thread comes back for its signals.
inline MessageAnswer end_message_call(Thread& thread, bool is_over) {
    thread.state = ThreadState::kRunning;
    if (!is_over) return MessageAnswer::kGoOn;
    return must_deliver(thread) ? MessageAnswer::kFinish : MessageAnswer::kResult;
}

// It is in its program, and something is remembered of a call before: unfinished, or over with a result that it may not
// have seen (CallProgress::is_over).
inline bool has_left_call(const Thread& thread) {
    return thread.progress.is_again && thread.state != ThreadState::kAsleep && thread.state != ThreadState::kStopped;
}
// It has left a call unfinished.
inline bool is_unfinished(const Thread& thread) { return has_left_call(thread) && !thread.progress.is_over; }
void go_on(Thread& thread);
// It will not be back there.
void forget_unfinished(Thread& thread);

}  // namespace kos::lx
