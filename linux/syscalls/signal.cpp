// Signals: handlers, masks, sending, waiting for them; process file descriptors.
#include "signal/signals.h"

#include "shim/layout.h"
#include "signal/frame.h"
#include "syscalls/families.h"
#include "syscalls/time.h"
#include "task/pid_file.h"
#include "task/system.h"

namespace kos::lx {

namespace {

constexpr uint64_t kKnownFlags = kSA_NOCLDSTOP | kSA_NOCLDWAIT | kSA_SIGINFO | kSA_ONSTACK | kSA_RESTART | kSA_NODEFER |
                                 kSA_RESETHAND | kSA_RESTORER | 0x800 /* SA_EXPOSE_TAGBITS */;

// arm64's struct sigaction of rt_sigaction(2).
struct UserAction {
    uint64_t handler, flags, restorer;
    SignalSet mask;
};

bool is_signal(int signal) { return signal >= 1 && signal <= kSignals; }

// --- Handlers and masks.

Result<int64_t> rt_sigaction(Call& call) {
    int const signal = call.argument_as<int>(0);
    uint64_t const new_address = call.argument(1), old_address = call.argument(2);
    if (call.argument(3) != sizeof(SignalSet)) return Errno::kEINVAL;
    UserAction wanted{};
    if (new_address) {
        KOS_TRY(wanted, call.read_user<UserAction>(new_address));
    }
    if (!is_signal(signal)) return Errno::kEINVAL;
    if (new_address && signal_bit(signal) & kUnblockable) return Errno::kEINVAL;
    SignalAction const old = call.process().handlers->actions[signal - 1];
    if (new_address) {
        set_action(call.process(), signal, {wanted.handler, wanted.flags & kKnownFlags, wanted.restorer, wanted.mask});
    }
    if (old_address) {
        KOS_TRY_STATUS(call.write_user(old_address, UserAction{old.handler, old.flags, old.restorer, old.mask}));
    }
    return 0;
}

Result<int64_t> rt_sigprocmask(Call& call) {
    constexpr int kBLOCK = 0, kUNBLOCK = 1, kSETMASK = 2;
    if (call.argument(3) != sizeof(SignalSet)) return Errno::kEINVAL;
    SignalSet const old = call.thread.signals.blocked;
    if (uint64_t const address = call.argument(1)) {
        KOS_TRY(SignalSet const set, call.read_user<SignalSet>(address));
        switch (call.argument_as<int>(0)) {
            case kBLOCK: set_blocked(call.thread, old | set); break;
            case kUNBLOCK: set_blocked(call.thread, old & ~set); break;
            case kSETMASK: set_blocked(call.thread, set); break;
            default: return Errno::kEINVAL;
        }
    }
    if (uint64_t const address = call.argument(2)) KOS_TRY_STATUS(call.write_user(address, old));
    return 0;
}

Result<int64_t> rt_sigpending(Call& call) {
    uint64_t const bytes = call.argument(1);
    if (bytes > sizeof(SignalSet)) return Errno::kEINVAL;
    SignalSet const set = pending_signals(call.thread) & call.thread.signals.blocked;
    KOS_TRY_STATUS(call.memory().copy_out(call.argument(0), &set, bytes));
    return 0;
}

Result<int64_t> sigaltstack(Call& call) {
    SignalState& state = call.thread.signals;
    uint64_t const new_address = call.argument(0), old_address = call.argument(1);
    SignalStack wanted;
    if (new_address) {
        KOS_TRY(wanted, call.read_user<SignalStack>(new_address));
    }
    SignalStack old = alternate_stack(state);
    uint64_t sp = 0;
    if (!(state.alternate_flags & kSS_DISABLE)) {
        // Whether it is in use.
        call.thread.machine->load();
        sp = call.thread.registers.sp;
        if (is_on_alternate_stack(state, sp)) old.flags |= kSS_ONSTACK;
    }
    if (new_address) KOS_TRY_STATUS(set_alternate_stack(state, wanted, sp));
    if (old_address) KOS_TRY_STATUS(call.write_user(old_address, old));
    return 0;
}

// A frame that makes no sense: as on Linux, the program is told by SIGSEGV.
Result<int64_t> after_return(Call& call, Status done) {
    if (!done.ok()) force_signal(call.thread, kernel_signal(kSIGSEGV));
    return Errno::kNoResult;
}

Result<int64_t> rt_sigreturn(Call& call) {
    call.thread.machine->load();
    return after_return(call, begin_signal_return(call.thread));
}

Result<int64_t> signal_finish(Call& call) {
    call.thread.machine->load();
    return after_return(call, finish_signal_return(call.thread));
}

// No call here leaves something to be taken up by restart_syscall(2).
Result<int64_t> restart_syscall(Call&) { return Errno::kEINTR; }

// --- Waiting.

Result<int64_t> rt_sigsuspend(Call& call) {
    if (call.argument(1) != sizeof(SignalSet)) return Errno::kEINVAL;
    if (!call.progress.is_again) {
        KOS_TRY(SignalSet const mask, call.read_user<SignalSet>(call.argument(0)));
        set_temporary_mask(call.thread, mask);
    }
    return call.sleep(Call::Interrupted::kRestartNoHandler);
}

Result<int64_t> rt_sigtimedwait(Call& call) {
    if (call.argument(3) != sizeof(SignalSet)) return Errno::kEINVAL;
    KOS_TRY(SignalSet const set, call.read_user<SignalSet>(call.argument(0)));
    Nanoseconds time = kNever;
    if (uint64_t const address = call.argument(2); address && !call.progress.is_again) {
        KOS_TRY(time, read_timespec(call, address));
    }
    SignalInfo info;
    if (take_signal(call.thread, set & ~kUnblockable, info)) {
        if (uint64_t const address = call.argument(1)) {
            std::byte bytes[kSigInfoBytes];
            encode_signal_info(info, bytes);
            KOS_TRY_STATUS(call.memory().copy_out(address, bytes, sizeof bytes));
        }
        return info.signal;
    }
    if (time == 0) return Errno::kEAGAIN;
    if (time != kNever) call.set_deadline(later(call.process().system.timers.now(), time));
    call.wait_for(call.process().signals.arrived);
    Errno const error = call.sleep(Call::Interrupted::kEINTR);
    return error == Errno::kETIMEDOUT ? Errno::kEAGAIN : error;
}

// --- Sending.

Result<int64_t> kill(Call& call) {
    Process& self = call.process();
    KOS_TRY_STATUS(kill_processes(self, call.argument_as<int>(0), user_signal(call.argument_as<int>(1), self)));
    return 0;
}

// `group` 0: any.
Result<int64_t> send_to_thread(Call& call, int group, int tid, const SignalInfo& info) {
    if (tid <= 0 || group < 0) return Errno::kEINVAL;
    Thread* const thread = call.process().system.find_thread(tid);
    if (!thread || (group && thread->process.pid != group)) return Errno::kESRCH;
    if (info.signal < 0 || info.signal > kSignals) return Errno::kEINVAL;
    KOS_TRY_STATUS(may_signal(call.process(), thread->process, info.signal));
    if (info.signal) KOS_TRY_STATUS(queue_signal(*thread, info));
    return 0;
}

SignalInfo thread_signal(Call& call, int signal) {
    SignalInfo info = user_signal(signal, call.process());
    info.code = kSI_TKILL;
    return info;
}

Result<int64_t> tkill(Call& call) {
    return send_to_thread(call, 0, call.argument_as<int>(0), thread_signal(call, call.argument_as<int>(1)));
}

Result<int64_t> tgkill(Call& call) {
    if (call.argument_as<int>(0) <= 0) return Errno::kEINVAL;
    return send_to_thread(call, call.argument_as<int>(0), call.argument_as<int>(1),
                          thread_signal(call, call.argument_as<int>(2)));
}

// siginfo_t of the program's own making, for `signal`.
Result<SignalInfo> read_information(Call& call, uint64_t address, int signal) {
    std::byte bytes[kSigInfoBytes];
    KOS_TRY_STATUS(call.memory().copy_in(bytes, address, sizeof bytes));
    SignalInfo info = decode_signal_info(bytes);
    info.signal = signal;
    return info;
}

// Nobody may pretend to another process to be the kernel or kill(2).
bool is_forged(const SignalInfo& info) { return info.code >= 0 || info.code == kSI_TKILL; }

Result<int64_t> rt_sigqueueinfo(Call& call) {
    int const pid = call.argument_as<int>(0), signal = call.argument_as<int>(1);
    KOS_TRY(SignalInfo const info, read_information(call, call.argument(2), signal));
    if (is_forged(info) && pid != call.process().pid) return Errno::kEPERM;
    // As Linux: one process, and a thread's number means its process.
    Thread* const thread = pid > 0 ? call.process().system.find_thread(pid) : nullptr;
    Process* const process = thread ? &thread->process : pid > 0 ? call.process().system.find_process(pid) : nullptr;
    if (!process) return Errno::kESRCH;
    if (signal < 0 || signal > kSignals) return Errno::kEINVAL;
    KOS_TRY_STATUS(may_signal(call.process(), *process, signal));
    if (signal) KOS_TRY_STATUS(queue_signal(*process, info));
    return 0;
}

Result<int64_t> rt_tgsigqueueinfo(Call& call) {
    int const group = call.argument_as<int>(0), tid = call.argument_as<int>(1);
    KOS_TRY(SignalInfo const info, read_information(call, call.argument(3), call.argument_as<int>(2)));
    if (group <= 0 || tid <= 0) return Errno::kEINVAL;
    if (is_forged(info) && tid != call.thread.tid && group != call.process().pid) return Errno::kEPERM;
    return send_to_thread(call, group, tid, info);
}

// --- Process file descriptors.

// `or_directory`: a directory /proc/PID will do, too.
Result<Process*> process_of(Call& call, unsigned index, bool or_directory) {
    KOS_TRY(Ref<File> const file, call.any_file(index));
    Process* process = file->as_process();
    if (!process && or_directory && file->inode()) process = file->inode()->as_process();
    if (!process) return Errno::kEBADF;
    return process;
}

bool has_ended(const Process& process) { return process.state == ProcessState::kZombie; }

Result<int64_t> pidfd_open(Call& call) {
    int const pid = call.argument_as<int>(0);
    uint32_t const flags = call.argument_as<uint32_t>(1);
    if (flags & ~kO_NONBLOCK || pid <= 0) return Errno::kEINVAL;
    System& system = call.process().system;
    Process* const process = system.find_process(pid);
    if (!process) return system.find_thread(pid) ? Errno::kEINVAL : Errno::kESRCH;
    auto file = make_ref<PidFile>(*process);
    file->flags = kO_RDWR | flags;
    KOS_TRY(int const fd, call.process().files->add(file, true));
    return fd;
}

Result<int64_t> pidfd_send_signal(Call& call) {
    int const signal = call.argument_as<int>(1);
    if (call.argument_as<uint32_t>(3) != 0) return Errno::kEINVAL;
    KOS_TRY(Process* const process, process_of(call, 0, true));
    SignalInfo info = user_signal(signal, call.process());
    if (uint64_t const address = call.argument(2)) {
        KOS_TRY(int32_t const said, call.read_user<int32_t>(address));
        if (said != signal) return Errno::kEINVAL;
        KOS_TRY(info, read_information(call, address, signal));
        if (is_forged(info) && process != &call.process()) return Errno::kEPERM;
    }
    if (signal < 0 || signal > kSignals) return Errno::kEINVAL;
    if (call.process().system.find_process(process->pid) != process) return Errno::kESRCH;
    KOS_TRY_STATUS(may_signal(call.process(), *process, signal));
    if (signal) KOS_TRY_STATUS(queue_signal(*process, info));
    return 0;
}

Result<int64_t> pidfd_getfd(Call& call) {
    if (call.argument_as<uint32_t>(2) != 0) return Errno::kEINVAL;
    KOS_TRY(Process* const process, process_of(call, 0, false));
    if (has_ended(*process) || !process->files) return Errno::kESRCH;
    const Credentials& from = call.process().credentials;
    const Credentials& to = process->credentials;
    bool const is_same = from.uid == to.uid && from.uid == to.euid && from.uid == to.suid && process->is_dumpable;
    if (process != &call.process() && !is_same && !from.has_capability(kCAP_SYS_PTRACE)) return Errno::kEPERM;
    KOS_TRY(Ref<File> file, process->files->get(call.argument_as<int>(1)));
    KOS_TRY(int const fd, call.process().files->add(std::move(file), true));
    return fd;
}

// Number, name, handler, support, what is missing.
constexpr SystemCall kTable[] = {
    {128, "restart_syscall", restart_syscall, Support::kFull, ""},
    {129, "kill", kill, Support::kFull, ""},
    {130, "tkill", tkill, Support::kFull, ""},
    {131, "tgkill", tgkill, Support::kFull, ""},
    {132, "sigaltstack", sigaltstack, Support::kFull, ""},
    {133, "rt_sigsuspend", rt_sigsuspend, Support::kFull, ""},
    {134, "rt_sigaction", rt_sigaction, Support::kFull, ""},
    {135, "rt_sigprocmask", rt_sigprocmask, Support::kFull, ""},
    {136, "rt_sigpending", rt_sigpending, Support::kFull, ""},
    {137, "rt_sigtimedwait", rt_sigtimedwait, Support::kFull, ""},
    {138, "rt_sigqueueinfo", rt_sigqueueinfo, Support::kFull, ""},
    {139, "rt_sigreturn", rt_sigreturn, Support::kFull, ""},
    {240, "rt_tgsigqueueinfo", rt_tgsigqueueinfo, Support::kFull, ""},
    {424, "pidfd_send_signal", pidfd_send_signal, Support::kFull, ""},
    {434, "pidfd_open", pidfd_open, Support::kPartial, "no PIDFD_THREAD"},
    {438, "pidfd_getfd", pidfd_getfd, Support::kFull, ""},
    {kCallSignalFinish, "kos_signal_finish", signal_finish, Support::kFull, "the shim's second half of rt_sigreturn"},
};

}  // namespace

const std::span<const SystemCall> kSignalCalls = kTable;

}  // namespace kos::lx
