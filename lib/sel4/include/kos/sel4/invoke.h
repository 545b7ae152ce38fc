// One invocation of a kernel object: a Call whose label names the method, whose words are its arguments and whose extra
// capabilities are its capability arguments.
//
// Checks nothing, so that tests can send too few words, missing capabilities and labels that do not exist. The typed
// functions on top are in objects.h and arm.h.
#pragma once

#include <initializer_list>

#include <kos/sel4/syscalls.h>

namespace kos::sel4 {

// How far the labels from TCB_SetTLSBase on are shifted. A kernel built with the hardware debug API (the Microkit SDK's
// debug builds) has four more TCB methods before that one; every other has 0. detect_label_shift() finds out once.
inline constinit Word label_shift = 0;

inline Word shifted_label(Word label) { return label >= seL4_TCBSetTLSBase ? label + label_shift : label; }

// Answer of an invocation. On an error the words say more (manual, 10.1 "Error Codes").
struct Result {
    seL4_Error error = seL4_NoError;
    Message message;

    bool ok() const { return error == seL4_NoError; }
    Word word(size_t i) const { return message.word(i); }
};

// Arguments beyond what fits a message are a mistake of the caller and are left out of it.
inline Tag stage_invocation(Word label, std::initializer_list<CPtr> caps, std::initializer_list<Word> words,
                            Words& registers) {
    seL4_IPCBuffer* buffer = ipc_buffer();
    size_t count = 0;
    for (Word word : words) {
        if (count < kRegisterWords) {
            registers.w[count] = word;
        } else if (count < seL4_MsgMaxLength) {
            buffer->msg[count] = word;
        } else {
            break;
        }
        ++count;
    }
    size_t cap_count = 0;
    for (CPtr cap : caps) {
        if (cap_count == seL4_MsgMaxExtraCaps) {
            break;
        }
        buffer->caps_or_badges[cap_count++] = cap;
    }
    return Tag::make(shifted_label(label), count, cap_count);
}

inline Result invoke(CPtr object, Word label, std::initializer_list<CPtr> caps = {},
                     std::initializer_list<Word> words = {}) {
    Words registers;
    Tag tag = stage_invocation(label, caps, words, registers);
    Message answer = call(object, tag, registers);
    return Result{static_cast<seL4_Error>(answer.label()), answer};
}

// Sets label_shift: asks the thread's own TCB for the method that is SetTLSBase on shifted kernels and a CNode method
// (refused) on the others, with the value that the register has already. Call once, before the first invocation.
inline void detect_label_shift(CPtr own_tcb) {
    constexpr Word kDebugMethods = 4;
    Word own = reinterpret_cast<Word>(ipc_buffer());
    Message answer = call(own_tcb, Tag::make(seL4_TCBSetTLSBase + kDebugMethods, 1), Words{{own}});
    label_shift = answer.label() == seL4_NoError ? kDebugMethods : 0;
}

}  // namespace kos::sel4
