// What the loader hands over (sel4 ABI, boot protocol), and its examination.
#pragma once

#include "init/memory_map.h"

namespace keel {

struct HandOver {
    PhysRange image;        // user image, whole pages
    Word image_offset;      // its physical minus its virtual addresses
    Word entry;             // virtual
    PhysRange device_tree;  // empty: there is none

    Word image_address() const { return image.start - image_offset; }
    Word image_end_address() const { return image.end - image_offset; }
};

// Null if the hand-over makes sense for the RAM and the kernel's image; else what is wrong with it.
const char* find_hand_over_error(const HandOver& hand_over, PhysRange ram, PhysRange kernel_image, Word user_top);

}  // namespace keel
