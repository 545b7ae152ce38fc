// Character devices by number: what opening a device node leads to, wherever the node is.
//
// Drivers register themselves when the system starts (fs/dev: null, zero, ...; tty: terminals). Block devices do not
// exist: their nodes cannot be opened.
#pragma once

#include "vfs/special.h"

#include <stdint.h>

#include <span>

namespace kos::lx {

// Device numbers as stat(2) packs them (makedev(3)).
constexpr uint64_t make_device(uint32_t major, uint32_t minor) {
    return (minor & 0xff) | uint64_t{major & 0xfff} << 8 | uint64_t{minor & 0xffffff00} << 12 |
           uint64_t{major & 0xfffff000} << 32;
}
constexpr uint32_t major_of(uint64_t device) {
    return static_cast<uint32_t>((device >> 8 & 0xfff) | (device >> 32 & 0xfffff000));
}
constexpr uint32_t minor_of(uint64_t device) {
    return static_cast<uint32_t>((device & 0xff) | (device >> 12 & 0xffffff00));
}

struct CharacterDevices {
    uint32_t major = 0, first_minor = 0, minors = 1;
    // Which minor it is: minor_of the inode's device_number.
    SpecialOpen open = nullptr;
    const char* name = "";  // in /proc/devices
};

// Later registrations come before earlier ones where they overlap. At most 32, registered by the system itself.
void register_devices(const CharacterDevices& devices);
std::span<const CharacterDevices> registered_devices();

// For special_files.character: kENXIO if nobody has registered the number.
Result<Ref<File>> open_character_device(Inode& inode, uint32_t flags, Process& process);

}  // namespace kos::lx
