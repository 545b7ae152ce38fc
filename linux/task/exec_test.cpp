// execve(2): what a good program finds, what a damaged one gets, whoever of a process calls.
#include "task/exec.h"

#include "shim/layout.h"
#include "testing/elf.h"
#include "testing/files.h"

#include <gtest/gtest.h>

namespace kos::lx {
namespace {

using namespace testing;

constexpr unsigned kExecve = 221;
constexpr uint64_t kPath = kArea, kVector = kArea + 0x1000, kText = kArea + 0x2000;

class ExecTest : public ::testing::Test {
protected:
    // The result of execve(2) by `thread` of a program with this file; kAsleep if the thread is gone.
    int64_t execute(Thread& thread, const std::vector<uint8_t>& file, Mode mode = 0755) {
        // One that runs cannot be written.
        bool const is_running = thread.process.executable.is_set();
        std::string const path = is_running ? "/another" : "/program";
        write_program(world, path, file, mode);
        return execute_path(thread, path);
    }
    int64_t execute_path(Thread& thread, const std::string& path) {
        Process& process = thread.process;
        // A program that was executed before has no such area.
        if (!process.memory->find(kArea) && !process.memory
                                                 ->map(kArea, kAreaBytes, kPROT_READ | kPROT_WRITE,
                                                       kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED, nullptr, 0)
                                                 .ok()) {
            abort();
        }
        if (!process.memory->copy_out(kPath, path.c_str(), path.size() + 1).ok()) abort();
        if (!process.memory->copy_out(kText, "word", 5).ok()) abort();
        World::put(process, kVector, uint64_t{kText});
        World::put(process, kVector + 8, uint64_t{0});
        return world.call(thread, kExecve, kPath, kVector, uint64_t{0});
    }
    Process& child() {
        Process& made = world.make_process(world.process);
        made.paths = world.process->paths;
        for (ResourceLimit& limit : made.limits) limit = {~uint64_t{0}, ~uint64_t{0}};
        return made;
    }

    FileWorld world;
};

TEST_F(ExecTest, LoadsSegmentsAndTheStack) {
    Process& process = child();
    Thread& thread = World::first(process);
    ElfImage image;
    image.segments = {{0x400000, 100, 100, 5}, {0x410000 + 200, 50, 0x3000, 6}};
    image.entry = 0x400010;
    EXPECT_EQ(execute(thread, image.bytes()), 0);
    EXPECT_EQ(thread.registers.pc, 0x400010u);
    EXPECT_EQ(process.command, "program");
    EXPECT_EQ(process.memory->break_start, 0x414000u);
    // argc, argv[0], its end, the environment's end.
    EXPECT_EQ(World::get<uint64_t>(process, thread.registers.sp), 1u);
    uint64_t const name = World::get<uint64_t>(process, thread.registers.sp + 8);
    auto const text = process.memory->read_text(name, 10);
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, "word");
    // What the file has, and zeros behind it.
    EXPECT_EQ(World::get<uint8_t>(process, 0x410000 + 200), image.byte_of(1, 0));
    EXPECT_EQ(World::get<uint8_t>(process, 0x410000 + 250), 0);
    EXPECT_EQ(World::get<uint8_t>(process, 0x412000), 0);
    int code = 0;
    EXPECT_EQ(process.memory->fault(0x400000, kPROT_WRITE, code).error(), Errno::kEFAULT);
    EXPECT_TRUE(process.memory->fault(0x400000, kPROT_EXEC, code).ok());
}

TEST_F(ExecTest, RefusesWhatIsNoProgram) {
    struct {
        const char* what;
        void (*damage)(ElfImage& image);
    } const cases[] = {
        {"magic", [](ElfImage& image) { image.raw(0, 0x7e); }},
        {"32 bits", [](ElfImage& image) { image.raw(4, 1); }},
        {"big endian", [](ElfImage& image) { image.raw(5, 2); }},
        {"relocatable", [](ElfImage& image) { image.raw(16, 1); }},
        {"another machine", [](ElfImage& image) { image.raw(18, 62); }},
        {"size of program headers", [](ElfImage& image) { image.raw(54, 55); }},
        {"no program headers", [](ElfImage& image) { image.raw(56, 0); }},
        {"too many program headers", [](ElfImage& image) { image.raw(56, 65); }},
        {"program headers beyond the file", [](ElfImage& image) { image.raw(34, 1); }},
        {"program headers far away", [](ElfImage& image) { image.raw(39, 0x7f); }},
        {"no segment", [](ElfImage& image) { image.segments.clear(); }},
        {"more in the file than in memory", [](ElfImage& image) { image.segments[0].memory_bytes = 50; }},
        {"misplaced in its page", [](ElfImage& image) { image.misplaced = 8; }},
        {"beyond the end of memory", [](ElfImage& image) { image.segments[0].memory_bytes = kUserEnd; }},
        {"wraps around", [](ElfImage& image) { image.segments[0].address = ~uint64_t{0xfff}; }},
        {"at address 0", [](ElfImage& image) { image.segments[0].address = 0; }},
        {"below the one before",
         [](ElfImage& image) {
             image.segments.push_back({0x300000, 10, 10, 4});
         }},
        {"over the one before", [](ElfImage& image) { image.segments[0].memory_bytes = 0x20000; }},
        {"interpreter without end", [](ElfImage& image) { image.interpreter = std::string(300, 'x'); }},
        {"empty interpreter", [](ElfImage& image) { image.interpreter = std::string(); }},
    };
    Process& process = child();
    Thread& thread = World::first(process);
    Ref<AddressSpace> const before = process.memory;
    for (const auto& one : cases) {
        ElfImage image;
        image.segments = {{0x400000, 100, 100, 5}, {0x410000, 50, 50, 6}};
        one.damage(image);
        EXPECT_EQ(execute(thread, image.bytes()), error(Errno::kENOEXEC)) << one.what;
        EXPECT_EQ(process.memory, before) << one.what;
    }
}

TEST_F(ExecTest, RefusesFilesThatAreCutAnywhere) {
    Process& process = child();
    Thread& thread = World::first(process);
    ElfImage image;
    image.segments = {{0x400000, 100, 100, 5}};
    auto const whole = image.bytes();
    for (size_t bytes = 0; bytes < 64 + 56; ++bytes) {
        EXPECT_EQ(execute(thread, {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes)}),
                  error(Errno::kENOEXEC));
    }
}

TEST_F(ExecTest, FollowsTheInterpreter) {
    Process& process = child();
    Thread& thread = World::first(process);
    ElfImage loader;
    loader.type = 3;
    loader.segments = {{0, 100, 0x2000, 5}};
    loader.entry = 0x20;
    write_program(world, "/ld", loader.bytes(), 0755);
    ElfImage image;
    image.type = 3;
    image.segments = {{0, 100, 100, 5}};
    image.interpreter = std::string("/ld\0", 4);
    EXPECT_EQ(execute(thread, image.bytes()), 0);
    EXPECT_EQ(thread.registers.pc % kPageBytes, 0x20u);
    EXPECT_NE(process.memory->find(thread.registers.pc), nullptr);
    image.interpreter = std::string("/none\0", 6);
    EXPECT_EQ(execute(thread, image.bytes()), error(Errno::kENOENT));
    // An interpreter is none that needs one.
    image.interpreter = std::string("/program\0", 9);
    EXPECT_EQ(execute(thread, image.bytes()), error(Errno::kENOEXEC));
}

TEST_F(ExecTest, RefusesWhatMayNotBeExecuted) {
    Process& process = child();
    ElfImage image;
    image.segments = {{0x400000, 100, 100, 5}};
    EXPECT_EQ(execute(World::first(process), image.bytes(), 0644), error(Errno::kEACCES));
    EXPECT_EQ(execute_path(World::first(process), "/dev"), error(Errno::kEACCES));
    EXPECT_EQ(execute_path(World::first(process), "/none"), error(Errno::kENOENT));
}

TEST_F(ExecTest, ScriptsThatNameEachOtherEnd) {
    Process& process = child();
    std::string const text = "#!/program x\n";
    EXPECT_EQ(execute(World::first(process), std::vector<uint8_t>(text.begin(), text.end())), error(Errno::kELOOP));
}

TEST_F(ExecTest, OtherThreadsGoAndTheFirstRunsTheProgram) {
    Process& process = child();
    Ref<Thread> const leader(&World::first(process)), caller(&world.make_thread(process)),
        third(&world.make_thread(process));
    caller->signals.blocked = signal_bit(kSIGUSR2);
    ElfImage image;
    image.segments = {{0x400000, 100, 100, 5}};
    EXPECT_EQ(execute(*caller, image.bytes()), kAsleep);
    EXPECT_EQ(caller->state, ThreadState::kDead);
    EXPECT_EQ(third->state, ThreadState::kDead);
    ASSERT_EQ(process.threads.size(), 1u);
    EXPECT_EQ(process.threads[0], leader);
    EXPECT_EQ(leader->state, ThreadState::kRunning);
    EXPECT_EQ(leader->tid, process.pid);
    EXPECT_EQ(leader->signals.blocked, signal_bit(kSIGUSR2));
    EXPECT_EQ(world.system.find_thread(process.pid), leader.get());
}

TEST_F(ExecTest, AFirstThreadThatHasEndedIsMadeAnew) {
    Process& process = child();
    int const pid = process.pid;
    Thread& caller = world.make_thread(process);
    world.call(World::first(process), 93, 0);
    ASSERT_EQ(process.threads.size(), 1u);
    ElfImage image;
    image.segments = {{0x400000, 100, 100, 5}};
    execute(caller, image.bytes());
    ASSERT_EQ(process.threads.size(), 1u);
    EXPECT_EQ(process.threads[0]->tid, pid);
    EXPECT_EQ(process.state, ProcessState::kAlive);
}

TEST_F(ExecTest, WithoutMemoryTheOldProgramGoesOn) {
    Process& process = child();
    Thread& thread = World::first(process);
    ElfImage image;
    image.segments = {{0x400000, 100, 100, 5}, {0x410000, 50, 0x3000, 6}};
    write_program(world, "/program", image.bytes(), 0755);
    Ref<AddressSpace> const before = process.memory;
    uint64_t const used = world.frames.used();
    // Fails at each allocation until there is enough.
    unsigned failures = 0;
    for (uint64_t more = 1;; ++more) {
        ASSERT_LT(more, 100u);
        world.frames.set_quota(used + 2 + more);  // the path and the arguments
        int64_t const result = execute_path(thread, "/program");
        if (result == 0) break;
        EXPECT_EQ(result, error(Errno::kENOMEM));
        EXPECT_EQ(process.memory, before);
        ++failures;
    }
    EXPECT_GE(failures, 1u);
    world.frames.set_quota(1 << 20);
}

}  // namespace
}  // namespace kos::lx
