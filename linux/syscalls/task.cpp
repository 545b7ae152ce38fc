// Processes and threads: clone(2), execve(2), exit(2). Relations, identity and limits are in the other task_*.cpp.
#include "syscalls/families.h"

#include "shim/layout.h"
#include "signal/signals.h"
#include "task/exec.h"
#include "task/pid_file.h"
#include "task/relations.h"
#include "task/system.h"
#include "task/timers.h"

#include <string.h>

namespace kos::lx {

namespace {

constexpr uint64_t kCLONE_VM = 0x100, kCLONE_FS = 0x200, kCLONE_FILES = 0x400, kCLONE_SIGHAND = 0x800,
                   kCLONE_PIDFD = 0x1000, kCLONE_VFORK = 0x4000, kCLONE_PARENT = 0x8000, kCLONE_THREAD = 0x10000,
                   kCLONE_SYSVSEM = 0x40000, kCLONE_SETTLS = 0x80000, kCLONE_PARENT_SETTID = 0x100000,
                   kCLONE_CHILD_CLEARTID = 0x200000, kCLONE_DETACHED = 0x400000, kCLONE_UNTRACED = 0x800000,
                   kCLONE_CHILD_SETTID = 0x1000000, kCLONE_IO = 0x80000000, kCLONE_CLEAR_SIGHAND = 0x100000000;
constexpr uint64_t kKnownFlags = kCLONE_VM | kCLONE_FS | kCLONE_FILES | kCLONE_SIGHAND | kCLONE_PIDFD | kCLONE_VFORK |
                                 kCLONE_PARENT | kCLONE_THREAD | kCLONE_SYSVSEM | kCLONE_SETTLS | kCLONE_PARENT_SETTID |
                                 kCLONE_CHILD_CLEARTID | kCLONE_DETACHED | kCLONE_UNTRACED | kCLONE_CHILD_SETTID |
                                 kCLONE_IO | kCLONE_CLEAR_SIGHAND;
constexpr size_t kFpBytes = 528;  // q0-q31, fpsr, fpcr

struct CloneRequest {
    uint64_t flags = 0;  // without the exit signal
    int exit_signal = 0;
    uint64_t stack = 0;  // its top; 0: the parent's
    uint64_t parent_tid = 0, child_tid = 0, tls = 0;
    uint64_t pidfd = 0;  // address of an int
};

// Between clone(2) and the shim's answer that the floating-point registers are saved.
class CloneExtra final : public CallExtra {
public:
    CloneRequest request;
    Registers registers;  // of the caller, behind its svc
    uint64_t save_area = 0;
};

Status check(const CloneRequest& request) {
    uint64_t const flags = request.flags;
    if (flags & ~kKnownFlags) return Errno::kEINVAL;
    if (flags & kCLONE_SIGHAND && !(flags & kCLONE_VM)) return Errno::kEINVAL;
    if (flags & kCLONE_THREAD && !(flags & kCLONE_SIGHAND)) return Errno::kEINVAL;
    if (flags & kCLONE_CLEAR_SIGHAND && flags & kCLONE_SIGHAND) return Errno::kEINVAL;
    // clone(2): not of threads, and CLONE_DETACHED stays free for other meanings together with it.
    if (flags & kCLONE_PIDFD && flags & (kCLONE_THREAD | kCLONE_DETACHED)) return Errno::kEINVAL;
    if (request.exit_signal < 0 || request.exit_signal > kSignals) return Errno::kEINVAL;
    return {};
}

Result<Ref<Process>> make_child_process(Process& parent, const CloneRequest& request) {
    System& system = parent.system;
    Ref<AddressSpace> memory = parent.memory;
    if (!(request.flags & kCLONE_VM)) {
        KOS_TRY(std::unique_ptr<MachineSpace> machine, system.platform.make_space());
        KOS_TRY(memory, parent.memory->copy(std::move(machine)));
    }
    bool const is_sibling = request.flags & kCLONE_PARENT && parent.parent;
    KOS_TRY(Ref<Process> child, system.make_process(is_sibling ? parent.parent : &parent));
    child->memory = std::move(memory);
    child->files = request.flags & kCLONE_FILES ? parent.files : parent.files->copy();
    if (request.flags & kCLONE_FS) {
        child->paths = parent.paths;
    } else {
        child->paths = make_ref<PathState>();
        child->paths->context = parent.paths->context;
    }
    child->handlers = parent.handlers;
    if (!(request.flags & kCLONE_SIGHAND)) {
        child->handlers = make_ref<SignalHandlers>();
        for (int i = 0; i < kSignals; ++i) child->handlers->actions[i] = parent.handlers->actions[i];
        if (request.flags & kCLONE_CLEAR_SIGHAND) reset_handlers(*child);
    }
    child->credentials = parent.credentials;
    memcpy(child->limits, parent.limits, sizeof child->limits);
    child->session = parent.session;
    child->group = parent.group;
    child->executable = parent.executable;
    child->command = parent.command;
    child->arguments_start = parent.arguments_start;
    child->arguments_end = parent.arguments_end;
    child->environment_start = parent.environment_start;
    child->environment_end = parent.environment_end;
    child->is_dumpable = parent.is_dumpable;
    child->no_new_privileges = parent.no_new_privileges;
    child->personality = parent.personality;
    child->exit_signal = is_sibling ? parent.exit_signal : request.exit_signal;
    child->is_vfork_child = request.flags & kCLONE_VFORK;
    ++system.forks;
    return child;
}

void inherit(Thread& child, const Thread& parent, const CloneRequest& request) {
    memcpy(child.name, parent.name, sizeof child.name);
    child.signals.blocked = parent.signals.blocked;
    bool const shares_memory = (request.flags & (kCLONE_VM | kCLONE_VFORK)) == kCLONE_VM;
    if (!shares_memory) {
        child.signals.alternate_stack = parent.signals.alternate_stack;
        child.signals.alternate_bytes = parent.signals.alternate_bytes;
        child.signals.alternate_flags = parent.signals.alternate_flags;
    }
    child.affinity = parent.affinity;
    child.timer_slack = parent.timer_slack;
    if (!parent.resets_on_fork) {
        child.nice = parent.nice;
        child.io_priority = parent.io_priority;
        child.policy = parent.policy;
        child.priority = parent.priority;
    }
    if (request.flags & kCLONE_CHILD_CLEARTID) child.clear_tid = request.child_tid;
}

// CLONE_PIDFD: a descriptor of the caller for the new process, its number in the caller's memory.
Result<int> open_child(Process& parent, Process& child, uint64_t address) {
    auto file = make_ref<PidFile>(child);
    file->flags = kO_RDWR;
    KOS_TRY(int const fd, parent.files->add(std::move(file), true));
    int32_t const number = fd;
    if (Status const done = parent.memory->copy_out(address, &number, sizeof number); !done.ok()) {
        (void)parent.files->close(fd, parent).ok();  // it is open
        return done.error();
    }
    return fd;
}

// Makes the child, ready to run; `registers` are the parent's, behind its svc.
Result<Ref<Thread>> make_child(Thread& parent, const CloneRequest& request, const Registers& registers,
                               uint64_t save_area) {
    System& system = parent.process.system;
    Ref<Process> process(&parent.process);
    bool const is_thread = request.flags & kCLONE_THREAD;
    if (!is_thread) {
        KOS_TRY(process, make_child_process(parent.process, request));
    }
    auto made = system.make_thread(*process);
    int pidfd = -1;
    auto const undo = [&] {
        if (pidfd >= 0) (void)parent.process.files->close(pidfd, parent.process).ok();  // it is open
        if (made.ok()) {
            std::erase(process->threads, *made);
            system.forget(**made);
        }
        if (is_thread) return;
        std::erase(process->parent->children, process);
        system.forget(*process);
    };
    if (!made.ok()) {
        undo();
        return made.error();
    }
    Thread& child = **made;
    inherit(child, parent, request);
    if (!is_thread) cpu_limit_changed(child.process);
    child.registers = registers;
    child.registers.x[0] = 0;
    if (request.stack) child.registers.sp = request.stack;
    if (request.flags & kCLONE_SETTLS) child.registers.tls = request.tls;
    AddressSpace& memory = *process->memory;
    if (save_area && memory.shim) {
        // The first thing that the child does is to get its floating-point registers.
        child.clone_registers = std::make_unique<Registers>(child.registers);
        child.registers.pc = memory.shim + kShimCloneChild;
        child.registers.x[17] = save_area;
    }
    Status done;
    if (request.flags & kCLONE_PARENT_SETTID) {
        int32_t const tid = child.tid;
        done = parent.process.memory->copy_out(request.parent_tid, &tid, sizeof tid);
    }
    if (done.ok() && request.flags & kCLONE_PIDFD) {
        auto const opened = open_child(parent.process, *process, request.pidfd);
        done = opened.ok() ? Errno::kOK : opened.error();
        if (opened.ok()) pidfd = *opened;
    }
    if (done.ok() && request.flags & kCLONE_CHILD_SETTID) {
        // In the child's memory; a bad address is the child's problem (clone(2)).
        int32_t const tid = child.tid;
        (void)memory.copy_out(request.child_tid, &tid, sizeof tid).ok();
    }
    if (done.ok()) {
        auto machine = system.platform.make_thread(child, memory);
        if (machine.ok()) {
            child.machine = machine.take();
        } else {
            done = machine.error();
        }
    }
    if (!done.ok()) {
        undo();
        return done.error();
    }
    return made;
}

Result<int64_t> wait_for_vfork(Call& call) {
    Process* const child = call.process().system.find_process(static_cast<int>(call.progress.words[0]));
    if (child && child->is_vfork_child && child->state == ProcessState::kAlive) {
        call.wait_for(child->vfork_done);
        return call.sleep(Call::Interrupted::kNotAtAll);
    }
    return static_cast<int64_t>(call.progress.words[0]);
}

Result<int64_t> run_child(Call& call, const CloneRequest& request, const Registers& registers, uint64_t save_area) {
    KOS_TRY(Ref<Thread> child, make_child(call.thread, request, registers, save_area));
    child->state = ThreadState::kRunning;
    child->machine->resume();
    if (request.flags & kCLONE_VFORK) {
        call.progress.words[0] = static_cast<uint64_t>(child->tid);
        return wait_for_vfork(call);
    }
    return int64_t{child->tid};
}

Result<int64_t> do_clone(Call& call, const CloneRequest& request) {
    if (call.progress.words[0]) return wait_for_vfork(call);
    KOS_TRY_STATUS(check(request));
    Thread& thread = call.thread;
    thread.machine->load();
    // A child on a stack of its own begins at a function's entry, where no floating-point register holds anything.
    if (request.stack || !call.memory().shim) return run_child(call, request, thread.registers, 0);
    auto extra = std::make_unique<CloneExtra>();
    extra->request = request;
    extra->registers = thread.registers;
    extra->save_area = ((thread.registers.sp - 1024) & ~uint64_t{15}) - kFpBytes;
    thread.registers.pc = call.memory().shim + kShimCloneSave;
    thread.registers.x[17] = extra->save_area;
    thread.machine->set_no_result();
    thread.clone_extra = std::move(extra);
    return int64_t{0};
}

Result<int64_t> sys_clone(Call& call) {
    CloneRequest request;
    constexpr uint64_t kSignalMask = 0xff;
    request.flags = call.argument(0) & ~kSignalMask & 0xffffffff;
    request.exit_signal = static_cast<int>(call.argument(0) & kSignalMask);
    request.stack = call.argument(1);
    request.parent_tid = call.argument(2);
    request.tls = call.argument(3);
    request.child_tid = call.argument(4);
    // The descriptor goes where the number of the thread would.
    request.pidfd = request.parent_tid;
    if (request.flags & kCLONE_PIDFD && request.flags & kCLONE_PARENT_SETTID) return Errno::kEINVAL;
    return do_clone(call, request);
}

Result<int64_t> sys_clone3(Call& call) {
    // struct clone_args of linux/sched.h; its later members are zero if the program does not know them.
    struct Arguments {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
            cgroup;
    } arguments{};
    constexpr size_t kFirstVersion = 64;
    size_t const size = call.argument(1);
    if (size < kFirstVersion) return Errno::kEINVAL;
    if (size > kPageBytes) return Errno::kE2BIG;
    size_t const known = size < sizeof arguments ? size : sizeof arguments;
    KOS_TRY_STATUS(call.memory().copy_in(&arguments, call.argument(0), known));
    for (size_t at = sizeof arguments; at < size; ++at) {
        KOS_TRY(uint8_t const byte, call.read_user<uint8_t>(call.argument(0) + at));
        if (byte) return Errno::kE2BIG;
    }
    if (arguments.set_tid_size || arguments.flags & 0xff || arguments.exit_signal > kSignals) return Errno::kEINVAL;
    if ((arguments.stack == 0) != (arguments.stack_size == 0)) return Errno::kEINVAL;
    CloneRequest request;
    request.flags = arguments.flags;
    request.exit_signal = static_cast<int>(arguments.exit_signal);
    request.stack = arguments.stack + arguments.stack_size;
    request.parent_tid = arguments.parent_tid;
    request.child_tid = arguments.child_tid;
    request.tls = arguments.tls;
    request.pidfd = arguments.pidfd;
    return do_clone(call, request);
}

// Of a call that is over but for the signals that arrived meanwhile.
Result<int64_t> finish_call(Call& call) { return static_cast<int64_t>(call.argument(0)); }

// The shim has saved the caller's floating-point registers: now the child.
Result<int64_t> finish_clone(Call& call) {
    auto* const extra = static_cast<CloneExtra*>(call.thread.clone_extra.get());
    if (!extra) return Errno::kENOSYS;
    Result<int64_t> const result = call.progress.words[0]
                                       ? wait_for_vfork(call)
                                       : run_child(call, extra->request, extra->registers, extra->save_area);
    if (result.error() == Errno::kRetry) return result;
    call.thread.machine->load();
    call.thread.registers = extra->registers;
    call.thread.clone_extra.reset();
    return result;
}

// A child has its floating-point registers: it goes on behind its parent's svc.
Result<int64_t> finish_clone_child(Call& call) {
    if (!call.thread.clone_registers) return Errno::kENOSYS;
    call.thread.machine->load();
    call.thread.registers = *call.thread.clone_registers;
    call.thread.clone_registers.reset();
    return int64_t{0};
}

Result<int64_t> execute_at(Call& call, const Location& start, unsigned first, uint32_t walk_flags) {
    Process& process = call.process();
    KOS_TRY(std::string path, call.path(first));
    KOS_TRY(WalkResult found, walk(process.paths->context, process.credentials, start, path, walk_flags));
    ExecArguments arguments;
    size_t total = 0;
    for (unsigned list = 0; list < 2; ++list) {
        auto& texts = list == 0 ? arguments.arguments : arguments.environment;
        uint64_t at = call.argument(first + 1 + list);
        for (; at; at += sizeof(uint64_t)) {
            KOS_TRY(uint64_t const text, call.read_user<uint64_t>(at));
            if (!text) break;
            auto read = call.memory().read_text(text, kArgumentMax);
            if (!read.ok()) return read.error() == Errno::kENAMETOOLONG ? Errno::kE2BIG : read.error();
            total += read->size() + 1 + sizeof(uint64_t);
            if (total > kArgumentsMax) return Errno::kE2BIG;
            texts.push_back(read.take());
        }
    }
    // Since Linux 5.18 a program has at least its own name.
    if (arguments.arguments.empty()) arguments.arguments.push_back("");
    if (path.empty()) path = path_of(found.location, process.paths->context.root);
    KOS_TRY_STATUS(execute(call.thread, found.location, path, std::move(arguments)));
    return int64_t{0};
}

Result<int64_t> sys_execve(Call& call) {
    return execute_at(call, call.process().paths->context.working, 0, kWalkFollow);
}

Result<int64_t> sys_execveat(Call& call) {
    constexpr uint32_t kNoFollow = 0x100, kEmptyPath = 0x1000;
    auto const flags = call.argument_as<uint32_t>(4);
    if (flags & ~(kNoFollow | kEmptyPath)) return Errno::kEINVAL;
    KOS_TRY(Location const start, call.directory(0));
    uint32_t const walk_flags =
        (flags & kNoFollow ? 0 : uint32_t{kWalkFollow}) | (flags & kEmptyPath ? uint32_t{kWalkEmpty} : 0);
    KOS_TRY(std::string const path, call.path(1));
    if (flags & kNoFollow) {
        KOS_TRY(WalkResult const found,
                walk(call.process().paths->context, call.process().credentials, start, path, walk_flags));
        if (found.location.inode() && found.location.inode()->is_symlink()) return Errno::kELOOP;
    }
    return execute_at(call, start, 1, walk_flags);
}

Result<int64_t> sys_exit(Call& call) {
    end_thread(call.thread, exit_status(call.argument_as<int>(0)));
    return int64_t{0};
}

Result<int64_t> sys_exit_group(Call& call) {
    end_process(call.process(), exit_status(call.argument_as<int>(0)));
    return int64_t{0};
}

// Number, name, handler, support, what is missing.
constexpr SystemCall kCalls[] = {
    {93, "exit", sys_exit, Support::kFull, ""},
    {94, "exit_group", sys_exit_group, Support::kFull, ""},
    {220, "clone", sys_clone, Support::kPartial, "no namespaces, CLONE_PTRACE; threads begin with FPCR 0"},
    {221, "execve", sys_execve, Support::kPartial, "set-user-ID bits and file capabilities are not looked at"},
    {281, "execveat", sys_execveat, Support::kPartial, "as execve"},
    {435, "clone3", sys_clone3, Support::kPartial, "as clone; no set_tid, cgroup"},
    {kCallFinish, "(shim: end of a call)", finish_call, Support::kFull, ""},
    {kCallCloneSaved, "(shim: clone, registers saved)", finish_clone, Support::kFull, ""},
    {kCallCloneLoaded, "(shim: clone, registers loaded)", finish_clone_child, Support::kFull, ""},
};
constexpr std::span<const SystemCall> kTable = kCalls;

}  // namespace

const std::span<const SystemCall> kTaskCalls = kTable;

}  // namespace kos::lx
