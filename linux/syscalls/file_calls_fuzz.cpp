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

constexpr unsigned kCallsMost = 60, kThreadsMost = 12;
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

// What the arguments of the calls are, so that many succeed: f descriptor, c directory, p path, b memory, n count,
// o offset, w small number, F flag, O flags of open, m mode, v vector, z 0 or memory.
struct Kinds {
    unsigned number;
    const char* kinds;
};
constexpr Kinds kKinds[] = {
    {17, "bn"},     {23, "f"},    {24, "ffF"},    {25, "fnb"},    {29, "fnb"},   {32, "fw"},    {33, "cpm"},
    {34, "cpm"},    {35, "cpF"},  {36, "pcp"},    {37, "cpcpF"},  {38, "cpcp"},  {39, "pw"},    {40, "ppp"},
    {43, "pb"},     {44, "fb"},   {45, "po"},     {46, "fo"},     {47, "fwoo"},  {48, "cpw"},   {49, "p"},
    {50, "f"},      {51, "p"},    {52, "fm"},     {53, "cpm"},    {54, "cpnnF"}, {55, "fnn"},   {56, "cpOm"},
    {57, "f"},      {59, "bw"},   {61, "fbn"},    {62, "fow"},    {63, "fbn"},   {64, "fbn"},   {65, "fvw"},
    {66, "fvw"},    {67, "fbno"}, {68, "fbno"},   {69, "fvwo"},   {70, "fvwo"},  {71, "ffzn"},  {75, "fvw"},
    {76, "fzfznF"}, {77, "ffn"},  {78, "cpbn"},   {79, "cpbF"},   {80, "fb"},    {88, "cpz"},   {166, "m"},
    {276, "cpcpw"}, {279, "pw"},  {285, "fzfzn"}, {291, "cpFnb"}, {436, "ffF"},  {437, "cpbn"}, {439, "cpw"},
};
constexpr uint64_t kVector = kArea + 0x1800;

uint64_t likely_argument(Reader& reader, char kind) {
    uint64_t const byte = reader.number<uint8_t>();
    switch (kind) {
        case 'f': return byte % 10;
        case 'c': return byte < 230 ? static_cast<uint64_t>(-100) : byte % 10;
        case 'p': return kArea + byte % std::size(kPaths) * kPathBytes;
        case 'b': return kArea + 0x2000 + byte * 0x100;
        case 'n': return byte < 128 ? byte : byte * 100;
        case 'o': return byte < 200 ? byte * 37 : reader.value();
        case 'w': return byte % 6;
        case 'F': return byte < 128 ? 0 : uint64_t{1} << byte % 24;
        case 'O': {
            uint64_t flags = byte % 3 | (byte & 4 ? kO_CREAT : 0) | (byte & 8 ? kO_NONBLOCK : 0);
            flags |= (byte & 16 ? kO_TRUNC : 0) | (byte & 32 ? kO_APPEND : 0) | (byte > 220 ? kO_TMPFILE : 0);
            return flags;
        }
        case 'm': return byte % 4 * 0111 + 0444 + (byte > 200 ? kS_IFIFO : 0);
        case 'v': return kVector;
        default: return byte < 128 ? 0 : kArea + 0x3000 + byte;
    }
}

void arguments_of(Reader& reader, unsigned number, uint64_t (&list)[6]) {
    const char* kinds = "";
    for (const Kinds& known : kKinds) {
        if (known.number == number) kinds = known.kinds;
    }
    bool const is_likely = reader.number<uint8_t>() < 200;
    for (uint64_t& word : list) {
        word = !is_likely ? argument(reader) : *kinds ? likely_argument(reader, *kinds++) : 0;
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
        uint64_t const vector[] = {kArea + 0x2100, 100, kArea + 0x5000, 5000, kArea + 0x2200, 1};
        World::put(process, kVector, vector);
        Thread* thread = &World::first(process);
        unsigned threads = 1;
        for (unsigned call = 0; call < kCallsMost && !reader.empty(); ++call) {
            unsigned const number = call_number(reader);
            uint64_t list[6];
            arguments_of(reader, number, list);
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
    std::vector<Buffer> made;
    uint32_t state = 1;
    for (int i = 0; i < 20; ++i) {
        Writer writer;
        for (int at = 0; at < 60 * 7; ++at) {
            state = state * 1664525 + 1013904223;
            // Each call: its place in the tables, how its arguments are made, and some of them.
            writer.number<uint8_t>(at % 7 == 0 ? static_cast<uint8_t>((state >> 24) % 82)
                                               : static_cast<uint8_t>(state >> 24));
        }
        made.push_back(writer.result());
    }
    return made;
}

}  // namespace kos::fuzz
