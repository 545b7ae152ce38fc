// Bytes to the driver, as many as it has room for.
#include "platform/console.h"

#include "vfs/devices.h"

#include <kos/idl/console.h>

namespace kos::lx {

namespace {

kos_console_client_t console;

class ConsoleFile final : public File {
public:
    bool can_poll() const override { return true; }
    uint32_t poll() override { return kPOLLOUT | kPOLLWRNORM; }
    Result<size_t> read(IoBuffer&) override { return Errno::kEAGAIN; }
    Result<size_t> write(IoBuffer& from) override {
        char bytes[1024];
        KOS_TRY(size_t const count, from.in(bytes, sizeof bytes));
        uint64_t taken = 0;
        size_t done = 0;
        while (done < count) {
            if (kos_console_client_write_some(console, reinterpret_cast<const uint8_t*>(bytes) + done,
                                              static_cast<uint32_t>(count - done), &taken) != KOS_STATUS_OK)
                break;
            done += taken;
        }
        return count;
    }
};

Result<Ref<File>> open_file(Inode&, uint32_t flags, Process&) {
    Ref<File> made(new ConsoleFile);
    made->flags = flags;
    return made;
}

}  // namespace

Status open_console(System&) {
    if (!kos_status_is_ok(kos_console_connect("console", &console))) return Errno::kENODEV;
    CharacterDevices devices;
    devices.major = 5;
    devices.first_minor = 1;
    devices.open = open_file;
    devices.name = "console";
    register_devices(devices);
    return {};
}

}  // namespace kos::lx
