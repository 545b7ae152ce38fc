/*
 * What mkimage noted in this loader: image and key. Used by main.cpp and, before relocation, by start.S.
 */
#ifndef KOS_BOOT_LOADER_INFO_H_
#define KOS_BOOT_LOADER_INFO_H_

#include "image_format.h"

extern "C" {
// Changed after linking, so its definition must stay out of sight of the compiler: see loader_info.cpp.
extern const kos::boot::LoaderInfo loader_info;
extern const uint8_t __image_start[], __image_limit[];  // linker script
}

#endif
