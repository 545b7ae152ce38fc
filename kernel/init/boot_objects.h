// Memory for the objects of the initial thread, taken from the upper end of RAM. Never given back: they are its own.
#pragma once

#include "core/cap.h"
#include "init/memory_map.h"

namespace keel {

// Hands out zeroed blocks one behind the other, from the start of one range.
class BootObjects {
public:
    explicit BootObjects(PhysRange range) : range_(range) {}

    // `bits`: log2 of the size; the order of requests is one of descending sizes, so that everything is aligned.
    void* take(unsigned bits);

    template <typename T>
    T* take(unsigned bits) {
        return static_cast<T*>(take(bits));
    }

private:
    PhysRange range_;
};

// The root CNode while it is filled.
class RootCSpace {
public:
    explicit RootCSpace(Slot* slots) : slots_(slots) {}

    void set(Word slot, const Cap& cap);
    // Into the next free slot; returns its number. Asserts that there is one.
    Word add(const Cap& cap);
    Word next_free() const { return next_; }
    Slot& operator[](Word slot) { return slots_[slot]; }

private:
    Slot* slots_;
    Word next_;

public:
    void start_at(Word slot) { next_ = slot; }
};

}  // namespace keel
