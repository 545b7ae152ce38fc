/*
 * What the loader needs from the flattened device tree (Devicetree Specification 0.4), read with libfdt.
 *
 * The names of libfdt stop here. Every function copes with arbitrary bytes: check_device_tree() comes first and the
 * others rely on it. Portable: loader, host tests, fuzzing.
 */
#ifndef KOS_BOOT_DEVICE_TREE_H_
#define KOS_BOOT_DEVICE_TREE_H_

#include <stdint.h>
#include <span>

#include "result.h"
#include "verify.h"

namespace kos::boot {

constexpr uint64_t kDeviceTreeMaxBytes = 2 * 1024 * 1024;  // arm64 boot protocol of Linux, "Setup the device tree"
// Room that prepare_device_tree() needs beyond the tree itself: /chosen, bootargs, rounding to a page.
constexpr uint64_t kDeviceTreeSlackBytes = 8192;
constexpr uint32_t kMaxCores = 8;

// How firmware is called (Arm DEN 0022, Power State Coordination Interface).
enum class PsciConduit : uint8_t { kNone, kSmc, kHvc };

struct Cores {
    uint32_t count = 0;              // as many as were asked for
    uint64_t mpidr[kMaxCores] = {};  // affinity fields; [0] is the boot core
};

// Total size in bytes that the header at `bytes` gives, or 0 if there is no plausible device tree.
uint64_t device_tree_size(Bytes bytes);

// Checks the whole structure.
Status check_device_tree(Bytes tree);

// Bytes of RAM from `ram_base` upwards that one /memory entry covers; 0 if none does.
uint64_t memory_size_at(Bytes tree, uint64_t ram_base);

// Conduit of the /psci node; kNone if there is none that this loader understands.
PsciConduit psci_conduit(Bytes tree);

// The boot core and the next cores in the order of the tree, `count` in all (1..kMaxCores).
Result<Cores> choose_cores(Bytes tree, uint64_t boot_mpidr, uint32_t count);

// What the kernel's tree says in /chosen besides what the machine's does.
struct TreeAdditions {
    const char* bootargs = "";             // in place of the machine's, unless empty
    bool has_sha256_instructions = false;  // kSha256Property (lib/sha256) is there if so, whatever the machine's says
};

// Writes the tree that the kernel gets into `buffer` (at least tree + slack): `tree` with `additions` in /chosen,
// packed, its total size rounded up to whole pages. Returns that size.
Result<uint64_t> prepare_device_tree(Bytes tree, const TreeAdditions& additions, std::span<uint8_t> buffer);

}  // namespace kos::boot

#endif
