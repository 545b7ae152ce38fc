// A whole Linux system for host tests: the real System with a machine that does nothing. A test makes processes and
// threads, executes their system calls and looks at what became of them.
#pragma once

#include "mm/address_space.h"
#include "syscalls/call.h"
#include "task/relations.h"
#include "task/system.h"
#include "testing/frames.h"

#include <stdio.h>
#include <stdlib.h>

#include <string>
#include <vector>

namespace kos::lx::testing {

class WorldTime final : public TimeSource {
public:
    Nanoseconds monotonic() override { return now; }
    Nanoseconds realtime_offset() override { return offset; }
    void set_realtime_offset(Nanoseconds value) override { offset = value; }
    void set_alarm(Nanoseconds when) override { alarm = when; }
    Nanoseconds now = 1'000'000'000, offset = 1'700'000'000'000'000'000, alarm = kNever;
};

class WorldSpace final : public MachineSpace {
public:
    Status map(uint64_t, Frame&, uint32_t, uint32_t& handle) override {
        handle = ++last_;
        return {};
    }
    void protect(uint64_t, Frame&, uint32_t, uint32_t) override {}
    void unmap(uint64_t, uint32_t) override {}

private:
    uint32_t last_ = 0;
};

// Its thread's processor: remembers what it was told.
class WorldThread final : public MachineThread {
public:
    explicit WorldThread(Thread& of) : thread_(of) {}
    void load() override { is_loaded = true; }
    void set_result(int64_t value) override {
        result = value;
        thread_.registers.x[0] = static_cast<uint64_t>(value);
    }
    void set_no_result() override { has_no_result = true; }
    void set_again() override {
        is_again = true;
        thread_.registers.pc -= 4;
        thread_.registers.x[0] = thread_.call_arguments[0];
    }
    void interrupt() override { ++interrupts; }
    void resume() override { ++resumes; }
    bool take_back_result() override { return !runs_at_once; }
    Nanoseconds cpu_time() override { return used; }
    unsigned core() override { return 1; }
    void set_affinity(uint64_t cores) override { affinity = cores; }

    int64_t result = 0;
    bool is_loaded = false, is_again = false, has_no_result = false;
    unsigned interrupts = 0, resumes = 0;
    bool runs_at_once = true;  // when resumed; else it has not run before its next call
    Nanoseconds used = 0;
    uint64_t affinity = 0;

private:
    Thread& thread_;
};

class WorldPlatform final : public Platform {
public:
    Result<std::unique_ptr<MachineThread>> make_thread(Thread& thread, AddressSpace&) {
        return std::unique_ptr<MachineThread>(std::make_unique<WorldThread>(thread));
    }
    Result<std::unique_ptr<MachineSpace>> make_space() {
        return std::unique_ptr<MachineSpace>(std::make_unique<WorldSpace>());
    }
    Status random(void* bytes, size_t count) {
        for (size_t i = 0; i < count; ++i) static_cast<uint8_t*>(bytes)[i] = static_cast<uint8_t>(++seed_ * 167);
        return {};
    }
    void report(const char* text) { reports.push_back(text); }
    [[noreturn]] void end(int status) {
        fprintf(stderr, "the first process has ended: %#x\n", static_cast<unsigned>(status));
        abort();
    }
    unsigned cores() { return 4; }
    const char* host_name() { return "test"; }

    std::vector<std::string> reports;

private:
    unsigned seed_ = 0;
};

// Memory that each process has from the beginning, readable and writable.
constexpr uint64_t kArea = 0x100000, kAreaBytes = 0x40000, kShim = 0x700000, kSvc = 0x400100;
constexpr int64_t kAsleep = INT64_MIN;  // of World::call

inline FakeFrames& all_frames() {
    static FakeFrames* const frames = new FakeFrames(1 << 20);
    return *frames;
}

class World {
public:
    WorldTime time;
    // Shared by all worlds: the frame of zeros is kept for good (mm/pages.cpp).
    FakeFrames& frames = all_frames();
    WorldPlatform platform;
    System system{platform, frames, time};

    // A process may have a file that is itself (pidfd_open).
    ~World() {
        for (auto& [pid, process] : system.processes()) process->files = nullptr;
    }

    // The first one has no parent; do not let it end.
    Process& make_process(Process* parent = nullptr) {
        auto made = system.make_process(parent);
        if (!made.ok()) abort();
        Process& process = **made;
        auto memory = AddressSpace::create(frames, std::make_unique<WorldSpace>());
        if (!memory.ok()) abort();
        process.memory = *memory;
        process.memory->shim = kShim;
        auto area = process.memory->map(kArea, kAreaBytes, kPROT_READ | kPROT_WRITE,
                                        kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED, nullptr, 0);
        if (!area.ok()) abort();
        process.files = make_ref<FdTable>();
        process.paths = make_ref<PathState>();
        process.handlers = make_ref<SignalHandlers>();
        process.exit_signal = parent ? kSIGCHLD : 0;
        process.session = parent ? parent->session : make_ref<Session>(process.pid);
        process.group = parent ? parent->group : process.pid;
        for (ResourceLimit& limit : process.limits) limit = {1024, 4096};
        process.limits[kRLIMIT_SIGPENDING] = {16, 64};
        make_thread(process);
        return process;
    }

    // In its program.
    Thread& make_thread(Process& process) {
        auto made = system.make_thread(process);
        if (!made.ok()) abort();
        Thread& thread = **made;
        auto machine = platform.make_thread(thread, *process.memory);
        thread.machine = machine.take();
        thread.state = ThreadState::kRunning;
        thread.registers.pc = kSvc + 4;
        thread.registers.sp = kArea + kAreaBytes - 0x1000 * static_cast<uint64_t>(process.threads.size());
        for (unsigned i = 0; i < 31; ++i) thread.registers.x[i] = 0x1000 + i;
        return thread;
    }

    static Thread& first(Process& process) { return *process.threads.front(); }
    static WorldThread& machine(Thread& thread) { return static_cast<WorldThread&>(*thread.machine); }

    // Executes a system call; the result, or kAsleep if the thread is not back in its program.
    template <class... Arguments>
    int64_t call(Thread& thread, unsigned number, Arguments... arguments) {
        uint64_t const list[6] = {static_cast<uint64_t>(arguments)...};
        Ref<Thread> const held(&thread);
        thread.call_number = number;
        for (unsigned i = 0; i < 6; ++i) thread.call_arguments[i] = list[i];
        thread.registers.x[0] = list[0];
        if (thread.machine) machine(thread).is_loaded = false;
        system.execute_call(thread);
        system.run_ready();
        return result(thread);
    }
    static int64_t result(Thread& thread) {
        return thread.state == ThreadState::kRunning ? machine(thread).result : kAsleep;
    }

    void pass(Nanoseconds span) {
        time.now += span;
        system.timers.expire();
        system.run_ready();
    }

    template <class T>
    static void put(Process& process, uint64_t address, const T& value) {
        if (!process.memory->copy_out(address, &value, sizeof value).ok()) abort();
    }
    template <class T>
    static T get(Process& process, uint64_t address) {
        T value{};
        if (!process.memory->copy_in(&value, address, sizeof value).ok()) abort();
        return value;
    }
};

constexpr int64_t error(Errno number) { return -static_cast<int64_t>(number); }

}  // namespace kos::lx::testing
