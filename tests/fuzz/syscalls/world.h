// What the fuzzer believes about the slots of the world CNode, so that most operations name the right kind of object.
//
// It is a guess: workers and revocation change slots behind its back. Nothing depends on its being right.
#pragma once

#include "layout.h"

namespace fuzz {

enum class Kind : unsigned char {
    kEmpty,
    kUntyped,
    kEndpoint,
    kNotification,
    kReply,
    kSchedContext,
    kThread,
    kFrame,
    kPageTable,
    kVspace,
    kAsidPool,
    kIrqHandler,
    kSgiSignal,
    kCnode,
    kUnknown,  // occupied, by what has been forgotten
    kCount,
};

class World {
public:
    void clear() {
        for (Word i = 0; i < kWorldSlots; ++i) {
            kinds_[i] = Kind::kEmpty;
            parents_[i] = kNoParent;
            notes_[i] = 0;
        }
    }

    Kind kind(Word slot) const { return slot < kWorldSlots ? kinds_[slot] : Kind::kUnknown; }

    // `parent`: the slot that a revocation would have to name to delete this one, kNoParent if none is known.
    void fill(Word slot, Word count, Kind kind, Word parent) {
        for (Word i = slot; i < slot + count && i < kWorldSlots; ++i) {
            kinds_[i] = kind;
            parents_[i] = parent;
            notes_[i] = 0;
        }
    }
    void empty(Word slot) { fill(slot, 1, Kind::kEmpty, kNoParent); }
    void copy(Word to, Word from) {
        fill(to, 1, kind(from), from);
        set_note(to, kind(from) == Kind::kFrame ? 0 : note(from));  // a copy of a frame is not mapped
    }
    void move(Word to, Word from) {
        fill(to, 1, kind(from), from < kWorldSlots ? parents_[from] : kNoParent);
        set_note(to, note(from));
        empty(from);
        for (Word i = 0; i < kWorldSlots; ++i) {
            if (parents_[i] == from) {
                parents_[i] = to;
            }
        }
    }
    void revoke(Word slot) {
        for (Word i = 0; i < kWorldSlots; ++i) {
            if (parents_[i] == slot) {
                empty(i);
            }
        }
    }

    // A word about the object in a slot: size of untyped memory (log2 of bytes), address at which a frame is mapped.
    Word note(Word slot) const { return slot < kWorldSlots ? notes_[slot] : 0; }
    void set_note(Word slot, Word note) {
        if (slot < kWorldSlots) {
            notes_[slot] = note;
        }
    }

    // Cores of the machine.
    Word cores() const { return cores_; }
    void set_cores(Word cores) { cores_ = cores; }

    // How each worker names slots.
    Space space(Word worker) const { return spaces_[worker]; }
    void set_space(Word worker, Space space) {
        if (worker < kWorkers) {
            spaces_[worker] = space;
        }
    }

    // The first slot of this kind from `start` on, wrapping around; `start` itself if there is none.
    Word find(Kind kind, Word start) const {
        for (Word i = 0; i < kWorldSlots; ++i) {
            Word slot = (start + i) % kWorldSlots;
            if (kinds_[slot] == kind && slot != 0) {
                return slot;
            }
        }
        return start;
    }

    // As find, but with this note as well.
    Word find(Kind kind, Word note, Word start) const {
        for (Word i = 0; i < kWorldSlots; ++i) {
            Word slot = (start + i) % kWorldSlots;
            if (kinds_[slot] == kind && notes_[slot] == note && slot != 0) {
                return slot;
            }
        }
        return start;
    }

    static constexpr Word kNoParent = kWorldSlots;

private:
    Kind kinds_[kWorldSlots] = {};
    Word parents_[kWorldSlots] = {};
    Word notes_[kWorldSlots] = {};
    Space spaces_[kWorkers] = {};
    Word cores_ = 1;
};

}  // namespace fuzz
