// What the system calls itself: uname(2), /proc/version, /proc/sys/kernel. Programs look at the number to know what
// they may use: that of Debian 12's kernel, whose behaviour the personality has.
#pragma once

#include <stdint.h>

namespace kos::lx {

constexpr const char* kSystemName = "Linux";
constexpr const char* kRelease = "6.1.0-kos";
constexpr const char* kVersion = "#1 SMP KOS";
constexpr const char* kMachine = "aarch64";
constexpr uint64_t kNameBytesMax = 64;  // of host and domain names (uname(2))

// What a processor says of itself (elf.h's AT_HWCAP*, /proc/cpuinfo). Default: what each ARMv8-A core has.
struct ProcessorFacts {
    uint64_t capabilities = 3, more_capabilities = 0;  // HWCAP_*, HWCAP2_* of asm/hwcap.h: FP and ASIMD. Not
                                                       // CPUID: identification registers trap on this kernel
    uint32_t implementer = 0x41, variant = 0, part = 0xd03, revision = 4;
    uint32_t counter_hz = 62'500'000;  // of the generic timer
};

}  // namespace kos::lx
