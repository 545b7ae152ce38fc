// The registry of character devices (devices.h).
#include "vfs/devices.h"

#include "vfs/file.h"

#include <array>

namespace kos::lx {

namespace {

constexpr size_t kMost = 32;
std::array<CharacterDevices, kMost> registered;
size_t count = 0;

}  // namespace

void register_devices(const CharacterDevices& devices) {
    // Again, by a system that is made anew (tests): replaces what it was.
    for (size_t i = 0; i < count; ++i) {
        CharacterDevices& old = registered[i];
        if (old.major != devices.major || old.first_minor != devices.first_minor) continue;
        old = devices;
        return;
    }
    if (count < kMost) registered[count++] = devices;
    special_files.character = open_character_device;
}

std::span<const CharacterDevices> registered_devices() { return {registered.data(), count}; }

Result<Ref<File>> open_character_device(Inode& inode, uint32_t flags, Process& process) {
    KOS_TRY(Attributes const attributes, inode.attributes());
    uint32_t const major = major_of(attributes.device_number), minor = minor_of(attributes.device_number);
    for (size_t i = count; i-- > 0;) {
        CharacterDevices const& devices = registered[i];
        if (devices.major != major || minor < devices.first_minor || minor - devices.first_minor >= devices.minors) {
            continue;
        }
        return devices.open(inode, flags, process);
    }
    return Errno::kENXIO;
}

}  // namespace kos::lx
