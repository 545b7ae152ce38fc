// Terminals by their calls: settings, sessions, job control, the console, pseudo terminals.
#include "tty/terminal.h"

#include "fs/dev/dev.h"
#include "fs/tmpfs.h"
#include "testing/world.h"
#include "tty/console.h"
#include "tty/pty.h"
#include "vfs/devices.h"
#include "vfs/operations.h"

#include <gtest/gtest.h>

#include <string.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kIoctl = 29, kOpenat = 56, kClose = 57, kRead = 63, kWrite = 64, kGetdents = 61, kPpoll = 73,
                   kSetpgid = 154, kSetsid = 157, kFcntl = 25, kSigprocmask = 135;
constexpr uint64_t kName = kArea, kValue = kArea + 0x800, kBuffer = kArea + 0x1000, kTime = kArea + 0x900;
constexpr int kHere = -100;

class FakePort final : public ConsolePort {
public:
    size_t write(std::span<const uint8_t> bytes) override {
        size_t const taken = std::min(bytes.size(), room);
        text.append(reinterpret_cast<const char*>(bytes.data()), taken);
        room -= taken;
        return taken;
    }
    void set_client(Client* to) override { client = to; }
    void type(const std::string& keys) {
        client->received({reinterpret_cast<const uint8_t*>(keys.data()), keys.size()});
    }
    std::string take() { return std::exchange(text, {}); }

    Client* client = nullptr;
    std::string text;
    size_t room = SIZE_MAX;
};

class Terminals : public ::testing::Test {
protected:
    World world;
    FakePort port;
    Process& init = world.make_process();
    Process& process = world.make_process(&init);
    Process& child = world.make_process(&process);
    Thread& thread = World::first(process);
    Thread& child_thread = World::first(child);

    void SetUp() override {
        auto const file_system = Tmpfs::create(world.frames, world.system.timers);
        auto root = mount_at(Location(), file_system, "root", 0);
        ASSERT_TRUE(root.ok());
        for (Process* one : {&init, &process, &child}) one->paths->context.root = one->paths->context.working = *root;
        ASSERT_TRUE(populate_dev(*file_system->root()).ok());
        PathUser const user{process.paths->context, process.credentials};
        auto const pts = walk(user.context, user.credentials, *root, "/pts", kWalkDirectory);
        ASSERT_TRUE(pts.ok());
        ASSERT_TRUE(mount_at(pts->location, make_devpts(world.system), "devpts", 0).ok());
        register_terminals();
        register_console(make_ref<Console>(world.system, port));
        // A session of its own for `process`, in which `child` is another group.
        ASSERT_EQ(world.call(thread, kSetsid), process.pid);
        child.session = process.session;
        child.group = process.group;
    }
    void TearDown() override {
        for (Process* one : {&child, &process}) {
            for (int fd = 0; (fd = one->files->next_open(fd)) >= 0; ++fd) world.call(World::first(*one), kClose, fd);
        }
        register_console(nullptr);
    }

    int open(const char* name, uint32_t flags = kO_RDWR, Thread* by = nullptr) {
        Thread& who = by ? *by : thread;
        EXPECT_TRUE(who.process.memory->copy_out(kName, name, strlen(name) + 1).ok());
        return static_cast<int>(world.call(who, kOpenat, kHere, kName, flags, 0));
    }
    int64_t write(int fd, const std::string& text, Thread* by = nullptr) {
        Thread& who = by ? *by : thread;
        EXPECT_TRUE(who.process.memory->copy_out(kBuffer, text.data(), text.size()).ok());
        return world.call(who, kWrite, fd, kBuffer, text.size());
    }
    std::string text(int64_t bytes, Process* of = nullptr) {
        if (bytes < 0) return bytes == kAsleep ? "asleep" : "error " + std::to_string(-bytes);
        std::string result(static_cast<size_t>(bytes), '\0');
        EXPECT_TRUE((of ? *of : process).memory->copy_in(result.data(), kBuffer, result.size()).ok());
        return result;
    }
    std::string read(int fd, size_t most = 1000, Thread* by = nullptr) {
        Thread& who = by ? *by : thread;
        return text(world.call(who, kRead, fd, kBuffer, most), &who.process);
    }
    int64_t ioctl(int fd, uint32_t request, uint64_t argument = kValue, Thread* by = nullptr) {
        return world.call(by ? *by : thread, kIoctl, fd, request, argument);
    }
    template <class T>
    int64_t set(int fd, uint32_t request, const T& value, Thread* by = nullptr) {
        World::put((by ? *by : thread).process, kValue, value);
        return ioctl(fd, request, kValue, by);
    }
    int32_t number(Process* of = nullptr) { return World::get<int32_t>(of ? *of : process, kValue); }
    uint32_t poll(int fd) { return (*process.files->get(fd))->poll(); }
    Termios settings(int fd) {
        EXPECT_EQ(ioctl(fd, kTCGETS2), 0);
        return World::get<Termios>(process, kValue);
    }
    void make_raw(int fd, uint8_t least = 1, uint8_t time = 0) {
        Termios termios = settings(fd);
        termios.local &= ~(kICANON | kECHO);
        termios.characters[kVMIN] = least;
        termios.characters[kVTIME] = time;
        EXPECT_EQ(set(fd, kTCSETS2, termios), 0);
    }
    struct Pair {
        int master, slave;
    };
    Pair pty(uint32_t flags = kO_RDWR | kO_NOCTTY) {
        int const master = open("/ptmx", kO_RDWR | kO_NONBLOCK | kO_NOCTTY);
        EXPECT_GE(master, 0);
        EXPECT_EQ(ioctl(master, kTIOCGPTN), 0);
        std::string const name = "/pts/" + std::to_string(number());
        EXPECT_EQ(open(name.c_str(), flags), error(Errno::kEIO));  // locked
        EXPECT_EQ(set(master, kTIOCSPTLCK, int32_t{0}), 0);
        int const slave = open(name.c_str(), flags);
        EXPECT_GE(slave, 0);
        return {master, slave};
    }
};

TEST_F(Terminals, TheConsoleEchoesAndReads) {
    int const fd = open("/console");
    ASSERT_GE(fd, 0);
    EXPECT_EQ(read(fd), "asleep");
    port.type("hi\r");
    world.system.run_ready();
    EXPECT_EQ(text(World::result(thread)), "hi\n");
    EXPECT_EQ(port.take(), "hi\r\n");
    EXPECT_EQ(write(fd, "a\n"), 2);
    EXPECT_EQ(port.take(), "a\r\n");
}

TEST_F(Terminals, AFullConsoleMakesWritersWaitOrGivesEagain) {
    int const fd = open("/console");
    port.room = 10;
    std::string const long_text(20000, 'x');
    EXPECT_EQ(write(fd, long_text), kAsleep);
    port.room = 5000;
    port.client->has_room();
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), kAsleep);
    port.room = SIZE_MAX;
    port.client->has_room();
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), 20000);
    port.client->has_room();
    EXPECT_EQ(port.take().size(), 20000u);

    EXPECT_EQ(world.call(thread, kFcntl, fd, 4, kO_NONBLOCK), 0);
    port.room = 0;
    EXPECT_EQ(write(fd, long_text), static_cast<int64_t>(Line::kOutput - Line::kOutputForEcho));
    EXPECT_EQ(write(fd, long_text), error(Errno::kEAGAIN));
    EXPECT_FALSE(poll(fd) & kPOLLOUT);
    struct {
        int32_t fd;
        uint16_t events, result;
    } const entry{fd, kPOLLOUT, 0};
    World::put(process, kName, entry);
    EXPECT_EQ(world.call(thread, kPpoll, kName, 1, 0, 0, 8), kAsleep);
    port.room = SIZE_MAX;
    port.client->has_room();
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), 1);
    EXPECT_EQ(write(fd, "x"), 1);
}

TEST_F(Terminals, Settings) {
    int const fd = open("/console");
    EXPECT_EQ(ioctl(fd, kTCGETS), 0);
    auto const termios = World::get<Termios>(process, kValue);
    EXPECT_EQ(termios.local & kICANON, kICANON);
    EXPECT_EQ(termios.characters[kVINTR], 3);
    Termios raw = settings(fd);
    EXPECT_EQ(raw.output_speed, 38400u);
    raw.control = (raw.control & ~kCBAUD) | 0x1002;
    EXPECT_EQ(set(fd, kTCSETS, raw), 0);
    EXPECT_EQ(settings(fd).output_speed, 115200u);
    EXPECT_EQ(ioctl(fd, kTCGETS, 0x10), error(Errno::kEFAULT));
    EXPECT_EQ(ioctl(fd, kTCSETS, 0x10), error(Errno::kEFAULT));
    EXPECT_EQ(ioctl(fd, 0x1234), error(Errno::kENOTTY));
    EXPECT_EQ(ioctl(fd, kTIOCSTI), error(Errno::kEIO));
    EXPECT_EQ(set(fd, kTIOCSETD, int32_t{3}), error(Errno::kEINVAL));
    EXPECT_EQ(ioctl(fd, kTCFLSH, 3), error(Errno::kEINVAL));
    EXPECT_EQ(ioctl(fd, kTCXONC, 4), error(Errno::kEINVAL));
    port.type("typed\n");
    EXPECT_EQ(ioctl(fd, kTIOCINQ), 0);
    EXPECT_EQ(number(), 6);
    EXPECT_EQ(ioctl(fd, kTCFLSH, 0), 0);
    EXPECT_EQ(poll(fd) & kPOLLIN, 0u);
    EXPECT_EQ(ioctl(fd, kTCGETA), 0);
    EXPECT_EQ(ioctl(fd, kTCSETA), 0);
}

TEST_F(Terminals, DrainingWaitsForTheDevice) {
    int const fd = open("/console");
    Termios const termios = settings(fd);
    port.room = 0;
    EXPECT_EQ(write(fd, "text"), 4);
    EXPECT_EQ(ioctl(fd, kTIOCOUTQ), 0);
    EXPECT_EQ(number(), 4);
    EXPECT_EQ(ioctl(fd, kTCSBRK, 1), kAsleep);
    port.room = 100;
    port.client->has_room();
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), 0);
    port.room = 0;
    EXPECT_EQ(write(fd, "text"), 4);
    EXPECT_EQ(set(fd, kTCSETSW, termios), kAsleep);
    port.room = 100;
    port.client->has_room();
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), 0);
}

TEST_F(Terminals, WindowSizes) {
    int const fd = open("/console");
    process.handlers->actions[kSIGWINCH - 1].handler = 0x500000;
    EXPECT_EQ(set(fd, kTIOCSWINSZ, WindowSize{24, 80, 0, 0}), 0);
    EXPECT_NE(thread.registers.pc, kSvc + 4);  // in its handler
    thread.registers.pc = kSvc + 4;
    EXPECT_EQ(ioctl(fd, kTIOCGWINSZ), 0);
    EXPECT_EQ(World::get<WindowSize>(process, kValue).columns, 80);
    EXPECT_EQ(set(fd, kTIOCSWINSZ, WindowSize{24, 80, 0, 0}), 0);
    EXPECT_EQ(thread.registers.pc, kSvc + 4);
}

TEST_F(Terminals, RawReading) {
    int const fd = open("/console");
    make_raw(fd, 3);
    EXPECT_EQ(read(fd, 10), "asleep");
    port.type("ab");
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), kAsleep);
    EXPECT_EQ(poll(fd) & kPOLLIN, 0u);
    port.type("cd");
    world.system.run_ready();
    EXPECT_EQ(text(World::result(thread)), "abcd");
    make_raw(fd, 0, 0);
    EXPECT_EQ(read(fd), "");
    make_raw(fd, 0, 5);  // half a second
    EXPECT_EQ(read(fd), "asleep");
    world.pass(499'000'000);
    EXPECT_EQ(World::result(thread), kAsleep);
    world.pass(1'000'000);
    EXPECT_EQ(text(World::result(thread)), "");
    EXPECT_EQ(read(fd), "asleep");
    port.type("x");
    world.system.run_ready();
    EXPECT_EQ(text(World::result(thread)), "x");
    make_raw(fd, 5, 2);  // from byte to byte
    EXPECT_EQ(read(fd), "asleep");
    world.pass(10'000'000'000);
    EXPECT_EQ(World::result(thread), kAsleep);
    port.type("ab");
    world.system.run_ready();
    world.pass(150'000'000);
    port.type("c");
    world.system.run_ready();
    world.pass(150'000'000);
    EXPECT_EQ(World::result(thread), kAsleep);
    world.pass(50'000'000);
    EXPECT_EQ(text(World::result(thread)), "abc");
    EXPECT_EQ(world.call(thread, kFcntl, fd, 4, kO_NONBLOCK), 0);
    EXPECT_EQ(read(fd), "error 11");
    port.type("x");
    EXPECT_EQ(read(fd), "x");
}

TEST_F(Terminals, ControllingTerminal) {
    EXPECT_EQ(open("/tty"), error(Errno::kENXIO));
    int const plain = open("/console", kO_RDWR | kO_NOCTTY);
    EXPECT_EQ(process.session->terminal, nullptr);
    EXPECT_EQ(ioctl(plain, kTIOCGPGRP), error(Errno::kENOTTY));
    EXPECT_EQ(ioctl(plain, kTIOCSCTTY, 0), 0);
    EXPECT_NE(process.session->terminal, nullptr);
    EXPECT_EQ(ioctl(plain, kTIOCSCTTY, 0), 0);
    EXPECT_EQ(ioctl(plain, kTIOCGPGRP), 0);
    EXPECT_EQ(number(), process.group);
    EXPECT_EQ(ioctl(plain, kTIOCGSID), 0);
    EXPECT_EQ(number(), process.session->id);
    int const tty = open("/tty");
    EXPECT_GE(tty, 0);
    EXPECT_EQ(write(tty, "x"), 1);
    EXPECT_EQ(port.take(), "x");
    EXPECT_EQ(set(plain, kTIOCSPGRP, int32_t{-1}), error(Errno::kEINVAL));
    EXPECT_EQ(set(plain, kTIOCSPGRP, int32_t{4000}), error(Errno::kESRCH));
    EXPECT_EQ(set(plain, kTIOCSPGRP, int32_t{init.group}), error(Errno::kEPERM));
    // Ctrl-C reaches the foreground.
    process.handlers->actions[kSIGINT - 1].handler = 0x500000;
    child.handlers->actions[kSIGINT - 1].handler = 0x500000;
    EXPECT_EQ(read(plain), "asleep");
    port.type("\x03");
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), error(Errno::kEINTR));
    thread.registers.pc = kSvc + 4;
    process.handlers->actions[kSIGHUP - 1].handler = kSIG_IGN;
    child.handlers->actions[kSIGHUP - 1].handler = kSIG_IGN;
    EXPECT_EQ(ioctl(plain, kTIOCNOTTY), 0);
    EXPECT_EQ(process.session->terminal, nullptr);
    EXPECT_EQ(ioctl(plain, kTIOCNOTTY), error(Errno::kENOTTY));
}

TEST_F(Terminals, BackgroundProcesses) {
    int const fd = open("/console");
    ASSERT_GE(fd, 0);
    EXPECT_EQ(world.call(thread, kSetpgid, child.pid, 0), 0);
    int const own = open("/console", kO_RDWR, &child_thread);
    EXPECT_EQ(ioctl(own, kTIOCGPGRP, kValue, &child_thread), 0);
    EXPECT_EQ(number(&child), process.group);
    // Reading stops the group; blocked or ignored, it is an error.
    child.handlers->actions[kSIGTTIN - 1].handler = kSIG_IGN;
    EXPECT_EQ(read(own, 10, &child_thread), "error 5");
    child.handlers->actions[kSIGTTIN - 1].handler = kSIG_DFL;
    EXPECT_EQ(read(own, 10, &child_thread), "asleep");
    EXPECT_TRUE(child.signals.is_stopped);
    // In the foreground and continued it goes on.
    EXPECT_EQ(set(fd, kTIOCSPGRP, int32_t{child.group}), 0);
    EXPECT_EQ(world.call(thread, 129, child.pid, kSIGCONT), 0);
    port.type("for you\n");
    world.system.run_ready();
    EXPECT_EQ(text(World::result(child_thread), &child), "for you\n");
    // Writing is allowed unless TOSTOP; taking the foreground stops.
    process.handlers->actions[kSIGTTOU - 1].handler = kSIG_IGN;
    EXPECT_EQ(set(fd, kTIOCSPGRP, int32_t{process.group}), 0);
    EXPECT_EQ(write(own, "x", &child_thread), 1);
    Termios termios = settings(fd);
    termios.local |= kTOSTOP;
    EXPECT_EQ(set(fd, kTCSETS2, termios), 0);
    EXPECT_EQ(write(own, "x", &child_thread), kAsleep);
    EXPECT_TRUE(child.signals.is_stopped);
    child.handlers->actions[kSIGTTOU - 1].handler = kSIG_IGN;
    EXPECT_EQ(world.call(thread, 129, child.pid, kSIGCONT), 0);
    world.system.run_ready();
    EXPECT_EQ(World::result(child_thread), 1);
    child.handlers->actions[kSIGTTOU - 1].handler = kSIG_DFL;
    EXPECT_EQ(set(own, kTIOCSPGRP, int32_t{child.group}, &child_thread), kAsleep);
    EXPECT_TRUE(child.signals.is_stopped);
}

TEST_F(Terminals, ALeadersEndFreesTheTerminal) {
    open("/console");
    ASSERT_NE(process.session->terminal, nullptr);
    Ref<Session> const session = process.session;
    process.handlers->actions[kSIGHUP - 1].handler = kSIG_IGN;
    child.handlers->actions[kSIGHUP - 1].handler = kSIG_IGN;
    session_ends(*session);
    EXPECT_EQ(session->terminal, nullptr);
    EXPECT_EQ(session->foreground_group, 0);
}

TEST_F(Terminals, PseudoTerminals) {
    auto const [master, slave] = pty();
    EXPECT_EQ(read(master), "error 11");
    EXPECT_EQ(write(master, "in\r"), 3);
    EXPECT_EQ(read(slave), "in\n");
    EXPECT_EQ(read(master), "in\r\n");
    EXPECT_EQ(write(slave, "out\n"), 4);
    EXPECT_TRUE(poll(master) & kPOLLIN);
    EXPECT_EQ(read(master, 2), "ou");
    EXPECT_EQ(read(master), "t\r\n");
    EXPECT_EQ((*process.files->get(slave))->attributes()->device_number >> 8 & 0xfff, kPtsMajor);
    // Settings from either side are the terminal's.
    Termios termios = settings(master);
    termios.local &= ~kECHO;
    EXPECT_EQ(set(master, kTCSETS2, termios), 0);
    EXPECT_FALSE(settings(slave).local & kECHO);
    EXPECT_EQ(set(master, kTIOCSWINSZ, WindowSize{10, 20, 0, 0}), 0);
    EXPECT_EQ(ioctl(slave, kTIOCGWINSZ), 0);
    EXPECT_EQ(World::get<WindowSize>(process, kValue).rows, 10);
    EXPECT_EQ(ioctl(slave, kTIOCGPTN), error(Errno::kENOTTY));
}

TEST_F(Terminals, EndsOfPseudoTerminals) {
    auto [master, slave] = pty();
    EXPECT_EQ(write(slave, "last"), 4);
    EXPECT_EQ(world.call(thread, kClose, slave), 0);
    EXPECT_TRUE(poll(master) & kPOLLHUP);
    EXPECT_EQ(read(master), "last");
    EXPECT_EQ(read(master), "error 5");
    EXPECT_EQ(ioctl(master, kTIOCGPTPEER, kO_RDWR | kO_NOCTTY), slave);
    EXPECT_FALSE(poll(master) & kPOLLHUP);
    EXPECT_EQ(read(master), "error 11");
    EXPECT_EQ(read(slave), "asleep");
    EXPECT_EQ(world.call(child_thread, kClose, 99), error(Errno::kEBADF));
    // The master goes while somebody reads.
    ASSERT_TRUE(process.files->close(master, process).ok());
    world.system.run_ready();
    EXPECT_EQ(text(World::result(thread)), "");
    EXPECT_EQ(write(slave, "x"), error(Errno::kEIO));
    EXPECT_EQ(poll(slave) & (kPOLLHUP | kPOLLERR), kPOLLHUP | kPOLLERR);
    EXPECT_EQ(ioctl(slave, kTCGETS), error(Errno::kEIO));
    EXPECT_EQ(open("/pts/0"), error(Errno::kENOENT));
}

TEST_F(Terminals, AMasterThatIsNotReadHoldsWritersBack) {
    auto const [master, slave] = pty();
    EXPECT_EQ(world.call(thread, kFcntl, slave, 4, kO_NONBLOCK), 0);
    std::string const long_text(20000, 'x');
    EXPECT_EQ(write(slave, long_text), static_cast<int64_t>(Line::kOutput - Line::kOutputForEcho));
    EXPECT_EQ(write(slave, "x"), error(Errno::kEAGAIN));
    EXPECT_EQ(read(master, 20000).size(), Line::kOutput - Line::kOutputForEcho);
    EXPECT_EQ(write(slave, "x"), 1);
    make_raw(slave);
    int64_t total = 0;
    int64_t taken;
    while ((taken = write(master, long_text)) > 0) total += taken;
    EXPECT_EQ(taken, error(Errno::kEAGAIN));
    EXPECT_EQ(total, static_cast<int64_t>(Line::kInput - 1));
    EXPECT_FALSE(poll(master) & kPOLLOUT);
    EXPECT_EQ(read(slave, 5000).size(), Line::kInput - 1);
    EXPECT_TRUE(poll(master) & kPOLLOUT);
}

TEST_F(Terminals, PacketMode) {
    auto const [master, slave] = pty();
    EXPECT_EQ(set(master, kTIOCPKT, int32_t{1}), 0);
    EXPECT_EQ(write(slave, "x"), 1);
    EXPECT_EQ(read(master), std::string("\0x", 2));
    EXPECT_EQ(ioctl(slave, kTCFLSH, 2), 0);
    EXPECT_EQ(read(master), "\3");
    EXPECT_EQ(ioctl(slave, kTCXONC, 0), 0);
    EXPECT_TRUE(poll(master) & kPOLLPRI);
    EXPECT_EQ(read(master), "\4");
    EXPECT_EQ(ioctl(slave, kTCXONC, 1), 0);
    EXPECT_EQ(read(master), "\10");
    Termios termios = settings(slave);
    termios.input &= ~kIXON;
    EXPECT_EQ(set(slave, kTCSETS2, termios), 0);
    EXPECT_EQ(read(master), "\20");
}

TEST_F(Terminals, NamesOfPseudoTerminals) {
    auto const first = pty();
    auto const second = pty();
    EXPECT_EQ(open("/pts/2"), error(Errno::kENOENT));
    EXPECT_EQ(open("/pts/01"), error(Errno::kENOENT));
    EXPECT_EQ(open("/pts/-1"), error(Errno::kENOENT));
    int const directory = open("/pts", kO_RDONLY | kO_DIRECTORY);
    ASSERT_GE(directory, 0);
    int64_t const bytes = world.call(thread, kGetdents, directory, kBuffer, 4096);
    ASSERT_GT(bytes, 0);
    std::vector<std::string> names;
    for (int64_t at = 0; at < bytes;) {
        char name[32] = {};
        EXPECT_TRUE(process.memory->copy_in(name, kBuffer + static_cast<uint64_t>(at) + 19, 12).ok());
        names.push_back(name);
        at += World::get<uint16_t>(process, kBuffer + static_cast<uint64_t>(at) + 16);
    }
    EXPECT_EQ(names, (std::vector<std::string>{".", "..", "ptmx", "0", "1"}));
    std::vector<int> masters;
    for (int i = 0; i < kPtysMax; ++i) {
        int const master = open("/ptmx");
        if (master < 0) {
            EXPECT_EQ(master, error(Errno::kENOSPC));
            break;
        }
        masters.push_back(master);
    }
    EXPECT_EQ(masters.size(), static_cast<size_t>(kPtysMax - 2));
    (void)first;
    (void)second;
}

}  // namespace
