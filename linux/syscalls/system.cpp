// The system as a whole: uname(2), sysinfo(2), getrandom(2) and the like.
//
// Absent, and so ENOSYS: acct, add_key and relatives, bpf, fanotify, io_setup and relatives, io_uring, kexec, landlock,
// modules, perf_event_open, ptrace, quotactl, swapon, userfaultfd.
#include "syscalls/families.h"
#include "syscalls/ipc.h"

#include "fs/proc/load.h"
#include "task/system.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr unsigned kCAP_SYS_BOOT = 22, kCAP_SYS_TTY_CONFIG = 26;

// --- Names.

struct UtsName {  // struct utsname of linux/utsname.h
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

template <size_t Size>
void set_field(char (&field)[Size], std::string_view value) {
    value.copy(field, std::min(value.size(), Size - 1));
}

Result<int64_t> sys_uname(Call& call) {
    const System& system = call.process().system;
    UtsName name = {};
    set_field(name.sysname, kSystemName);
    set_field(name.nodename, system.host_name);
    set_field(name.release, kRelease);
    set_field(name.version, kVersion);
    set_field(name.machine, kMachine);
    set_field(name.domainname, system.domain_name);
    KOS_TRY_STATUS(call.write_user(call.argument(0), name));
    return int64_t{0};
}

Result<int64_t> set_name(Call& call, std::string& name) {
    if (!call.process().credentials.has_capability(kCAP_SYS_ADMIN)) return Errno::kEPERM;
    uint64_t const length = call.argument(1);
    if (length > kNameBytesMax) return Errno::kEINVAL;
    char text[kNameBytesMax] = {};
    KOS_TRY_STATUS(call.memory().copy_in(text, call.argument(0), length));
    name.assign(text, strnlen(text, length));
    return int64_t{0};
}

Result<int64_t> sys_sethostname(Call& call) { return set_name(call, call.process().system.host_name); }
Result<int64_t> sys_setdomainname(Call& call) { return set_name(call, call.process().system.domain_name); }

Result<int64_t> sys_personality(Call& call) {
    constexpr auto kAsk = 0xffffffffu;
    auto const wanted = call.argument_as<uint32_t>(0);
    int64_t const old = call.process().personality;
    if (wanted != kAsk) call.process().personality = wanted;
    return old;
}

// --- State.

struct SysInfo {  // struct sysinfo of linux/sysinfo.h
    int64_t uptime;
    uint64_t loads[3];
    uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit;
    uint32_t reserved;
};
static_assert(sizeof(SysInfo) == 112);

Result<int64_t> sys_sysinfo(Call& call) {
    System& system = call.process().system;
    constexpr unsigned kLoadShift = 16 - 11;  // SI_LOAD_SHIFT; ours are 1/2048
    SysInfo info = {};
    info.uptime = (system.timers.now() + 999'999'999) / 1'000'000'000;
    for (int i = 0; i < 3; ++i) info.loads[i] = load_average(system).of[i] << kLoadShift;
    info.totalram = system.frames.total_frames() * kPageBytes;
    info.freeram = system.frames.free_frames() * kPageBytes;
    size_t threads = 0;
    for (const auto& [pid, process] : system.processes()) threads += process->threads.size();
    info.procs = static_cast<uint16_t>(std::min<size_t>(threads, UINT16_MAX));
    info.mem_unit = 1;
    KOS_TRY_STATUS(call.write_user(call.argument(0), info));
    return int64_t{0};
}

Result<int64_t> sys_getcpu(Call& call) {
    if (uint64_t const address = call.argument(0)) {
        uint32_t const core = call.thread.machine ? call.thread.machine->core() : 0;
        KOS_TRY_STATUS(call.write_user(address, core));
    }
    if (uint64_t const address = call.argument(1)) {
        KOS_TRY_STATUS(call.write_user(address, uint32_t{0}));
    }
    return int64_t{0};
}

// There is no log of the kernel's to read; what programs write to /dev/kmsg goes to the domain's log.
Result<int64_t> sys_syslog(Call& call) {
    constexpr int kClose = 0, kOpen = 1, kRead = 2, kReadAll = 3, kReadClear = 4, kClear = 5, kConsoleOff = 6,
                  kConsoleOn = 7, kConsoleLevel = 8, kSizeUnread = 9, kSizeBuffer = 10;
    constexpr int64_t kBufferBytes = 1 << 17;
    auto const type = call.argument_as<int>(0), length = call.argument_as<int>(2);
    if (type != kReadAll && type != kSizeBuffer && !call.process().credentials.has_capability(kCAP_SYS_ADMIN)) {
        return Errno::kEPERM;
    }
    switch (type) {
        case kRead:
        case kReadAll:
        case kReadClear:
            if (!call.argument(1) || length < 0) return Errno::kEINVAL;
            if (type == kRead && length) return call.sleep();
            return int64_t{0};
        case kConsoleLevel: return length < 1 || length > 8 ? Result<int64_t>(Errno::kEINVAL) : int64_t{0};
        case kClose:
        case kOpen:
        case kClear:
        case kConsoleOff:
        case kConsoleOn:
        case kSizeUnread: return int64_t{0};
        case kSizeBuffer: return kBufferBytes;
        default: return Errno::kEINVAL;
    }
}

// --- Chance.

Result<int64_t> sys_getrandom(Call& call) {
    constexpr uint32_t kNonBlock = 1, kRandom = 2, kInsecure = 4;
    // One call does not occupy the server for long: longer ones end early, as if a signal had come (getrandom(2)).
    constexpr uint64_t kMost = 4 << 20;
    auto const flags = call.argument_as<uint32_t>(2);
    if (flags & ~(kNonBlock | kRandom | kInsecure)) return Errno::kEINVAL;
    if ((flags & (kRandom | kInsecure)) == (kRandom | kInsecure)) return Errno::kEINVAL;
    uint64_t const count = std::min(call.argument(1), kMost);
    uint64_t done = 0;
    while (done < count) {
        uint8_t bytes[512];
        uint64_t const piece = std::min<uint64_t>(count - done, sizeof bytes);
        Status moved = call.process().system.platform.random(bytes, piece);
        if (moved.ok()) moved = call.memory().copy_out(call.argument(0) + done, bytes, piece);
        if (!moved.ok()) {
            if (done == 0) return moved.error();
            break;
        }
        done += piece;
    }
    return static_cast<int64_t>(done);
}

// --- Order of memory. A thread that is taken out of the program passes through the kernel, which orders all of its
// accesses and, coming back, its instructions.

void order_threads(Process& process, const Thread& except) {
    for (const Ref<Thread>& thread : process.threads) {
        if (thread.get() == &except || thread->state != ThreadState::kRunning || !thread->machine) continue;
        thread->machine->interrupt();
        thread->machine->resume();
    }
}

Result<int64_t> sys_membarrier(Call& call) {
    constexpr uint32_t kQuery = 0, kGlobal = 1, kGlobalExpedited = 2, kRegisterGlobal = 4, kPrivate = 8,
                       kRegisterPrivate = 16, kSyncCore = 32, kRegisterSyncCore = 64;
    constexpr uint32_t kAll =
        kGlobal | kGlobalExpedited | kRegisterGlobal | kPrivate | kRegisterPrivate | kSyncCore | kRegisterSyncCore;
    auto const command = call.argument_as<uint32_t>(0);
    if (call.argument_as<uint32_t>(1)) return Errno::kEINVAL;
    Process& process = call.process();
    switch (command) {
        case kQuery: return int64_t{kAll};
        case kRegisterGlobal:
        case kRegisterPrivate:
        case kRegisterSyncCore: process.membarrier_commands |= command >> 1; return int64_t{0};
        case kPrivate:
        case kSyncCore:
            if (!(process.membarrier_commands & command)) return Errno::kEPERM;
            order_threads(process, call.thread);
            return int64_t{0};
        case kGlobal:
        case kGlobalExpedited:
            for (const auto& [pid, other] : process.system.processes()) {
                if (command == kGlobal || other->membarrier_commands & kGlobalExpedited) {
                    order_threads(*other, call.thread);
                }
            }
            return int64_t{0};
        default: return Errno::kEINVAL;
    }
}

// --- Others.

Result<int64_t> sys_reboot(Call& call) {
    constexpr uint32_t kMagic1 = 0xfee1dead;
    constexpr uint32_t kMagics2[] = {672274793, 85072278, 369367448, 537993216};
    constexpr uint32_t kRestart = 0x01234567, kRestart2 = 0xa1b2c3d4, kHalt = 0xcdef0123, kPowerOff = 0x4321fedc,
                       kKeysOn = 0x89abcdef, kKeysOff = 0;
    Process& process = call.process();
    if (!process.credentials.has_capability(kCAP_SYS_BOOT)) return Errno::kEPERM;
    auto const* const magic = std::find(std::begin(kMagics2), std::end(kMagics2), call.argument_as<uint32_t>(1));
    if (call.argument_as<uint32_t>(0) != kMagic1 || magic == std::end(kMagics2)) return Errno::kEINVAL;
    auto const command = call.argument_as<uint32_t>(2);
    if (command == kKeysOn || command == kKeysOff) return int64_t{0};
    if (command == kRestart2) KOS_TRY_STATUS(call.text(3, 256));
    if (command == kRestart || command == kRestart2) process.system.platform.restart();
    if (command == kHalt || command == kPowerOff) process.system.platform.end(0);
    return Errno::kEINVAL;
}

// Whether two processes share something: 0 the same, 1 and 2 an order (kcmp(2)).
int64_t compare(const Counted* one, const Counted* other) {
    if (one == other) return 0;
    return std::less<>()(one, other) ? 1 : 2;
}

Result<int64_t> sys_kcmp(Call& call) {
    constexpr unsigned kFile = 0, kMemory = 1, kFiles = 2, kPaths = 3, kHandlers = 4, kInputOutput = 5, kSemaphores = 6;
    System& system = call.process().system;
    Process* processes[2] = {};
    for (unsigned i = 0; i < 2; ++i) {
        Thread* const thread = system.find_thread(call.argument_as<int>(i));
        processes[i] = thread ? &thread->process : system.find_process(call.argument_as<int>(i));
        if (!processes[i]) return Errno::kESRCH;
        const Credentials& who = call.process().credentials;
        if (who.uid != processes[i]->credentials.uid && !who.has_capability(kCAP_SYS_PTRACE)) return Errno::kEPERM;
    }
    Process const &one = *processes[0], &other = *processes[1];
    switch (call.argument_as<unsigned>(2)) {
        case kFile: {
            if (!one.files || !other.files) return Errno::kEBADF;
            if (call.argument(3) > INT32_MAX || call.argument(4) > INT32_MAX) return Errno::kEBADF;
            KOS_TRY(Ref<File> const file, one.files->get(call.argument_as<int>(3)));
            KOS_TRY(Ref<File> const other_file, other.files->get(call.argument_as<int>(4)));
            return compare(file.get(), other_file.get());
        }
        case kMemory: return compare(one.memory.get(), other.memory.get());
        case kFiles: return compare(one.files.get(), other.files.get());
        case kPaths: return compare(one.paths.get(), other.paths.get());
        case kHandlers: return compare(one.handlers.get(), other.handlers.get());
        // Nobody has a context of input and output; of semaphores only who owes some (SEM_UNDO).
        case kInputOutput: return int64_t{0};
        case kSemaphores: {
            bool const owes = system.ipc && (ipc_of(system).owes(one.pid) || ipc_of(system).owes(other.pid));
            return owes ? compare(&one, &other) : int64_t{0};
        }
        default: return Errno::kEINVAL;
    }
}

// What is asked is not there: as on a kernel without filters.
Result<int64_t> sys_seccomp(Call&) { return Errno::kEINVAL; }

Result<int64_t> sys_vhangup(Call& call) {
    if (!call.process().credentials.has_capability(kCAP_SYS_TTY_CONFIG)) return Errno::kEPERM;
    return int64_t{0};
}

// Number, name, handler, support, what is missing.
constexpr SystemCall kCalls[] = {
    {58, "vhangup", sys_vhangup, Support::kPartial, "the terminal stays as it is"},
    {92, "personality", sys_personality, Support::kPartial, "kept and given back; changes nothing"},
    {116, "syslog", sys_syslog, Support::kPartial, "the log is empty"},
    {142, "reboot", sys_reboot, Support::kPartial, "of the domain; no suspend, no kexec: EINVAL"},
    {160, "uname", sys_uname, Support::kFull, ""},
    {161, "sethostname", sys_sethostname, Support::kFull, ""},
    {162, "setdomainname", sys_setdomainname, Support::kFull, ""},
    {168, "getcpu", sys_getcpu, Support::kFull, ""},
    {179, "sysinfo", sys_sysinfo, Support::kPartial, "no swap, no shared and buffer memory"},
    {272, "kcmp", sys_kcmp, Support::kPartial, "no KCMP_EPOLL_TFD"},
    {277, "seccomp", sys_seccomp, Support::kPartial, "no filters: EINVAL"},
    {278, "getrandom", sys_getrandom, Support::kPartial, "at most 4 MiB in one call"},
    {283, "membarrier", sys_membarrier, Support::kPartial, "no commands for restartable sequences"},
};
constexpr std::span<const SystemCall> kTable = kCalls;

}  // namespace

const std::span<const SystemCall> kSystemCalls = kTable;

}  // namespace kos::lx
