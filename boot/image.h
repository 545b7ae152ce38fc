/*
 * Checks a boot image: format, bounds, signature, hashes. Layout: image_format.h.
 *
 * It reads nothing outside the span it is given, whatever the bytes are. It does not look into the parts (elf_file.h)
 * and does not place them (layout.h). Portable: loader, mkimage (which checks what it wrote), host tests, fuzzing.
 */
#ifndef KOS_BOOT_IMAGE_H_
#define KOS_BOOT_IMAGE_H_

#include <span>

#include "image_format.h"
#include "result.h"
#include "verify.h"

namespace kos::boot {

// What a checked image holds; the spans point into it.
struct Image {
    Bytes kernel;
    Bytes root_task;
    Range deferred;  // of the root task: not hashed
    uint32_t core_count = 0;
    Slot slot = Slot::kNone;
    char bootargs[kBootargsBytes] = {};  // terminated; empty if the image has none
};

// Checks everything about the image that lies at the start of `bytes`, at most `max_cores` for its
// kernel, signed by `trusted_key`.
//
// The order is chosen so that the message names the cause: first what makes the header readable (magic, version,
// sizes), then its authenticity, then its fields, at last the hash of each part.
Result<Image> check_image(Bytes bytes, uint32_t max_cores, const uint8_t (&trusted_key)[kPublicKeyBytes]);

}  // namespace kos::boot

#endif
