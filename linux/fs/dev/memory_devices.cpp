// null, zero, full, random, urandom, kmsg: always ready, without a position.
#include "fs/dev/dev.h"

#include "mm/address_space.h"
#include "mm/shared_memory.h"
#include "task/system.h"
#include "vfs/devices.h"
#include "vfs/file.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kMemoryMajor = 1;
constexpr uint32_t kNull = 3, kZero = 5, kFull = 7, kRandom = 8, kUrandom = 9, kKmsg = 11;

class MemoryDevice : public File {
public:
    Result<size_t> read(IoBuffer& to) override { return read_at(to, 0); }
    Result<size_t> write(IoBuffer& from) override { return write_at(from, 0); }
    bool is_seekable() const override { return true; }
    // Any seek succeeds and leads to 0.
    Result<uint64_t> seek(int64_t, unsigned whence) override {
        if (whence > 2) return Errno::kEINVAL;
        return uint64_t{0};
    }
    bool can_map() const override { return false; }

protected:
    // Takes what there is without looking at it.
    static Result<size_t> swallow(IoBuffer& from) {
        size_t const count = from.remaining();
        from.advance(count);
        return count;
    }
};

class NullDevice final : public MemoryDevice {
    Result<size_t> read_at(IoBuffer&, uint64_t) override { return size_t{0}; }
    Result<size_t> write_at(IoBuffer& from, uint64_t) override { return swallow(from); }
};

class ZeroDevice final : public MemoryDevice {
public:
    explicit ZeroDevice(System& system) : system_(system) {}

private:
    bool can_map() const override { return true; }
    // A private mapping is anonymous memory; a shared one mmap(2) makes a file of its own for.
    Result<Ref<Frame>> page(uint64_t, bool) override {
        Ref<Frame> zeros = zero_frame(system_.frames);
        if (!zeros) return Errno::kENOMEM;
        return zeros;
    }
    Ref<File> for_shared_mapping(uint64_t bytes) override {
        auto made = make_shared_memory(system_, bytes);
        return made.ok() ? made.take() : nullptr;
    }
    Result<size_t> read_at(IoBuffer& to, uint64_t) override { return to.out_zeros(to.remaining()); }
    Result<size_t> write_at(IoBuffer& from, uint64_t) override { return swallow(from); }
    System& system_;
};

class FullDevice final : public MemoryDevice {
    Result<size_t> read_at(IoBuffer& to, uint64_t) override { return to.out_zeros(to.remaining()); }
    Result<size_t> write_at(IoBuffer&, uint64_t) override { return Errno::kENOSPC; }
};

class RandomDevice final : public MemoryDevice {
public:
    explicit RandomDevice(Platform& platform) : platform_(platform) {}

private:
    Result<size_t> read_at(IoBuffer& to, uint64_t) override {
        // One call does not occupy the server for long.
        constexpr size_t kMost = 1 << 20;
        size_t done = 0;
        while (done < kMost && to.remaining()) {
            uint8_t bytes[512];
            size_t const count = std::min(to.remaining(), sizeof bytes);
            auto made = platform_.random(bytes, count);
            Result<size_t> const moved = made.ok() ? to.out(bytes, count) : Result<size_t>(made.error());
            if (!moved.ok()) {
                if (done == 0) return moved;
                break;
            }
            done += *moved;
            if (*moved < count) break;
        }
        return done;
    }
    // Adds nothing: chance comes from the kernel.
    Result<size_t> write_at(IoBuffer& from, uint64_t) override { return swallow(from); }
    bool can_poll() const override { return true; }

    Platform& platform_;
};

// What is written goes to the log, a line each; there is nothing to read.
class KmsgDevice final : public MemoryDevice {
public:
    explicit KmsgDevice(Platform& platform) : platform_(platform) {}

private:
    Result<size_t> read_at(IoBuffer&, uint64_t) override { return Errno::kEAGAIN; }
    Result<size_t> write_at(IoBuffer& from, uint64_t) override {
        constexpr size_t kMost = 976;  // as Linux: one record
        size_t const asked = from.remaining();
        if (asked > kMost) return Errno::kEINVAL;
        char line[kMost + 1];
        KOS_TRY(size_t const count, from.in(line, asked));
        size_t length = count;
        while (length && (line[length - 1] == '\n' || line[length - 1] == '\0')) --length;
        line[length] = '\0';
        for (size_t i = 0; i < length; ++i) {
            auto const byte = static_cast<unsigned char>(line[i]);
            if (byte < 0x20 || byte == 0x7f) line[i] = ' ';
        }
        platform_.report(line);
        return count;
    }

    Platform& platform_;
};

Result<Ref<File>> open_memory_device(Inode& inode, uint32_t, Process& process) {
    KOS_TRY(Attributes const attributes, inode.attributes());
    switch (minor_of(attributes.device_number)) {
        case kNull: return Ref<File>(make_ref<NullDevice>());
        case kZero: return Ref<File>(make_ref<ZeroDevice>(process.system));
        case kFull: return Ref<File>(make_ref<FullDevice>());
        case kRandom:
        case kUrandom: return Ref<File>(make_ref<RandomDevice>(process.system.platform));
        case kKmsg: return Ref<File>(make_ref<KmsgDevice>(process.system.platform));
        // mem, kmem, port: memory that is not the domain's.
        default: return Errno::kENXIO;
    }
}

}  // namespace

void register_memory_devices() { register_devices({kMemoryMajor, 0, 16, open_memory_device, "mem"}); }

}  // namespace kos::lx
