// Random calls about signals, futexes, time and relations with random arguments, as a hostile program makes them: the
// personality stays whole (sanitizers), and what it counts adds up.
#include "signal/signals.h"
#include "syscalls/families.h"
#include "testing/world.h"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <algorithm>
#include <random>
#include <set>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

class Hostile {
public:
    explicit Hostile(uint64_t seed) : random_(seed) {
        for (auto family : {kSignalCalls, kTimeCalls, kFutexCalls, kRelationCalls}) {
            for (const SystemCall& call : family) numbers_.push_back(call.number);
        }
        init_ = &world.make_process();
    }

    void step() {
        while (programs().size() < 6) spawn();
        std::vector<Ref<Thread>> running;
        for (Process* process : programs()) {
            for (auto& thread : process->threads) {
                if (thread->state == ThreadState::kRunning) running.push_back(thread);
            }
        }
        if (running.empty() || below(40) == 0) {
            world.pass(static_cast<Nanoseconds>(below(20'000'000)));
            if (running.empty()) wake_somebody();
            return;
        }
        Ref<Thread> const thread = running[below(running.size())];
        unsigned const number =
            below(1000) == 0 ? 93 + static_cast<unsigned>(below(2)) : numbers_[below(numbers_.size())];
        is_polite_ = below(2);
        uint64_t arguments[6];
        for (uint64_t& argument : arguments) argument = value();
        // The first process is not to end: it would end the test.
        for (uint64_t& argument : arguments) {
            if (static_cast<int32_t>(argument) == init_->pid) argument = 2;
        }
        int64_t const result = world.call(*thread, number, arguments[0], arguments[1], arguments[2], arguments[3],
                                          arguments[4], arguments[5]);
        if (result >= 0) worked_.insert(number);
        if (thread->state == ThreadState::kRunning && below(300) == 0) {
            world.system.fault(*thread, static_cast<int>(1 + below(64)), static_cast<int>(below(4)), value());
            world.system.run_ready();
        }
    }

    // Which calls have had a result that is no error.
    const std::set<unsigned>& worked() const { return worked_; }

    void check() {
        std::vector<Process*> const all = programs();
        for (Process* process : all) {
            ASSERT_FALSE(process->threads.empty());
            for (auto& thread : process->threads) {
                ASSERT_EQ(world.system.find_thread(thread->tid), thread.get());
                ASSERT_FALSE(thread->signals.blocked & kUnblockable);
                ASSERT_FALSE(thread->signals.pending.queue.size() > 5000);
                ASSERT_NE(thread->state, ThreadState::kInCall);
                ASSERT_NE(thread->state, ThreadState::kInterrupted);
            }
        }
        for (auto& [pid, process] : world.system.processes()) {
            ASSERT_EQ(pid, process->pid);
            if (process.get() == init_) continue;
            ASSERT_TRUE(process->parent);
            auto& siblings = process->parent->children;
            ASSERT_EQ(std::count(siblings.begin(), siblings.end(), process), 1);
        }
        reap_orphans();
    }

private:
    uint64_t below(uint64_t limit) { return random_() % limit; }

    // Half of the calls have arguments that are likely to mean something.
    uint64_t value() {
        switch (below(is_polite_ ? 5 : 10)) {
            case 0: return 8 * below(4);
            case 1: return below(16);
            case 2: return somebody();
            case 3:
            case 4: return kArea + below(0x400) * 8;
            case 5: return kArea + below(kAreaBytes + 64);
            case 6: return static_cast<uint64_t>(-static_cast<int64_t>(below(16)));
            case 7: return uint64_t{1} << below(64);
            case 8: return 0x20000;
            default: return random_();
        }
    }

    uint64_t somebody() {
        std::vector<Process*> const list = programs();
        if (list.empty()) return 2;
        Process& process = *list[below(list.size())];
        if (below(2) || process.threads.empty()) return static_cast<uint64_t>(process.pid);
        return static_cast<uint64_t>(process.threads[below(process.threads.size())]->tid);
    }

    std::vector<Process*> programs() {
        std::vector<Process*> list;
        for (auto& [pid, process] : world.system.processes()) {
            if (process.get() != init_ && process->state != ProcessState::kZombie) list.push_back(process.get());
        }
        return list;
    }

    void spawn() {
        std::vector<Process*> const list = programs();
        Process& parent = list.empty() || below(3) == 0 ? *init_ : *list[below(list.size())];
        Process& process = world.make_process(&parent);
        if (&parent == init_) {
            process.session = make_ref<Session>(process.pid);
            process.group = process.pid;
        }
        if (below(2)) {
            process.credentials.uid = process.credentials.euid = process.credentials.suid = 1000;
            process.credentials.capabilities = process.credentials.permitted = 0;
        }
        for (uint64_t at = 0; at < 0x2000; at += 8) World::put(process, kArea + at, value());
        for (uint64_t i = below(3); i; --i) world.make_thread(process);
        for (int signal = 1; signal <= kSignals; ++signal) {
            SignalAction action;
            action.handler = below(12) ? (below(2) ? 0x500000 : kSIG_IGN) : kSIG_DFL;
            action.flags = random_() & 0xfffff803;
            action.mask = random_();
            if (!(signal_bit(signal) & kUnblockable)) set_action(process, signal, action);
        }
    }

    void wake_somebody() {
        std::vector<Process*> const list = programs();
        if (list.empty()) return;
        Process& process = *list[below(list.size())];
        send_signal(process, user_signal(below(3) ? kSIGCONT : kSIGKILL, *init_));
        world.system.run_ready();
    }

    void reap_orphans() {
        std::vector<Ref<Process>> const children = init_->children;
        for (auto& child : children) {
            if (child->state == ProcessState::kZombie) reap(*child);
        }
    }

    World world;
    std::mt19937_64 random_;
    std::vector<unsigned> numbers_;
    std::set<unsigned> worked_;
    bool is_polite_ = false;
    Process* init_ = nullptr;
};

TEST(HostileProgram, RandomCalls) {
    std::set<unsigned> worked;
    const char* const count = getenv("KOS_SEEDS");
    uint64_t const last = count ? strtoull(count, nullptr, 10) : 6;
    for (uint64_t seed = 1; seed <= last; ++seed) {
        SCOPED_TRACE(::testing::Message() << "seed " << seed);
        Hostile hostile(seed);
        for (int i = 0; i < 20000; ++i) {
            hostile.step();
            if (i % 50 == 0) hostile.check();
            if (HasFatalFailure()) return;
        }
        worked.insert(hostile.worked().begin(), hostile.worked().end());
    }
    // Nearly all but restart_syscall, rt_sigsuspend and setns, which never do.
    std::string failed;
    int failures = 0;
    for (auto family : {kSignalCalls, kTimeCalls, kFutexCalls, kRelationCalls}) {
        for (const SystemCall& call : family) {
            bool const can_work = call.number != 128 && call.number != 133 && call.number != 268;
            if (!can_work || worked.count(call.number)) continue;
            failed += std::string(call.name) + " ";
            ++failures;
        }
    }
    EXPECT_LE(failures, 14) << failed;  // else the arguments are not what makes calls go deep
}

}  // namespace
