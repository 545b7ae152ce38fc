// Mappings: any calls of mmap(2) and its relatives, forks, faults and accesses, against a model of a small range.
//
// After each step what the processor has must be what the mappings allow, and the sums must be right; afterwards no
// frame is left.
#include "mm/address_space.h"

#include <map>
#include <memory>

#include "fuzz.h"
#include "testing/frames.h"

namespace kos::fuzz {

namespace {

using namespace lx;
using namespace lx::testing;

constexpr unsigned kStepsMost = 200, kSpacesMost = 4;
constexpr uint64_t kPages = 64, kAt = 0x10000000, kEnd = kAt + kPages * kPageBytes;
constexpr uint32_t kReadWrite = kPROT_READ | kPROT_WRITE, kPrivate = kMAP_PRIVATE | kMAP_ANONYMOUS;
constexpr unsigned kDontNeed = 4;

class Machine final : public MachineSpace {
public:
    struct Shown {
        const Frame* frame;
        uint32_t rights, handle;
    };
    Status map(uint64_t address, Frame& frame, uint32_t rights, uint32_t& handle) override {
        require(address % kPageBytes == 0, "part of a page is shown");
        if (refuses && refuses-- == 1) return Errno::kENOMEM;
        auto const [place, is_new] = shown.try_emplace(address, Shown{&frame, rights, 0});
        require(is_new, "a page is shown over another one");
        place->second.handle = handle = ++last_;
        return {};
    }
    void protect(uint64_t address, Frame& frame, uint32_t rights, uint32_t handle) override {
        Shown& page = at(address, handle);
        require(page.frame == &frame, "rights are for another frame");
        page.rights = rights;
    }
    void unmap(uint64_t address, uint32_t handle) override {
        (void)at(address, handle);
        shown.erase(address);
    }

    std::map<uint64_t, Shown> shown;
    unsigned refuses = 0;  // so many calls from now there is no memory for tables

private:
    Shown& at(uint64_t address, uint32_t handle) {
        auto const found = shown.find(address);
        require(found != shown.end() && found->second.handle == handle, "a mapping that is not there is changed");
        return found->second;
    }
    uint32_t last_ = 0;
};

// One byte of each page of the small range.
struct Place {
    bool is_mapped = false;
    uint32_t protection = 0;
    char value = 0;
};

struct Space {
    Ref<AddressSpace> memory;
    Machine* machine = nullptr;
    Place places[kPages];
    bool is_known = true;  // nothing has happened that the model does not follow
};

void check(Space& space) {
    uint64_t last = 0, sum = 0;
    for (const auto& [start, mapping] : space.memory->mappings()) {
        require(start == mapping.start && start < mapping.end && mapping.end <= kUserEnd, "a mapping has no sense");
        require(start >= kUserBegin && start % kPageBytes == 0 && mapping.end % kPageBytes == 0,
                "a mapping is out of place");
        require(start >= last, "mappings overlap");
        last = mapping.end;
        sum += mapping.bytes();
    }
    require(sum == space.memory->mapped_bytes(), "the mappings are not what is counted");
    require(space.machine->shown.size() <= space.memory->resident_pages(), "more is shown than is there");
    for (const auto& [address, page] : space.machine->shown) {
        const Mapping* const mapping = space.memory->find(address);
        require(mapping, "a page is shown where nothing is mapped");
        require((page.rights & ~mapping->protection & kReadWrite) == 0, "the processor may do more than the program");
    }
    if (!space.is_known) return;
    for (uint64_t page = 0; page < kPages; ++page) {
        const Mapping* const mapping = space.memory->find(kAt + page * kPageBytes);
        const Place& place = space.places[page];
        require((mapping != nullptr) == place.is_mapped, "a page is mapped, or not, against the model");
        require(!mapping || mapping->protection == place.protection, "a page has other rights than the model");
    }
}

void write(Space& space, uint64_t page, char value) {
    Status const status = space.memory->copy_out(kAt + page * kPageBytes, &value, 1);
    Place& place = space.places[page];
    if (space.is_known && status.ok()) require(place.protection & kPROT_WRITE, "memory was written that must not be");
    if (!status.ok() && status.error() == Errno::kENOMEM) return;
    if (space.is_known) require(status.ok() == bool(place.protection & kPROT_WRITE), "writing failed");
    if (status.ok()) place.value = value;
}

void read(Space& space, uint64_t page) {
    char found = 0;
    Status const status = space.memory->copy_in(&found, kAt + page * kPageBytes, 1);
    if (!space.is_known || (!status.ok() && status.error() == Errno::kENOMEM)) return;
    require(status.ok() == (space.places[page].protection != 0), "reading");
    if (status.ok()) require(found == space.places[page].value, "other bytes than were written");
}

Space make_space(FakeFrames& frames) {
    Space space;
    auto machine = std::make_unique<Machine>();
    space.machine = machine.get();
    auto made = AddressSpace::create(frames, std::move(machine));
    require(made.ok(), "no address space");
    space.memory = made.take();
    return space;
}

// Calls with any arguments: the model follows no more.
void wild(Reader& reader, Space& space) {
    AddressSpace& memory = *space.memory;
    uint64_t const a = reader.value(), b = reader.value(), c = reader.value();
    uint64_t const near = kAt + a % 80 * kPageBytes, bytes = b % 20 * kPageBytes;
    uint32_t const flags = reader.number<uint32_t>();
    space.is_known = false;
    switch (reader.below(9)) {
        case 0: (void)memory.map(a, b, flags & 7, static_cast<uint32_t>(c), nullptr, reader.value()); break;
        case 1:
            (void)memory.map(near, bytes, flags & 3, kPrivate | (flags & 8 ? kMAP_FIXED_NOREPLACE : 0), nullptr, 0);
            break;
        case 2: (void)memory.unmap(a, b); break;
        case 3: (void)memory.protect(a, b, static_cast<uint32_t>(c)); break;
        case 4:
            (void)memory.remap(near, bytes, c % 30 * kPageBytes, flags & 7, kAt + flags / 8 % 80 * kPageBytes);
            break;
        case 5: (void)memory.remap(a, b, c, flags, reader.value()); break;
        case 6: (void)memory.advise(near, bytes, flags % 32); break;
        case 7: {
            int code = 0;
            (void)memory.fault(a, 1u << flags % 3, code);
            break;
        }
        default: {
            memory.break_start = memory.break_end = kAt + 70 * kPageBytes;
            (void)memory.set_break(near);
            uint8_t present[20] = {};
            (void)memory.present(near, bytes, present);
            (void)memory.synchronize(near, bytes, flags % 8);
        }
    }
}

void step(Reader& reader, std::vector<Space>& spaces, FakeFrames& frames) {
    Space& space = spaces[reader.below(static_cast<unsigned>(spaces.size()))];
    uint64_t const first = reader.below(kPages), most = kPages - first;
    uint64_t const count = 1 + reader.below(16) % most, at = kAt + first * kPageBytes, bytes = count * kPageBytes;
    uint32_t const protection = reader.below(4) == 0 ? 0 : reader.below(3) == 0 ? kPROT_READ : kReadWrite;
    auto const places = std::span(space.places).subspan(first, count);
    switch (reader.below(12)) {
        case 0:
        case 1:
            require(space.memory->map(at, bytes, protection, kPrivate | kMAP_FIXED, nullptr, 0).ok(), "mmap failed");
            for (Place& place : places) place = {true, protection, 0};
            break;
        case 2:
            require(space.memory->unmap(at, bytes).ok(), "munmap failed");
            for (Place& place : places) place = {};
            break;
        case 3: {
            bool const done = space.memory->protect(at, bytes, protection).ok();
            bool is_whole = true;
            for (Place& place : places) {
                is_whole = is_whole && place.is_mapped;
                if (is_whole) place.protection = protection;
            }
            require(!space.is_known || done == is_whole, "mprotect");
            break;
        }
        case 4:
            (void)space.memory->advise(at, bytes, kDontNeed);  // kENOMEM with holes; what is mapped is forgotten
            for (Place& place : places) place.value = 0;
            break;
        case 5: {
            if (spaces.size() == kSpacesMost) {
                spaces.erase(spaces.begin() + static_cast<long>(reader.below(kSpacesMost)));
                break;
            }
            auto machine = std::make_unique<Machine>();
            Space copy;
            copy.machine = machine.get();
            auto made = space.memory->copy(std::move(machine));
            require(made.ok(), "fork failed");
            copy.memory = made.take();
            std::copy(std::begin(space.places), std::end(space.places), copy.places);
            copy.is_known = space.is_known;
            check(space);
            spaces.push_back(std::move(copy));
            break;
        }
        case 6: {
            int code = 0;
            uint32_t const access = reader.below(2) ? kPROT_WRITE : kPROT_READ;
            Status const status = space.memory->fault(at, access, code);
            if (space.is_known && status.ok())
                require(places[0].protection & access || access == kPROT_READ, "a fault was allowed");
            break;
        }
        case 7: wild(reader, space); break;
        case 8: space.machine->refuses = reader.below(20); break;
        case 9: frames.set_quota(frames.used() + reader.below(20)); break;
        default: write(space, first, static_cast<char>(1 + reader.below(100)));
    }
}

}  // namespace

void run(Bytes input) {
    // Except for the frame of zeros, which stays for good.
    static FakeFrames& frames = *new FakeFrames(1 << 20);
    static Ref<Frame> const zeros = zero_frame(frames);
    uint64_t const before = frames.used();
    {
        Reader reader(input);
        std::vector<Space> spaces;
        spaces.push_back(make_space(frames));
        for (unsigned i = 0; i < kStepsMost && !reader.empty() && !spaces.empty(); ++i) {
            step(reader, spaces, frames);
            for (Space& space : spaces) {
                check(space);
                read(space, reader.below(kPages));
            }
        }
        frames.set_quota(1 << 20);
        for (Space& space : spaces) {
            for (uint64_t page = 0; page < kPages; ++page) read(space, page);
        }
    }
    require(frames.used() == before, "frames are left");
}

std::vector<Buffer> seeds() {
    std::vector<Buffer> made;
    uint32_t state = 1;
    for (int i = 0; i < 20; ++i) {
        Writer writer;
        for (int at = 0; at < 200 * 8; ++at) {
            state = state * 1664525 + 1013904223;
            writer.number<uint8_t>(static_cast<uint8_t>(state >> 24));
        }
        made.push_back(writer.result());
    }
    return made;
}

}  // namespace kos::fuzz
