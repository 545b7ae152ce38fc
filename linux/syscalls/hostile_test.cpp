// A hostile program: random calls of the families of streams, sockets and terminals with random arguments. The server
// must come through, whatever it answers.
#include "fs/dev/dev.h"
#include "fs/tmpfs.h"
#include "net/unix.h"
#include "syscalls/families.h"
#include "testing/world.h"
#include "tty/console.h"
#include "tty/pty.h"
#include "tty/termios.h"
#include "vfs/operations.h"

#include <gtest/gtest.h>

#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kDup = 23, kFcntl = 25, kIoctl = 29, kOpenat = 56, kClose = 57, kRead = 63, kWrite = 64, kReadv = 65,
                   kWritev = 66, kSplice = 76, kTee = 77, kSetsid = 157, kSetpgid = 154;
constexpr uint64_t kNames = kArea + 0x3f000;

class SilentPort final : public ConsolePort {
public:
    size_t write(std::span<const uint8_t> bytes) override { return bytes.size() / 2; }
    void set_client(Client* to) override { client = to; }
    Client* client = nullptr;
};

class Hostile : public ::testing::Test {
protected:
    World world;
    SilentPort port;
    Process& init = world.make_process();
    std::mt19937 random;

    uint64_t number() {
        switch (random() % 8) {
            case 0: return random();
            case 1: return (uint64_t{random()} << 32) | random();
            case 2: return ~uint64_t{0} - random() % 4;
            case 3: return uint64_t{1} << random() % 64;
            case 4: return kArea + random() % (2 * kAreaBytes);
            default: return random() % 40;
        }
    }
    uint64_t address() { return random() % 12 ? kArea + random() % 0x800 * 8 : number(); }
    uint64_t descriptor() { return random() % 20 ? random() % 24 : number(); }
    uint64_t small() { return random() % 6 ? random() % 300 : number(); }
    // Fills the program's memory with what structures are made of.
    void scatter(Process& process) {
        for (int i = 0; i < 64; ++i) {
            uint64_t const value = random() % 3 ? address() : number();
            World::put(process, kArea + random() % 0x800 * 8, value);
        }
    }
};

TEST_F(Hostile, RandomCalls) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    random.seed(seed);
    auto const file_system = Tmpfs::create(world.frames, world.system.timers);
    auto root = mount_at(Location(), file_system, "root", 0);
    ASSERT_TRUE(root.ok());
    ASSERT_TRUE(populate_dev(*file_system->root()).ok());
    register_terminals();
    register_console(make_ref<Console>(world.system, port));
    init.paths->context.root = init.paths->context.working = *root;

    std::vector<unsigned> numbers;
    for (auto family : {kPollCalls, kEventCalls, kSocketCalls}) {
        for (const SystemCall& call : family) numbers.push_back(call.number);
    }
    for (unsigned more : {kDup, kFcntl, kOpenat, kRead, kWrite, kReadv, kWritev, kSplice, kTee, kSetsid, kSetpgid}) {
        numbers.push_back(more);
    }
    constexpr uint32_t kRequests[] = {
        kTCGETS,    kTCSETS,    kTCSETSW,   kTCSETSF,  kTCGETA,     kTCSETA,     kTCSBRK,  kTCXONC,      kTCFLSH,
        kTIOCSCTTY, kTIOCGPGRP, kTIOCSPGRP, kTIOCOUTQ, kTIOCGWINSZ, kTIOCSWINSZ, kTIOCINQ, kTIOCPKT,     kTIOCNOTTY,
        kTIOCSETD,  kTIOCGSID,  kTCGETS2,   kTCSETS2,  kTIOCGPTN,   kTIOCSPTLCK, kTIOCSIG, kTIOCGPTPEER, kTIOCVHANGUP};
    constexpr const char* kPaths[] = {"/ptmx", "/console", "/tty", "/null", "/file"};

    for (int life = 0; life < 12; ++life) {
        Process& process = world.make_process(&init);
        process.paths->context = init.paths->context;
        process.limits[kRLIMIT_FSIZE] = {~uint64_t{0}, ~uint64_t{0}};
        for (SignalAction& action : process.handlers->actions) action.handler = kSIG_IGN;
        std::vector<Ref<Thread>> threads{process.threads.front()};
        for (size_t i = 0; i < std::size(kPaths); ++i) {
            (void)process.memory->copy_out(kNames + i * 64, kPaths[i], strlen(kPaths[i]) + 1);
        }
        for (int step = 0; step < 6000 && process.state == ProcessState::kAlive; ++step) {
            if (step % 16 == 0) scatter(process);
            Thread* thread = threads[random() % threads.size()].get();
            if (thread->state != ThreadState::kRunning) {
                if (threads.size() < 12) {
                    threads.emplace_back(&world.make_thread(process));
                } else if (random() % 4 == 0) {
                    (void)process.files->close(static_cast<int>(random() % 24), process);
                    world.system.run_ready();
                } else {
                    world.pass(static_cast<Nanoseconds>(random()) * 1000);
                    std::string const keys(random() % 20, static_cast<char>(random() % 40));
                    if (port.client) {
                        port.client->received({reinterpret_cast<const uint8_t*>(keys.data()), keys.size()});
                        port.client->has_room();
                    }
                    world.system.run_ready();
                }
                continue;
            }
            unsigned const call = numbers[random() % numbers.size()];
            if (random() % 8 == 0) {
                uint32_t const request = kRequests[random() % std::size(kRequests)];
                world.call(*thread, kIoctl, descriptor(), request, random() % 2 ? address() : small());
            } else if (random() % 16 == 0) {
                uint64_t const name = kNames + random() % std::size(kPaths) * 64;
                world.call(*thread, kOpenat, -100, name, kO_RDWR | kO_CREAT | (random() % 2 ? kO_NONBLOCK : 0), 0666);
            } else if (call == 198 || call == 199) {
                world.call(*thread, call, kAF_UNIX, 1 + random() % 5, random() % 9 ? 0 : small(), address());
            } else if (call == 200 || call == 203 || (call >= 201 && random() % 2 && call < 213)) {
                World::put(process, kArea, uint16_t{kAF_UNIX});
                World::put(process, kArea + 2, static_cast<uint16_t>(random() % 4 << 8));
                world.call(*thread, call, descriptor(), kArea, random() % 3 ? 4 : small(), address(), kArea, 4);
            } else {
                auto any = [&] {
                    switch (random() % 4) {
                        case 0: return address();
                        case 1: return small();
                        case 2: return descriptor();
                        default: return number();
                    }
                };
                world.call(*thread, call, random() % 4 ? descriptor() : any(), any(), any(), any(), any(), any());
            }
        }
        if (process.files) process.files->close_all(process);
        world.system.run_ready();
        UnixSocket::collect_garbage(true);
        EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
    }
    register_console(nullptr);
    EXPECT_GT(world.system.calls_executed, 5000u);
    printf("%llu calls\n", static_cast<unsigned long long>(world.system.calls_executed));
}

}  // namespace
