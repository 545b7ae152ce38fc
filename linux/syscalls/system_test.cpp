// uname(2), sysinfo(2), getrandom(2) and the other calls of the system as a whole.
#include "testing/world.h"

#include <gtest/gtest.h>
#include <string.h>

#include <array>
#include <set>

namespace kos::lx {
namespace {

using testing::error;
using testing::kArea;
using testing::kAreaBytes;
using testing::World;

constexpr unsigned kPersonality = 92, kSyslog = 116, kReboot = 142, kUname = 160, kSethostname = 161,
                   kSetdomainname = 162, kGetcpu = 168, kSysinfo = 179, kKcmp = 272, kSeccomp = 277, kGetrandom = 278,
                   kMembarrier = 283, kRseq = 293;
constexpr uint64_t kNowhere = 0x30000000;

class SystemCalls : public ::testing::Test {
protected:
    template <class... Arguments>
    int64_t call(unsigned number, Arguments... arguments) {
        return world.call(thread, number, arguments...);
    }
    std::string text(uint64_t address) { return *process.memory->read_text(address, 65); }
    void put_text(uint64_t address, std::string_view value) {
        ASSERT_TRUE(process.memory->copy_out(address, value.data(), value.size()).ok());
    }

    World world;
    Process& process = world.make_process();
    Thread& thread = World::first(process);
};

TEST_F(SystemCalls, Names) {
    EXPECT_EQ(call(kUname, kArea), 0);
    EXPECT_EQ(text(kArea), "Linux");
    EXPECT_EQ(text(kArea + 65), "test");
    EXPECT_TRUE(text(kArea + 130).starts_with("6.1."));
    EXPECT_EQ(text(kArea + 260), "aarch64");
    EXPECT_EQ(text(kArea + 325), "(none)");
    EXPECT_EQ(call(kUname, kNowhere), error(Errno::kEFAULT));
    put_text(kArea, "device-7xyz");
    EXPECT_EQ(call(kSethostname, kArea, 8), 0);
    EXPECT_EQ(call(kSetdomainname, kArea, 6), 0);
    EXPECT_EQ(call(kUname, kArea), 0);
    EXPECT_EQ(text(kArea + 65), "device-7");
    EXPECT_EQ(text(kArea + 325), "device");
    EXPECT_EQ(call(kSethostname, kArea, 65), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSethostname, kArea, -1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSethostname, kNowhere, 1), error(Errno::kEFAULT));
    process.credentials.capabilities = 0;
    EXPECT_EQ(call(kSethostname, kArea, 8), error(Errno::kEPERM));
}

TEST_F(SystemCalls, Info) {
    world.time.now = 5'500'000'000;
    EXPECT_EQ(call(kSysinfo, kArea), 0);
    EXPECT_EQ(World::get<int64_t>(process, kArea), 6);
    EXPECT_EQ(World::get<uint64_t>(process, kArea + 32), world.frames.total_frames() * kPageBytes);
    // The page of the answer itself may have become present since.
    EXPECT_LE(World::get<uint64_t>(process, kArea + 40) / kPageBytes - world.frames.free_frames(), 1u);
    EXPECT_EQ(World::get<uint16_t>(process, kArea + 80), 1);
    EXPECT_EQ(World::get<uint32_t>(process, kArea + 104), 1u);
    EXPECT_EQ(call(kSysinfo, kNowhere), error(Errno::kEFAULT));
    EXPECT_EQ(call(kGetcpu, kArea, kArea + 4), 0);
    EXPECT_EQ(World::get<uint32_t>(process, kArea), 1u);
    EXPECT_EQ(World::get<uint32_t>(process, kArea + 4), 0u);
    EXPECT_EQ(call(kGetcpu, 0, 0), 0);
    EXPECT_EQ(call(kGetcpu, kNowhere, 0), error(Errno::kEFAULT));
}

TEST_F(SystemCalls, Random) {
    EXPECT_EQ(call(kGetrandom, kArea, 48, 0), 48);
    EXPECT_EQ(call(kGetrandom, kArea + 48, 8, 1), 8);
    auto const bytes = World::get<std::array<uint8_t, 48>>(process, kArea);
    EXPECT_GT(std::set<uint8_t>(bytes.begin(), bytes.end()).size(), 10u);
    EXPECT_EQ(call(kGetrandom, kArea, 0, 0), 0);
    EXPECT_EQ(call(kGetrandom, kArea, 8, 6), error(Errno::kEINVAL));
    EXPECT_EQ(call(kGetrandom, kArea, 8, 8), error(Errno::kEINVAL));
    EXPECT_EQ(call(kGetrandom, kNowhere, 8, 0), error(Errno::kEFAULT));
    // Up to where memory ends.
    EXPECT_EQ(call(kGetrandom, kArea + kAreaBytes - 1024, 4096, 0), 1024);
    EXPECT_EQ(call(kGetrandom, kArea, ~uint64_t{0}, 0), static_cast<int64_t>(kAreaBytes));
}

TEST_F(SystemCalls, Log) {
    EXPECT_EQ(call(kSyslog, 10, 0, 0), 1 << 17);
    EXPECT_EQ(call(kSyslog, 3, kArea, 100), 0);
    EXPECT_EQ(call(kSyslog, 3, kArea, -1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSyslog, 3, 0, 10), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSyslog, 8, 0, 7), 0);
    EXPECT_EQ(call(kSyslog, 8, 0, 9), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSyslog, 77, 0, 0), error(Errno::kEINVAL));
    process.credentials.capabilities = 0;
    EXPECT_EQ(call(kSyslog, 5, 0, 0), error(Errno::kEPERM));
    EXPECT_EQ(call(kSyslog, 3, kArea, 100), 0);
}

TEST_F(SystemCalls, Personality) {
    EXPECT_EQ(call(kPersonality, 0xffffffff), 0);
    EXPECT_EQ(call(kPersonality, 0x0040000), 0);
    EXPECT_EQ(call(kPersonality, 0xffffffff), 0x0040000);
}

TEST_F(SystemCalls, Membarrier) {
    Thread& running = world.make_thread(process);
    Thread& asleep = world.make_thread(process);
    asleep.state = ThreadState::kAsleep;
    int64_t const known = call(kMembarrier, 0, 0);
    EXPECT_EQ(known & 0x19, 0x19);
    EXPECT_EQ(call(kMembarrier, 8, 0), error(Errno::kEPERM));
    EXPECT_EQ(World::machine(running).interrupts, 0u);
    EXPECT_EQ(call(kMembarrier, 16, 0), 0);
    EXPECT_EQ(call(kMembarrier, 8, 0), 0);
    EXPECT_EQ(World::machine(running).interrupts, 1u);
    EXPECT_EQ(World::machine(running).resumes, 1u);
    EXPECT_EQ(World::machine(asleep).interrupts, 0u);
    EXPECT_EQ(call(kMembarrier, 32, 0), error(Errno::kEPERM));
    EXPECT_EQ(call(kMembarrier, 1, 0), 0);
    EXPECT_EQ(World::machine(running).interrupts, 2u);
    EXPECT_EQ(call(kMembarrier, 3, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kMembarrier, 128, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kMembarrier, 0, 1), error(Errno::kEINVAL));
}

TEST_F(SystemCalls, Compare) {
    Process& child = world.make_process(&process);
    EXPECT_EQ(call(kKcmp, process.pid, process.pid, 1, 0, 0), 0);
    int64_t const one = call(kKcmp, process.pid, child.pid, 1, 0, 0),
                  other = call(kKcmp, child.pid, process.pid, 1, 0, 0);
    EXPECT_EQ(one + other, 3);
    child.memory = process.memory;
    EXPECT_EQ(call(kKcmp, process.pid, child.pid, 1, 0, 0), 0);
    EXPECT_EQ(call(kKcmp, process.pid, 4711, 1, 0, 0), error(Errno::kESRCH));
    EXPECT_EQ(call(kKcmp, process.pid, child.pid, 0, 3, 3), error(Errno::kEBADF));
    EXPECT_EQ(call(kKcmp, process.pid, child.pid, 99, 0, 0), error(Errno::kEINVAL));
    process.credentials.capabilities = 0;
    child.credentials.uid = 7;
    EXPECT_EQ(call(kKcmp, process.pid, child.pid, 1, 0, 0), error(Errno::kEPERM));
}

TEST_F(SystemCalls, RefusedOnes) {
    EXPECT_EQ(call(kReboot, 0xfee1dead, 1, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReboot, 1, 672274793, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReboot, 0xfee1dead, 672274793, 0), 0);                               // Ctrl-Alt-Del
    EXPECT_EQ(call(kReboot, 0xfee1dead, 672274793, 0xd000fce2), error(Errno::kEINVAL));  // suspend
    process.credentials.capabilities = 0;
    EXPECT_EQ(call(kReboot, 0xfee1dead, 672274793, 0), error(Errno::kEPERM));
    EXPECT_EQ(call(kSeccomp, 0, 0, 0), error(Errno::kEINVAL));
    for (unsigned absent : {0u, 60u, 89u, 104u, 224u, 241u, 280u, 282u, 425u, 444u}) {
        EXPECT_EQ(call(absent), error(Errno::kENOSYS)) << absent;
    }
    EXPECT_EQ(world.platform.reports.size(), 10u);
    call(425u);
    EXPECT_EQ(world.platform.reports.size(), 10u) << "once for each number";
    // Asked for by every program's start: nothing that anybody has to know.
    EXPECT_EQ(call(kRseq, kArea, 32, 0, 0xd428bc00), error(Errno::kENOSYS));
    EXPECT_EQ(world.platform.reports.size(), 10u);
}

TEST_F(SystemCalls, RebootEndsTheDomain) {
    EXPECT_DEATH(call(kReboot, 0xfee1dead, 672274793, 0x4321fedc), "has ended: 0");
    EXPECT_DEATH(call(kReboot, 0xfee1dead, 672274793, 0x01234567), "has ended: 0");
}

}  // namespace
}  // namespace kos::lx
