// The system calls of the MCS API, one function each, and the register-level entry below them.
//
// Nothing here fails on its own: an error of an invocation is the label of the answer, a refused send is silent, and a
// bad capability in a receive is a fault of the calling thread. Called by invoke.h and by programs that do IPC.
// Source: seL4 16.0.0 API reference, "System Calls (MCS)"; registers as in <sel4/syscalls.h>.
#pragma once

#include <kos/sel4/message.h>

namespace kos::sel4 {

// The registers that a system call reads or writes. The kernel preserves all others, and x6..x8 as well.
struct SyscallRegisters {
    Word x0 = 0, x1 = 0, x2 = 0, x3 = 0, x4 = 0, x5 = 0, x6 = 0, x7 = 0, x8 = 0;
};

// One svc with exactly these register values; x7 is the number. All values are written back, as the kernel left them.
#ifdef KOS_SEL4_FAKE
void svc(SyscallRegisters& r);
#else
[[gnu::always_inline]] inline void svc(SyscallRegisters& r) {
    register Word x0 asm("x0") = r.x0;
    register Word x1 asm("x1") = r.x1;
    register Word x2 asm("x2") = r.x2;
    register Word x3 asm("x3") = r.x3;
    register Word x4 asm("x4") = r.x4;
    register Word x5 asm("x5") = r.x5;
    register Word x6 asm("x6") = r.x6;
    register Word x7 asm("x7") = r.x7;
    register Word x8 asm("x8") = r.x8;
    // "memory": the kernel reads and writes the IPC buffer, and other threads run meanwhile.
    asm volatile("svc #0"
                 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7), "+r"(x8)
                 :
                 : "memory");
    r = {x0, x1, x2, x3, x4, x5, x6, x7, x8};
}
#endif

namespace detail {

[[gnu::always_inline]] inline Message exchange(int number, Word x0, Tag tag, const Words& words, Word x6 = 0,
                                               Word x8 = 0) {
    SyscallRegisters r{x0,         tag.word,   words.w[0], words.w[1],
                       words.w[2], words.w[3], x6,         static_cast<Word>(static_cast<int64_t>(number)),
                       x8};
    svc(r);
    return Message{r.x0, Tag{r.x1}, {r.x2, r.x3, r.x4, r.x5}};
}

}  // namespace detail

// Sends and waits for the answer. `badge` of the result has no meaning.
[[gnu::always_inline]] inline Message call(CPtr destination, Tag tag, const Words& words = {}) {
    return detail::exchange(seL4_SysCall, destination, tag, words);
}

// Blocks until the message is delivered; no result.
[[gnu::always_inline]] inline void send(CPtr destination, Tag tag, const Words& words = {}) {
    detail::exchange(seL4_SysSend, destination, tag, words);
}

// Delivers the message if somebody waits for it, drops it otherwise; no result.
[[gnu::always_inline]] inline void nb_send(CPtr destination, Tag tag, const Words& words = {}) {
    detail::exchange(seL4_SysNBSend, destination, tag, words);
}

[[gnu::always_inline]] inline void signal(CPtr notification) {
    detail::exchange(seL4_SysSend, notification, Tag{}, Words{});
}

// Answers the caller that `reply` holds. A reply object without a caller ignores it.
[[gnu::always_inline]] inline void reply(CPtr reply_object, Tag tag, const Words& words = {}) {
    detail::exchange(seL4_SysSend, reply_object, tag, words);
}

// Receives from an endpoint or a notification; a caller is put into `reply_object`.
[[gnu::always_inline]] inline Message recv(CPtr source, CPtr reply_object) {
    return detail::exchange(seL4_SysRecv, source, Tag{}, Words{}, reply_object);
}

// As recv, without blocking: badge 0 and an empty tag if there was nothing.
[[gnu::always_inline]] inline Message nb_recv(CPtr source, CPtr reply_object) {
    return detail::exchange(seL4_SysNBRecv, source, Tag{}, Words{}, reply_object);
}

// As recv without a reply object: nobody can be answered, and no scheduling context is donated.
[[gnu::always_inline]] inline Message wait(CPtr source) {
    return detail::exchange(seL4_SysWait, source, Tag{}, Words{});
}

[[gnu::always_inline]] inline Message nb_wait(CPtr source) {
    return detail::exchange(seL4_SysNBWait, source, Tag{}, Words{});
}

// Answers the caller in `reply_object`, then receives as recv with the same reply object.
[[gnu::always_inline]] inline Message reply_recv(CPtr source, CPtr reply_object, Tag tag, const Words& words = {}) {
    return detail::exchange(seL4_SysReplyRecv, source, tag, words, reply_object);
}

// nb_send to `destination`, then recv from `source`, in one system call.
[[gnu::always_inline]] inline Message nb_send_recv(CPtr destination, Tag tag, const Words& words, CPtr source,
                                                   CPtr reply_object) {
    return detail::exchange(seL4_SysNBSendRecv, source, tag, words, reply_object, destination);
}

// nb_send to `destination`, then wait on `source`, in one system call.
[[gnu::always_inline]] inline Message nb_send_wait(CPtr destination, Tag tag, const Words& words, CPtr source) {
    return detail::exchange(seL4_SysNBSendWait, source, tag, words, destination);  // destination in x6
}

// Gives up the rest of the current budget.
[[gnu::always_inline]] inline void yield() { detail::exchange(seL4_SysYield, 0, Tag{}, Words{}); }

// The debug calls exist only in debug kernels (and the first in printing ones); elsewhere they are faults.
inline void debug_put_char(char c) {
    detail::exchange(seL4_SysDebugPutChar, static_cast<Word>(static_cast<unsigned char>(c)), Tag{}, Words{});
}

inline void debug_dump_scheduler() { detail::exchange(seL4_SysDebugDumpScheduler, 0, Tag{}, Words{}); }

// Type number of the capability in a slot of the calling thread's CSpace, 0 for an empty one.
inline Word debug_cap_identify(CPtr cap) {
    return detail::exchange(seL4_SysDebugCapIdentify, cap, Tag{}, Words{}).badge;
}

// Names a thread; `name` is copied into the calling thread's IPC buffer first.
inline void debug_name_thread(CPtr tcb, const char* name) {
    char* text = reinterpret_cast<char*>(ipc_buffer()->msg);
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < sizeof(ipc_buffer()->msg); ++i) {
        text[i] = name[i];
    }
    text[i] = '\0';
    detail::exchange(seL4_SysDebugNameThread, tcb, Tag{}, Words{});
}

}  // namespace kos::sel4
