// One system call that the fuzzer has made up: the registers and the message, before anybody carries it out.
#pragma once

#include <kos/sel4/sel4.h>

#include "random.h"
#include "world.h"

namespace fuzz {

// Invocations whose answers are times or physical addresses. Workers do not make them, because what a worker learns
// gets into everything that follows.
constexpr bool answer_varies(Word label) {
    return label == seL4_SchedContextConsumed || label == seL4_SchedContextYieldTo || label == seL4_ARMPageGetAddress;
}

// What a success changes in the World.
struct Effect {
    enum class Type : Word { kNone, kFill, kCopy, kMove, kEmpty, kRevoke, kRotate, kNote, kSpace };
    Type type = Type::kNone;
    Word to = 0;
    Word from = 0;
    Word pivot = 0;
    Word count = 1;
    Kind kind = Kind::kEmpty;
    Word note = 0;  // of what is filled; kNote: of slot `to`; kSpace: the Space of the worker with the number `to`

    void apply(World& world) const {
        switch (type) {
            case Type::kNone: break;
            case Type::kFill:
                world.fill(to, count, kind, from);
                for (Word i = 0; note != 0 && i < count && i < kWorldSlots; ++i) {
                    world.set_note(to + i, note);
                }
                break;
            case Type::kCopy: world.copy(to, from); break;
            case Type::kMove: world.move(to, from); break;
            case Type::kEmpty: world.empty(to); break;
            case Type::kRevoke: world.revoke(from); break;
            case Type::kRotate:
                world.move(to, pivot);
                world.move(pivot, from);
                break;
            case Type::kNote: world.set_note(to, note); break;
            case Type::kSpace: world.set_space(to, static_cast<Space>(note)); break;
        }
    }
};

struct Request {
    Word number = 0;  // of the system call
    CPtr target = 0;  // x0
    Word label = 0;
    Word length = 0;  // as the tag says; at most 127
    Word cap_count = 0;
    Word reply = 0;   // x6
    Word second = 0;  // x8
    Word words[seL4_MsgMaxLength];
    CPtr caps[seL4_MsgMaxExtraCaps];
    CPtr receive_root = 0;
    Word receive_index = 0;
    Word receive_depth = 0;
    Effect effect;

    Word stored_words() const { return length < seL4_MsgMaxLength ? length : seL4_MsgMaxLength; }
    kos::sel4::Tag tag() const { return kos::sel4::Tag::make(label, length, cap_count); }

    void clear() {
        number = static_cast<Word>(int64_t{seL4_SysCall});
        target = label = length = cap_count = reply = second = 0;
        receive_root = receive_index = receive_depth = 0;
        for (CPtr& cap : caps) {
            cap = 0;
        }
        effect = Effect{};
    }

    // The register values of the call; message words beyond the length are zero.
    kos::sel4::SyscallRegisters registers() const {
        Word m[kos::sel4::kRegisterWords];
        for (Word i = 0; i < kos::sel4::kRegisterWords; ++i) {
            m[i] = i < length ? words[i] : 0;
        }
        return {target, tag().word, m[0], m[1], m[2], m[3], reply, number, second};
    }

    // The part of the message that does not travel in registers.
    void store(seL4_IPCBuffer& buffer) const {
        for (Word i = kos::sel4::kRegisterWords; i < stored_words(); ++i) {
            buffer.msg[i] = words[i];
        }
        for (Word i = 0; i < seL4_MsgMaxExtraCaps; ++i) {
            buffer.caps_or_badges[i] = caps[i];
        }
        buffer.receiveCNode = receive_root;
        buffer.receiveIndex = receive_index;
        buffer.receiveDepth = receive_depth;
    }
};

}  // namespace fuzz
