// Signals, from sending to the handler's end, on a whole system without a machine.
#include "signal/signals.h"

#include "shim/layout.h"
#include "signal/frame.h"
#include "testing/process_test.h"

#include <string.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kKill = 129, kTgkill = 131, kSigaltstack = 132, kSigsuspend = 133, kSigaction = 134,
                   kSigprocmask = 135, kSigpending = 136, kSigtimedwait = 137, kSigqueueinfo = 138, kSigreturn = 139,
                   kGetpid = 172, kNanosleep = 101, kWait4 = 260, kFutex = 98;
constexpr uint64_t kHandler = 0x500000, kRestorer = 0x510000, kScratch = kArea + 0x100;

struct UserAction {
    uint64_t handler, flags, restorer;
    SignalSet mask;
};

class Signals : public ProcessTest {
protected:
    int64_t action(int signal, uint64_t handler, uint64_t flags = 0, SignalSet mask = 0, Process* of = nullptr) {
        Process& owner = of ? *of : process;
        World::put(owner, kScratch, UserAction{handler, flags, kRestorer, mask});
        return world.call(World::first(owner), kSigaction, signal, kScratch, 0, 8);
    }
    void block(Thread& of, SignalSet set) {
        World::put(of.process, kScratch, set);
        world.call(of, kSigprocmask, 0, kScratch, 0, 8);
    }
    static SignalFrame frame(Thread& of) { return World::get<SignalFrame>(of.process, of.registers.sp); }
    static bool is_in_handler(Thread& of) { return of.registers.pc == kShim + kShimSignalEntry; }
    // Both halves of rt_sigreturn.
    int64_t leave_handler(Thread& of) {
        world.call(of, kSigreturn);
        if (of.registers.pc != kShim + kShimSignalExit) return -1;
        return world.call(of, kCallSignalFinish);
    }
};

TEST_F(Signals, TheFrameIsLinuxs) {
    action(kSIGUSR1, kHandler, kSA_SIGINFO | kSA_RESTORER, signal_bit(kSIGUSR2));
    block(thread, signal_bit(kSIGHUP));
    uint64_t const sp = thread.registers.sp;
    Registers const before = thread.registers;
    world.call(thread, kKill, process.pid, kSIGUSR1);
    ASSERT_TRUE(is_in_handler(thread));
    const Registers& now = thread.registers;
    EXPECT_EQ(now.x[0], 10u);
    EXPECT_EQ(now.x[1], now.sp);
    EXPECT_EQ(now.x[2], now.sp + 128);
    EXPECT_EQ(now.x[16], kHandler);
    EXPECT_EQ(now.x[17], now.sp + 128 + 176 + 288);
    EXPECT_EQ(now.x[30], kRestorer);
    EXPECT_EQ(now.sp % 16, 0u);
    EXPECT_EQ(now.sp, ((sp - 16) & ~uint64_t{15}) - 4688);
    EXPECT_EQ(now.x[29], now.sp + 4688);
    EXPECT_EQ(World::get<uint64_t>(process, now.x[29]), before.x[29]);
    EXPECT_EQ(World::get<uint64_t>(process, now.x[29] + 8), before.x[30]);
    // siginfo: SI_USER, pid, uid.
    EXPECT_EQ(World::get<int32_t>(process, now.sp), 10);
    EXPECT_EQ(World::get<int32_t>(process, now.sp + 8), 0);
    EXPECT_EQ(World::get<int32_t>(process, now.sp + 16), process.pid);
    // ucontext, at the offsets of asm/ucontext.h and asm/sigcontext.h.
    uint64_t const context = now.sp + 128, machine = context + 176;
    EXPECT_EQ(World::get<uint32_t>(process, context + 24), 2u);  // no alternate stack: SS_DISABLE
    EXPECT_EQ(World::get<uint64_t>(process, context + 40), signal_bit(kSIGHUP));
    EXPECT_EQ(World::get<uint64_t>(process, machine + 8), 0u);  // kill's result
    EXPECT_EQ(World::get<uint64_t>(process, machine + 8 + 8 * 5), before.x[5]);
    EXPECT_EQ(World::get<uint64_t>(process, machine + 256), sp);
    EXPECT_EQ(World::get<uint64_t>(process, machine + 264), kSvc + 4);
    EXPECT_EQ(World::get<uint32_t>(process, machine + 288), 0x46508001u);
    EXPECT_EQ(World::get<uint32_t>(process, machine + 292), 528u);
    EXPECT_EQ(World::get<uint64_t>(process, machine + 288 + 528), 0u);  // the end
    EXPECT_EQ(thread.signals.blocked, signal_bit(kSIGHUP) | signal_bit(kSIGUSR1) | signal_bit(kSIGUSR2));

    ASSERT_EQ(leave_handler(thread), 0);
    EXPECT_EQ(thread.registers.pc, kSvc + 4);
    EXPECT_EQ(thread.registers.sp, sp);
    EXPECT_EQ(thread.registers.x[5], before.x[5]);
    EXPECT_EQ(thread.signals.blocked, signal_bit(kSIGHUP));
}

TEST_F(Signals, BetweenTheHalvesOfACallOfTheShimNoHandlerBegins) {
    action(kSIGUSR1, kHandler);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    world.call(thread, kSigreturn);
    ASSERT_EQ(thread.registers.pc, kShim + kShimSignalExit);
    thread.signals.blocked = 0;
    thread.registers.pc += 64;  // somewhere in there
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    EXPECT_EQ(thread.registers.pc, kShim + kShimSignalExit + 64);
    EXPECT_EQ(thread.state, ThreadState::kRunning);
    world.call(thread, kCallSignalFinish);
    EXPECT_TRUE(is_in_handler(thread));
    EXPECT_EQ(frame(thread).context.pc, kSvc + 4);
    // A bad address there is the program's fault, and no reason to wait.
    world.call(thread, kSigreturn);
    action(kSIGSEGV, kHandler);
    thread.registers.pc = kShim + kShimSignalExit;
    world.system.fault(thread, kSIGSEGV, 1, 0x10);
    EXPECT_TRUE(is_in_handler(thread));
}

TEST_F(Signals, WithoutARestorerTheShimReturns) {
    action(kSIGUSR1, kHandler);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    EXPECT_EQ(thread.registers.x[30], kShim + kShimSignalReturn);
}

TEST_F(Signals, AHostileFrameGivesNoMoreThanTheProgramHas) {
    action(kSIGUSR1, kHandler);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    uint64_t const machine = thread.registers.sp + 128 + 176;
    World::put(process, machine + 272, ~uint64_t{0});  // pstate
    World::put(process, machine + 264, ~uint64_t{0});  // pc
    World::put(process, thread.registers.sp + 128 + 40, ~uint64_t{0});
    leave_handler(thread);
    EXPECT_EQ(thread.registers.pstate, 0xf000'0000u);
    EXPECT_EQ(thread.registers.pc, ~uint64_t{0});
    EXPECT_EQ(thread.signals.blocked, ~kUnblockable);
}

TEST_F(Signals, AFrameThatIsNoneIsSigsegv) {
    action(kSIGSEGV, kHandler, kSA_SIGINFO);
    thread.registers.sp = kArea + 0x8008;
    world.call(thread, kSigreturn);
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(thread.registers.x[0], 11u);
    // Records without an end.
    leave_handler(thread);
    thread.registers.sp = kArea + 0x8000;
    for (uint64_t at = 0; at < 4096; at += 16) {
        World::put(process, kArea + 0x8000 + kReservedOffset + at, uint64_t{16} << 32 | 0x1234);
    }
    world.call(thread, kSigreturn);
    EXPECT_TRUE(is_in_handler(thread));
}

TEST_F(Signals, IgnoredOnesVanishAndDefaultsEnd) {
    world.call(thread, kKill, process.pid, kSIGCHLD);
    EXPECT_EQ(process.signals.pending.set, 0u);
    action(kSIGTERM, kSIG_IGN);
    EXPECT_EQ(world.call(thread, kKill, process.pid, kSIGTERM), 0);
    EXPECT_EQ(thread.state, ThreadState::kRunning);
    int const pid = process.pid;
    Ref<Process> const held(&process);
    world.call(thread, kKill, pid, kSIGHUP);
    EXPECT_EQ(held->state, ProcessState::kZombie);
    EXPECT_EQ(held->wait_status, kSIGHUP);
    EXPECT_EQ(World::get<int32_t>(init, kArea), 0);
    EXPECT_EQ(world.call(World::first(init), kWait4, -1, kArea, 0, 0), pid);
    EXPECT_EQ(World::get<int32_t>(init, kArea), kSIGHUP);
}

TEST_F(Signals, ABlockedOneWaitsEvenIfItIsIgnoredNow) {
    block(thread, signal_bit(kSIGCHLD) | signal_bit(kSIGUSR1));
    world.call(thread, kKill, process.pid, kSIGCHLD);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    world.call(thread, kSigpending, kScratch, 8);
    EXPECT_EQ(World::get<SignalSet>(process, kScratch), signal_bit(kSIGCHLD) | signal_bit(kSIGUSR1));
    // Ignoring it forgets what is pending.
    action(kSIGUSR1, kSIG_IGN);
    EXPECT_EQ(process.signals.pending.set, signal_bit(kSIGCHLD));
    EXPECT_EQ(action(kSIGKILL, kSIG_IGN), error(Errno::kEINVAL));
}

TEST_F(Signals, StandardOnesAreThereOnceRealtimeOnesEachTime) {
    block(thread, ~SignalSet{0});
    struct {
        int32_t signal, error, code, padding, pid;
        uint32_t uid;
        uint64_t value;
        uint8_t rest[96];
    } info{};
    static_assert(sizeof info == 128);
    info.code = kSI_QUEUE;
    for (uint64_t i = 0; i < 3; ++i) {
        info.value = 100 + i;
        World::put(process, kScratch, info);
        EXPECT_EQ(world.call(thread, kSigqueueinfo, process.pid, 40, kScratch), 0);
        EXPECT_EQ(world.call(thread, kSigqueueinfo, process.pid, kSIGUSR1, kScratch), 0);
    }
    World::put(process, kScratch, signal_bit(40) | signal_bit(kSIGUSR1));
    std::vector<uint64_t> seen;
    World::put(process, kScratch + 512, Timespec{0, 0});
    for (int64_t got; (got = world.call(thread, kSigtimedwait, kScratch, kScratch + 256, kScratch + 512, 8)) > 0;) {
        seen.push_back(static_cast<uint64_t>(got) * 1000 + World::get<uint64_t>(process, kScratch + 256 + 24));
    }
    EXPECT_EQ(seen, (std::vector<uint64_t>{10100, 40100, 40101, 40102}));
    // The queue has its limit: EAGAIN; kill(2) comes through without information.
    World::put(process, kScratch, info);
    int64_t last = 0;
    for (int i = 0; i < 20 && last == 0; ++i) last = world.call(thread, kSigqueueinfo, process.pid, 41, kScratch);
    EXPECT_EQ(last, error(Errno::kEAGAIN));
    EXPECT_EQ(world.call(thread, kKill, process.pid, 42), 0);
    EXPECT_TRUE(process.signals.pending.set & signal_bit(42));
    EXPECT_LT(queued_signals, 100u);
    // Nobody pretends to be kill(2) or the kernel.
    info.code = kSI_USER;
    World::put(process, kScratch, info);
    EXPECT_EQ(world.call(thread, kSigqueueinfo, init.pid, 41, kScratch), error(Errno::kEPERM));
}

TEST_F(Signals, AThreadThatDoesNotBlockItTakesIt) {
    Thread& other = world.make_thread(process);
    action(kSIGUSR1, kHandler);
    block(thread, signal_bit(kSIGUSR1));
    world.call(thread, kKill, process.pid, kSIGUSR1);
    EXPECT_FALSE(is_in_handler(thread));
    EXPECT_TRUE(is_in_handler(other));
    EXPECT_EQ(World::machine(other).interrupts, 1u);
    // To one thread only, which blocks it.
    EXPECT_EQ(world.call(other, kTgkill, process.pid, thread.tid, kSIGUSR1), 0);
    EXPECT_TRUE(thread.signals.pending.set & signal_bit(kSIGUSR1));
    EXPECT_EQ(world.call(other, kTgkill, init.pid, thread.tid, kSIGUSR1), error(Errno::kESRCH));
    EXPECT_EQ(world.call(other, kTgkill, process.pid, thread.tid, 65), error(Errno::kEINVAL));
}

TEST_F(Signals, ARestartableCallIsMadeAgainAfterTheHandlerWithSaRestart) {
    Process& child = world.make_process(&process);
    action(kSIGUSR1, kHandler, kSA_RESTART);
    EXPECT_EQ(world.call(thread, kWait4, child.pid, 0, 0, 0), kAsleep);
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(frame(thread).context.pc, kSvc);  // at the svc, with its old x0
    EXPECT_EQ(frame(thread).context.x[0], static_cast<uint64_t>(child.pid));
}

TEST_F(Signals, WithoutSaRestartItIsEintr) {
    Process& child = world.make_process(&process);
    action(kSIGUSR1, kHandler);
    EXPECT_EQ(world.call(thread, kWait4, child.pid, 0, 0, 0), kAsleep);
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(frame(thread).context.pc, kSvc + 4);
    EXPECT_EQ(frame(thread).context.x[0], static_cast<uint64_t>(-4));
}

TEST_F(Signals, SleepingIsEintrWithAnyHandlerAndSaysWhatIsLeft) {
    action(kSIGUSR1, kHandler, kSA_RESTART);
    World::put(process, kScratch, Timespec{2, 0});
    EXPECT_EQ(world.call(thread, kNanosleep, kScratch, kScratch + 32), kAsleep);
    world.pass(500'000'000);
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(frame(thread).context.x[0], static_cast<uint64_t>(-4));
    EXPECT_EQ(World::get<Timespec>(process, kScratch + 32).seconds, 1);
    EXPECT_EQ(World::get<Timespec>(process, kScratch + 32).nanoseconds, 500'000'000);
}

TEST_F(Signals, AStopDoesNotDisturbASleep) {
    World::put(process, kScratch, Timespec{2, 0});
    EXPECT_EQ(world.call(thread, kNanosleep, kScratch, 0), kAsleep);
    world.pass(1'000'000'000);
    send_signal(process, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    EXPECT_EQ(thread.state, ThreadState::kStopped);
    EXPECT_TRUE(process.signals.is_stopped);
    world.pass(500'000'000);
    send_signal(process, user_signal(kSIGCONT, init));
    world.system.run_ready();
    EXPECT_EQ(thread.state, ThreadState::kAsleep);
    world.pass(499'000'000);
    EXPECT_EQ(thread.state, ThreadState::kAsleep);
    world.pass(1'000'000);
    EXPECT_EQ(World::result(thread), 0);
    // The time passes while it is stopped, too.
    EXPECT_EQ(world.call(thread, kNanosleep, kScratch, 0), kAsleep);
    send_signal(process, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    world.pass(5'000'000'000);
    EXPECT_EQ(thread.state, ThreadState::kStopped);
    send_signal(process, user_signal(kSIGCONT, init));
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), 0);
}

TEST_F(Signals, StoppingAndContinuingIsToldToTheParent) {
    Thread& parent = World::first(init);
    EXPECT_EQ(world.call(parent, kWait4, process.pid, kArea, 2 | 8, 0), kAsleep);  // WUNTRACED | WCONTINUED
    Thread& other = world.make_thread(process);
    send_signal(process, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    EXPECT_EQ(other.state, ThreadState::kStopped);
    EXPECT_EQ(World::result(parent), process.pid);
    EXPECT_EQ(World::get<int32_t>(init, kArea), kSIGSTOP << 8 | 0x7f);
    EXPECT_EQ(world.call(parent, kWait4, process.pid, kArea, 1 | 2 | 8, 0), 0);  // told once
    // Whatever is sent to a stopped process waits, except SIGKILL and SIGCONT.
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    EXPECT_EQ(process.state, ProcessState::kStopped);
    action(kSIGUSR1, kHandler, 0, 0, &process);
    send_signal(process, user_signal(kSIGCONT, init));
    world.system.run_ready();
    EXPECT_EQ(world.call(parent, kWait4, process.pid, kArea, 1 | 8, 0), process.pid);
    EXPECT_EQ(World::get<int32_t>(init, kArea), 0xffff);
}

TEST_F(Signals, KillEndsAStoppedProcess) {
    Ref<Process> const held(&process);
    send_signal(process, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    ASSERT_EQ(thread.state, ThreadState::kStopped);
    send_signal(process, user_signal(kSIGKILL, init));
    world.system.run_ready();
    EXPECT_EQ(held->state, ProcessState::kZombie);
    EXPECT_EQ(held->wait_status, kSIGKILL);
}

TEST_F(Signals, KillEndsAllThreadsWhateverTheyDo) {
    Ref<Process> const held(&process);
    Thread& asleep = world.make_thread(process);
    World::put(process, kScratch, Timespec{100, 0});
    EXPECT_EQ(world.call(asleep, kNanosleep, kScratch, 0), kAsleep);
    block(thread, ~SignalSet{0});
    world.call(World::first(init), kKill, held->pid, kSIGKILL);
    EXPECT_EQ(held->state, ProcessState::kZombie);
    EXPECT_TRUE(held->threads.empty());
    EXPECT_FALSE(held->memory);
}

TEST_F(Signals, SigcontCancelsStopsAndStopsCancelIt) {
    block(thread, signal_bit(kSIGTSTP) | signal_bit(kSIGCONT));
    send_signal(process, user_signal(kSIGTSTP, init));
    EXPECT_TRUE(process.signals.pending.set & signal_bit(kSIGTSTP));
    send_signal(process, user_signal(kSIGCONT, init));
    EXPECT_EQ(process.signals.pending.set, signal_bit(kSIGCONT));
    send_signal(process, user_signal(kSIGTSTP, init));
    EXPECT_EQ(process.signals.pending.set, signal_bit(kSIGTSTP));
}

TEST_F(Signals, TheTerminalsStopsMeanNothingToAnOrphanedGroup) {
    ASSERT_EQ(process.group, init.group);
    send_signal(process, user_signal(kSIGTSTP, init));
    world.system.run_ready();
    EXPECT_FALSE(process.signals.is_stopped);
    process.group = process.pid;  // its parent is outside, in the same session
    send_signal(process, user_signal(kSIGTSTP, init));
    world.system.run_ready();
    EXPECT_TRUE(process.signals.is_stopped);
}

TEST_F(Signals, SigsuspendEndsWithTheMaskOfBefore) {
    action(kSIGUSR1, kHandler);
    block(thread, signal_bit(kSIGUSR1));
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    EXPECT_FALSE(is_in_handler(thread));
    World::put(process, kScratch, SignalSet{0});
    world.call(thread, kSigsuspend, kScratch, 8);
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(frame(thread).mask, signal_bit(kSIGUSR1));
    EXPECT_EQ(frame(thread).context.x[0], static_cast<uint64_t>(-4));
    leave_handler(thread);
    EXPECT_EQ(thread.signals.blocked, signal_bit(kSIGUSR1));
    EXPECT_FALSE(thread.signals.has_saved_mask);
    // A stop and its end do not end it.
    EXPECT_EQ(world.call(thread, kSigsuspend, kScratch, 8), kAsleep);
    send_signal(process, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    send_signal(process, user_signal(kSIGCONT, init));
    world.system.run_ready();
    EXPECT_EQ(thread.state, ThreadState::kAsleep);
    EXPECT_EQ(thread.signals.blocked, 0u);
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    EXPECT_TRUE(is_in_handler(thread));
}

TEST_F(Signals, FlagsOfTheHandler) {
    action(kSIGUSR1, kHandler, kSA_NODEFER | kSA_RESETHAND);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(thread.signals.blocked, 0u);
    EXPECT_EQ(process.handlers->actions[kSIGUSR1 - 1].handler, kSIG_DFL);
}

TEST_F(Signals, TwoAtOnceAreNestedLowestNumberLast) {
    action(kSIGUSR1, kHandler);
    action(kSIGUSR2, kHandler + 64);
    block(thread, signal_bit(kSIGUSR1) | signal_bit(kSIGUSR2));
    send_signal(process, user_signal(kSIGUSR2, init));
    send_signal(process, user_signal(kSIGUSR1, init));
    World::put(process, kScratch, SignalSet{0});
    world.call(thread, kSigprocmask, 2, kScratch, 0, 8);
    // The frame of the first one says: go on in the second one's entry.
    EXPECT_EQ(thread.registers.x[16], kHandler + 64);
    EXPECT_EQ(frame(thread).context.pc, kShim + kShimSignalEntry);
    EXPECT_EQ(frame(thread).context.x[16], kHandler);
    leave_handler(thread);
    EXPECT_EQ(thread.registers.x[16], kHandler);
    EXPECT_TRUE(is_in_handler(thread));
    leave_handler(thread);
    EXPECT_EQ(thread.registers.pc, kSvc + 4);
}

TEST_F(Signals, AlternateStack) {
    SignalStack stack{kArea + 0x10000, 0, 0, 0x4000};
    World::put(process, kScratch, stack);
    EXPECT_EQ(world.call(thread, kSigaltstack, kScratch, 0), 0);
    action(kSIGUSR1, kHandler, kSA_ONSTACK);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(thread.registers.sp, kArea + 0x14000 - 16 - 4688);
    EXPECT_EQ(frame(thread).stack.address, kArea + 0x10000);
    // In use: cannot be changed, and it says so.
    World::put(process, kScratch, stack);
    EXPECT_EQ(world.call(thread, kSigaltstack, kScratch, 0), error(Errno::kEPERM));
    EXPECT_EQ(world.call(thread, kSigaltstack, 0, kScratch), 0);
    EXPECT_EQ(World::get<SignalStack>(process, kScratch).flags, kSS_ONSTACK);
    leave_handler(thread);
    EXPECT_EQ(world.call(thread, kSigaltstack, 0, kScratch), 0);
    EXPECT_EQ(World::get<SignalStack>(process, kScratch).flags, 0u);
    stack.bytes = 5119;
    World::put(process, kScratch, stack);
    EXPECT_EQ(world.call(thread, kSigaltstack, kScratch, 0), error(Errno::kENOMEM));
    stack.flags = 4;
    World::put(process, kScratch, stack);
    EXPECT_EQ(world.call(thread, kSigaltstack, kScratch, 0), error(Errno::kEINVAL));
}

TEST_F(Signals, AutodisarmFreesTheStackUntilTheHandlersEnd) {
    SignalStack const stack{kArea + 0x10000, kSS_AUTODISARM, 0, 0x4000};
    World::put(process, kScratch, stack);
    EXPECT_EQ(world.call(thread, kSigaltstack, kScratch, 0), 0);
    action(kSIGUSR1, kHandler, kSA_ONSTACK);
    world.call(thread, kKill, process.pid, kSIGUSR1);
    EXPECT_EQ(thread.registers.sp, kArea + 0x14000 - 16 - 4688);
    EXPECT_EQ(thread.signals.alternate_flags, kSS_DISABLE);
    EXPECT_EQ(frame(thread).stack.flags, kSS_AUTODISARM);
    leave_handler(thread);
    EXPECT_EQ(thread.signals.alternate_flags, kSS_AUTODISARM);
    EXPECT_EQ(thread.signals.alternate_stack, kArea + 0x10000);
}

TEST_F(Signals, AStackThatCannotHoldTheFrameEndsTheProgram) {
    Ref<Process> const held(&process);
    action(kSIGUSR1, kHandler);
    thread.registers.sp = 0x20000;  // nothing is mapped there
    world.call(thread, kKill, process.pid, kSIGUSR1);
    EXPECT_EQ(held->state, ProcessState::kZombie);
    EXPECT_EQ(held->wait_status, kSIGSEGV);
}

TEST_F(Signals, OverflowCanBeHandledOnAnotherStack) {
    World::put(process, kScratch, SignalStack{kArea + 0x10000, 0, 0, 0x4000});
    world.call(thread, kSigaltstack, kScratch, 0);
    action(kSIGSEGV, kHandler, kSA_ONSTACK | kSA_SIGINFO);
    thread.registers.sp = 0x20000;
    world.system.fault(thread, kSIGSEGV, 1, 0x1fff8);
    ASSERT_TRUE(is_in_handler(thread));
    EXPECT_EQ(frame(thread).context.fault_address, 0x1fff8u);
    EXPECT_EQ(World::get<uint64_t>(process, thread.registers.sp + 16), 0x1fff8u);
    EXPECT_EQ(World::get<int32_t>(process, thread.registers.sp + 8), 1);
}

TEST_F(Signals, AFaultInItsOwnHandlerEnds) {
    Ref<Process> const held(&process);
    action(kSIGSEGV, kHandler);
    world.system.fault(thread, kSIGSEGV, 1, 0x10);
    ASSERT_TRUE(is_in_handler(thread));
    world.system.fault(thread, kSIGSEGV, 1, 0x10);
    EXPECT_EQ(held->wait_status, kSIGSEGV);
    EXPECT_FALSE(world.platform.reports.empty());
}

TEST_F(Signals, SigtimedwaitWaitsAndTimesOut) {
    block(thread, signal_bit(kSIGUSR1));
    World::put(process, kScratch, signal_bit(kSIGUSR1));
    World::put(process, kScratch + 16, Timespec{1, 0});
    EXPECT_EQ(world.call(thread, kSigtimedwait, kScratch, 0, kScratch + 16, 8), kAsleep);
    world.pass(1'000'000'000);
    EXPECT_EQ(World::result(thread), error(Errno::kEAGAIN));
    EXPECT_EQ(world.call(thread, kSigtimedwait, kScratch, kScratch + 64, 0, 8), kAsleep);
    send_signal(process, user_signal(kSIGUSR1, init));
    world.system.run_ready();
    EXPECT_EQ(World::result(thread), kSIGUSR1);
    EXPECT_EQ(World::get<int32_t>(process, kScratch + 64 + 16), init.pid);
    EXPECT_EQ(process.signals.pending.set, 0u);
}

TEST_F(Signals, WhoMaySendToWhom) {
    Process& stranger = world.make_process(&init);
    stranger.credentials.uid = stranger.credentials.euid = stranger.credentials.suid = 1000;
    stranger.credentials.capabilities = 0;
    Thread& sender = World::first(stranger);
    EXPECT_EQ(world.call(sender, kKill, process.pid, 0), error(Errno::kEPERM));
    EXPECT_EQ(world.call(sender, kKill, 9999, 0), error(Errno::kESRCH));
    EXPECT_EQ(world.call(sender, kKill, process.pid, kSIGCONT), 0);  // the same session
    process.credentials.suid = 1000;
    EXPECT_EQ(world.call(sender, kKill, process.pid, 0), 0);
    EXPECT_EQ(world.call(sender, kKill, process.pid, 65), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(sender, kKill, -4242, 0), error(Errno::kESRCH));
    EXPECT_EQ(world.call(sender, kKill, 9999, 65), error(Errno::kESRCH));
    EXPECT_EQ(world.call(sender, kKill, -4242, -1), error(Errno::kESRCH));
    EXPECT_EQ(world.call(sender, kKill, 0, 65), error(Errno::kEINVAL));
}

}  // namespace
