// execve(2) of any file: the input is the program, which may name itself, or a good file, as its interpreter.
//
// Either the process goes on with what it had, or its new address space is in order.
#include "task/exec.h"

#include "fuzz.h"
#include "testing/elf.h"
#include "testing/files.h"

namespace kos::fuzz {

namespace {

using namespace lx;
using namespace lx::testing;

constexpr size_t kMost = 1 << 18;
constexpr unsigned kExecve = 221;

void check(const AddressSpace& memory) {
    uint64_t last = 0, sum = 0;
    for (const auto& [start, mapping] : memory.mappings()) {
        require(start == mapping.start && start < mapping.end && mapping.end <= kUserEnd, "a mapping has no sense");
        require(start % kPageBytes == 0 && mapping.end % kPageBytes == 0, "a mapping has parts of pages");
        require(start >= last, "mappings overlap");
        last = mapping.end;
        sum += mapping.bytes();
    }
    require(sum == memory.mapped_bytes(), "the mappings are not what is counted");
}

}  // namespace

void run(Bytes input) {
    if (input.size() > kMost) return;
    FileWorld world;
    Process& process = world.make_process(world.process);
    process.paths = world.process->paths;
    for (ResourceLimit& limit : process.limits) limit = {~uint64_t{0}, ~uint64_t{0}};
    ElfImage loader;
    loader.type = 3;
    loader.segments = {{0, 100, 0x2000, 5}};
    write_program(world, "/ld", loader.bytes(), 0755);
    write_program(world, "/p", {input.begin(), input.end()}, 0755);
    if (!process.memory->copy_out(kArea, "/p", 3).ok()) abort();
    Ref<AddressSpace> const before = process.memory;
    Thread& thread = World::first(process);
    int64_t const result = world.call(thread, kExecve, kArea, uint64_t{0}, uint64_t{0});
    check(*process.memory);
    require((process.memory == before) == (result != 0), "neither the old program nor the new one");
    if (result != 0) return;
    int code = 0;
    (void)process.memory->fault(thread.registers.pc, kPROT_EXEC, code).ok();  // the entry may be anywhere
    for (const auto& [start, mapping] : process.memory->mappings()) {
        (void)process.memory->fault(start, kPROT_READ, code).ok();
        (void)process.memory->fault(mapping.end - 1, kPROT_WRITE, code).ok();
    }
}

std::vector<Buffer> seeds() {
    ElfImage fixed, movable, self, loaded;
    fixed.segments = {{0x400000, 100, 100, 5}, {0x410000 + 200, 50, 0x3000, 6}};
    movable.type = 3;
    movable.segments = {{0, 100, 100, 5}, {0x10000, 0, 0x3000, 6}};
    self = loaded = movable;
    self.interpreter = std::string("/p\0", 3);
    loaded.interpreter = std::string("/ld\0", 4);
    std::vector<Buffer> result;
    for (const ElfImage& image : {fixed, movable, self, loaded}) {
        auto const bytes = image.bytes();
        result.emplace_back(bytes.begin(), bytes.end());
    }
    std::string const script = "#!/ld argument\n";
    result.emplace_back(script.begin(), script.end());
    return result;
}

}  // namespace kos::fuzz
