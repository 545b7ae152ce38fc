// Messages of seL4 system calls: tag, badge, the four words that travel in registers, and the IPC buffer for the rest.
//
// Does not enter the kernel (syscalls.h does). Convention of every program that links this library: TPIDR_EL0 of a
// thread holds the address of that thread's IPC buffer (0 if it has none). With KOS_SEL4_BUFFER_IN_TPIDRRO it is
// TPIDRRO_EL0, which only who made the thread can write, and TPIDR_EL0 is free for thread-local storage.
#pragma once

#include <stddef.h>

#include <sel4/abi.h>

namespace kos::sel4 {

using Word = seL4_Word;
using CPtr = seL4_CPtr;

inline constexpr CPtr kNullCap = 0;
inline constexpr Word kRegisterWords = seL4_FastMessageRegisters;

#ifdef KOS_SEL4_FAKE
// On the host, the test has them: the buffer, and what the kernel does (svc in syscalls.h).
seL4_IPCBuffer* ipc_buffer();
#else
// IPC buffer of the calling thread; undefined while TPIDR_EL0 is used for anything else.
[[gnu::always_inline]] inline seL4_IPCBuffer* ipc_buffer() {
    seL4_IPCBuffer* buffer;
    // Not volatile: the value never changes once a thread runs C++ code, so repeated reads may be merged.
#ifdef KOS_SEL4_BUFFER_IN_TPIDRRO
    asm("mrs %0, tpidrro_el0" : "=r"(buffer));
#else
    asm("mrs %0, tpidr_el0" : "=r"(buffer));
#endif
    return buffer;
}
#endif

#if !defined(KOS_SEL4_BUFFER_IN_TPIDRRO) && !defined(KOS_SEL4_FAKE)
[[gnu::always_inline]] inline void set_ipc_buffer(seL4_IPCBuffer* buffer) {
    asm volatile("msr tpidr_el0, %0" : : "r"(buffer) : "memory");
}
#endif

// Message tag in a form that is convenient to build and to take apart.
struct Tag {
    Word word = 0;

    static constexpr Tag make(Word label, Word length, Word extra_caps = 0, Word caps_unwrapped = 0) {
        return Tag{(label & seL4_MessageInfo_LabelMask) << seL4_MessageInfo_LabelShift |
                   (caps_unwrapped & seL4_MessageInfo_CapsUnwrappedMask) << seL4_MessageInfo_CapsUnwrappedShift |
                   (extra_caps & seL4_MessageInfo_ExtraCapsMask) << seL4_MessageInfo_ExtraCapsShift |
                   (length & seL4_MessageInfo_LengthMask)};
    }
    constexpr Word label() const { return word >> seL4_MessageInfo_LabelShift; }
    constexpr Word length() const { return word & seL4_MessageInfo_LengthMask; }
    constexpr Word extra_caps() const {
        return word >> seL4_MessageInfo_ExtraCapsShift & seL4_MessageInfo_ExtraCapsMask;
    }
    constexpr Word caps_unwrapped() const {
        return word >> seL4_MessageInfo_CapsUnwrappedShift & seL4_MessageInfo_CapsUnwrappedMask;
    }
};

// The message words 0..3, which travel in x2..x5.
struct Words {
    Word w[kRegisterWords] = {};
};

// What a receiving system call returned. Words from 4 on are in the IPC buffer until the next system call.
struct Message {
    Word badge = 0;
    Tag tag;
    Word words[kRegisterWords] = {};

    // Word i of the message; reads the calling thread's IPC buffer for i >= 4.
    Word word(size_t i) const { return i < kRegisterWords ? words[i] : ipc_buffer()->msg[i]; }
    Word label() const { return tag.label(); }
    Word length() const { return tag.length(); }
};

}  // namespace kos::sel4
