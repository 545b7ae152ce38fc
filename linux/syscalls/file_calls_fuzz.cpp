// A hostile program's calls on files: any of the file, path and descriptor families with any arguments, on an overlay
// of tmpfs on tmpfs. The input is a list of calls; afterwards nothing may be left behind.
#include "fs/overlay.h"
#include "syscalls/families.h"
#include "testing/world.h"
#include "vfs/dentry.h"
#include "vfs/pipe.h"
#include "vfs/special.h"

#include <string>

#include "fuzz.h"

namespace kos::fuzz {

namespace {

using namespace lx;
using namespace lx::testing;

constexpr unsigned kCallsMost = 60, kThreadsMost = 6;
constexpr unsigned kPipe2 = 59, kMemfdCreate = 279, kOpenat = 56, kMount = 40;
constexpr const char* kPaths[] = {"/",  "a",   "b",    "/a/b", "/a/c",  "link",  "..",      "/m",
                                  "x/", "/m/", "fifo", "",     "./a//", "tmpfs", "size=4k", "/a/../b"};
constexpr uint64_t kPathBytes = 64;

unsigned call_number(Reader& reader) {
    unsigned which = reader.number<uint8_t>();
    for (auto const& family : {kFileCalls, kPathCalls, kDescriptorCalls}) {
        if (which < family.size()) return family[which].number;
        which -= static_cast<unsigned>(family.size());
    }
    return which % 4 == 0 ? kPipe2 : which % 4 == 1 ? kMemfdCreate : kOpenat;
}

uint64_t argument(Reader& reader) {
    uint8_t const kind = reader.number<uint8_t>();
    uint8_t const low = kind % 32;
    switch (kind / 32) {
        case 0: return low % 10;                                                   // descriptors, small numbers
        case 1: return static_cast<uint64_t>(-100);                                // AT_FDCWD
        case 2: return kArea + low % std::size(kPaths) * kPathBytes;               // a path
        case 3: return kArea + 0x2000 + low * 0x100;                               // memory
        case 4: return low < 16 ? kArea + kAreaBytes - low : uint64_t{low} << 40;  // its end, none
        case 5: return uint64_t{1} << low;                                         // flags
        case 6: return reader.number<uint16_t>();
        default: return reader.value();
    }
}

void close_everything(World& world) {
    std::vector<Ref<Thread>> threads;
    for (const auto& [pid, process] : world.system.processes()) {
        for (const Ref<Thread>& thread : process->threads) threads.push_back(thread);
        process->files->close_all(*process);
        process->paths->context = {};
    }
    // Calls that still wait hold files.
    for (const Ref<Thread>& thread : threads) thread->progress.extra.reset();
}

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    special_files.fifo = open_fifo;
    uint64_t const before = all_frames().used();
    {
        World world;
        Process& process = world.make_process();
        process.files->limit = 32;
        for (ResourceLimit& limit : process.limits) limit = {~uint64_t{0}, ~uint64_t{0}};
        for (int const signal : {kSIGPIPE, kSIGXFSZ}) process.handlers->actions[signal - 1].handler = kSIG_IGN;
        {
            TmpfsOptions small;
            small.bytes_max = 1 << 20;
            small.files_max = 64;
            auto const lower = Tmpfs::create(world.frames, world.system.timers, small);
            auto const file = lower->root()->create("a", kS_IFDIR | 0755, 0, 0, 0);
            (void)(*file)->create("b", kS_IFREG | 0644, 0, 0, 0);
            (void)lower->root()->symlink("link", "a/b", 0, 0);
            (void)lower->root()->create("m", kS_IFDIR | 0755, 0, 0, 0);
            auto overlay = Overlay::create(lower, Tmpfs::create(world.frames, world.system.timers, small));
            world.system.root = mount_at({}, std::move(overlay), "root", 0).take();
        }
        process.paths->context.root = process.paths->context.working = world.system.root;
        for (size_t i = 0; i < std::size(kPaths); ++i) {
            (void)process.memory->copy_out(kArea + i * kPathBytes, kPaths[i], strlen(kPaths[i]) + 1);
        }
        Thread* thread = &World::first(process);
        unsigned threads = 1;
        for (unsigned call = 0; call < kCallsMost && !reader.empty(); ++call) {
            unsigned const number = call_number(reader);
            uint64_t list[6];
            for (uint64_t& word : list) word = argument(reader);
            if (number == kMount) list[2] = kArea + 13 * kPathBytes;
            int64_t const result = world.call(*thread, number, list[0], list[1], list[2], list[3], list[4], list[5]);
            if (result != kAsleep) continue;
            if (++threads > kThreadsMost) break;
            thread = &world.make_thread(process);
        }
        close_everything(world);
        world.system.root = {};
        Dentry::drop_unused();
    }
    // Except for the frame of zeros, which stays for good.
    require(all_frames().used() <= before + 1, "frames are left");
}

std::vector<Buffer> seeds() {
    Writer open_write;
    // openat(AT_FDCWD, "a", O_CREAT|O_RDWR...), write, lseek, read, close and so on, by their places in the tables.
    for (uint8_t call = 0; call < 90; ++call) {
        open_write.number<uint8_t>(call).number<uint8_t>(32).number<uint8_t>(64 + 3);
        open_write.number<uint8_t>(5 * 32 + call % 12).number<uint8_t>(96).number<uint8_t>(1).number<uint8_t>(0);
    }
    Writer descriptors;
    for (uint8_t call = 0; call < 60; ++call) {
        descriptors.number<uint8_t>(call % 2 ? call : 200).number<uint8_t>(call % 3).number<uint8_t>(64 + call % 12);
        descriptors.number<uint8_t>(96).number<uint8_t>(2).number<uint8_t>(3).number<uint8_t>(4);
    }
    return {open_write.result(), descriptors.result()};
}

}  // namespace kos::fuzz
