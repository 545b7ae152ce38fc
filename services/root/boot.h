// What the kernel gave root: bootinfo, memory, slots, the frames of the image. Mistakes of the system end here (panic).
//
// Called during boot by everything in root; slots and memory for what lives as long as the system are taken here and
// never given back.
#pragma once

#include "capability.h"

#include <stddef.h>

namespace root {

extern const seL4_BootInfo* boot_info;

// Takes the bootinfo apart and switches to the two-level capability space.
void start_boot(const seL4_BootInfo* info);

// Root cannot go on, or must not: after a line on the console the machine restarts, if board and kernel let it, or root
// stops (restart.cpp).
[[noreturn]] void panic(const char* what, const char* detail = "");

// A slot of root's own CNode; panics when there is none.
CPtr new_slot(Word count = 1);
Word free_slots();

// Untyped memory of 2^bits bytes; 0 if there is none left.
CPtr new_untyped(unsigned bits);
Word untyped_bytes_left();

// An object that lives as long as the system; panics if there is no memory.
CPtr new_object(Word type, Word size_bits = 0);

// `count` frames with consecutive slots and consecutive physical addresses; the first slot.
CPtr new_frames(Word count);

// Zeroed memory of root's own, mapped read-write; for tables whose size the manifest decides.
void* new_memory(size_t bytes);

// The frame of the page of root's image (program or bundle) that contains `address`; 0 if outside.
CPtr image_frame(const void* address);

// The frame of device memory at `address` (page-aligned); 0 if there is no such device memory. Each page once,
// ascending within each of the kernel's device regions.
CPtr new_device_frame(Word address);

// The device tree of the machine, null if the loader gave none.
const void* device_tree(size_t& bytes);

// Maps a frame into root's address space at a fixed window for one page; unmap_scratch() before the next.
void* map_scratch(CPtr frame);
void unmap_scratch();

// Maps frames of root's own into its address space, for good.
void* map_own_pages(CPtr first, Word count);
// One at an address of the caller's choice; and beforehand all tables for such ones.
void map_own_frame(CPtr frame, Word address);
void map_own_tables(Word address, Word bytes);
inline void* map_own_page(CPtr frame) { return map_own_pages(frame, 1); }
void* map_device_page(CPtr frame);  // null if it cannot

inline constexpr Word kPageBytes = KOS_PAGE_BYTES;
inline constexpr Word round_up(Word bytes) { return (bytes + kPageBytes - 1) & ~(kPageBytes - 1); }

}  // namespace root
