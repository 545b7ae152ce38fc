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
        }
    }

    Kind kind(Word slot) const { return slot < kWorldSlots ? kinds_[slot] : Kind::kUnknown; }

    // `parent`: the slot that a revocation would have to name to delete this one, kNoParent if none is known.
    void fill(Word slot, Word count, Kind kind, Word parent) {
        for (Word i = slot; i < slot + count && i < kWorldSlots; ++i) {
            kinds_[i] = kind;
            parents_[i] = parent;
        }
    }
    void empty(Word slot) { fill(slot, 1, Kind::kEmpty, kNoParent); }
    void copy(Word to, Word from) { fill(to, 1, kind(from), from); }
    void move(Word to, Word from) {
        fill(to, 1, kind(from), from < kWorldSlots ? parents_[from] : kNoParent);
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

    static constexpr Word kNoParent = kWorldSlots;

  private:
    Kind kinds_[kWorldSlots] = {};
    Word parents_[kWorldSlots] = {};
};

}  // namespace fuzz
