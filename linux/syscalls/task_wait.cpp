// wait4(2) and waitid(2).
#include "signal/signals.h"
#include "syscalls/task.h"
#include "task/relations.h"
#include "task/system.h"

namespace kos::lx {

namespace {

constexpr uint32_t kWNOHANG = 1, kWSTOPPED = 2, kWEXITED = 4, kWCONTINUED = 8, kWNOWAIT = 0x0100'0000,
                   kWNOTHREAD = 0x2000'0000, kWALL = 0x4000'0000, kWCLONE = 0x8000'0000;
constexpr int kP_ALL = 0, kP_PID = 1, kP_PGID = 2, kP_PIDFD = 3;

struct Wanted {
    int type = kP_ALL;  // kP_*
    int number = 0;
    uint32_t options = 0;
};

// What was found out about a child.
struct Report {
    int pid = 0;
    uint32_t uid = 0;
    int wait_status = 0;
    int code = 0;    // CLD_*
    int status = 0;  // of siginfo
    ResourceUsage usage{};
};

bool is_meant(const Process& child, const Wanted& wanted) {
    if (wanted.type == kP_PID && child.pid != wanted.number) return false;
    if (wanted.type == kP_PGID && child.group != wanted.number) return false;
    // Children that do not end with SIGCHLD are "clone" children.
    bool const is_clone = child.exit_signal != kSIGCHLD;
    return wanted.options & kWALL || is_clone == ((wanted.options & kWCLONE) != 0);
}

// The child's state is one that was asked for: tells it, and takes note that it was told.
bool take_state(Process& child, uint32_t options, Report& report) {
    bool const takes = !(options & kWNOWAIT);
    report.pid = child.pid;
    report.uid = child.credentials.uid;
    report.usage = usage_of(cpu_time(child) + child.children_time, child.memory ? child.memory->resident_pages() : 0);
    if (child.state == ProcessState::kZombie) {
        if (!(options & kWEXITED)) return false;
        int const signal = child.wait_status & 0x7f;
        report.wait_status = child.wait_status;
        report.code = signal == 0 ? kCLD_EXITED : child.wait_status & 0x80 ? kCLD_DUMPED : kCLD_KILLED;
        report.status = signal ? signal : child.wait_status >> 8 & 0xff;
        if (takes) reap(child);
        return true;
    }
    if (options & kWSTOPPED && child.signals.is_stopped && child.signals.stop_signal) {
        report.wait_status = child.signals.stop_signal << 8 | 0x7f;
        report.code = kCLD_STOPPED;
        report.status = child.signals.stop_signal;
        if (takes) child.signals.stop_signal = 0;
        return true;
    }
    if (options & kWCONTINUED && child.signals.has_continued) {
        report.wait_status = 0xffff;
        report.code = kCLD_CONTINUED;
        report.status = kSIGCONT;
        if (takes) child.signals.has_continued = false;
        return true;
    }
    return false;
}

// pid of the child, 0 (WNOHANG and none), kECHILD, or waits.
Result<int64_t> wait_for_child(Call& call, const Wanted& wanted, Report& report) {
    bool has_any = false;
    for (Ref<Process>& entry : call.process().children) {
        if (!is_meant(*entry, wanted)) continue;
        // Somebody else than its parent's wait4 will never see it end: still a child.
        has_any = true;
        Ref<Process> const child = entry;
        if (take_state(*child, wanted.options, report)) return report.pid;
    }
    if (!has_any) return Errno::kECHILD;
    if (wanted.options & kWNOHANG) {
        report = {};
        return 0;
    }
    call.wait_for(call.process().child_events);
    return call.sleep();
}

}  // namespace

Result<int64_t> wait4(Call& call) {
    int const pid = call.argument_as<int>(0);
    uint32_t const options = call.argument_as<uint32_t>(2);
    if (options & ~(kWNOHANG | kWSTOPPED | kWCONTINUED | kWNOTHREAD | kWALL | kWCLONE)) return Errno::kEINVAL;
    if (pid == INT32_MIN) return Errno::kESRCH;
    Wanted wanted;
    wanted.options = options | kWEXITED;
    if (pid > 0) {
        wanted.type = kP_PID;
        wanted.number = pid;
    } else if (pid != -1) {
        wanted.type = kP_PGID;
        wanted.number = pid == 0 ? call.process().group : -pid;
    }
    Report report;
    KOS_TRY(int64_t const found, wait_for_child(call, wanted, report));
    if (found == 0) return 0;
    if (uint64_t const address = call.argument(1)) KOS_TRY_STATUS(call.write_user(address, report.wait_status));
    if (uint64_t const address = call.argument(3)) KOS_TRY_STATUS(call.write_user(address, report.usage));
    return found;
}

Result<int64_t> waitid(Call& call) {
    uint32_t const options = call.argument_as<uint32_t>(3);
    if (options & ~(kWNOHANG | kWNOWAIT | kWEXITED | kWSTOPPED | kWCONTINUED | kWNOTHREAD | kWALL | kWCLONE)) {
        return Errno::kEINVAL;
    }
    if (!(options & (kWEXITED | kWSTOPPED | kWCONTINUED))) return Errno::kEINVAL;
    Wanted wanted{call.argument_as<int>(0), call.argument_as<int>(1), options};
    bool dont_wait = false;
    switch (wanted.type) {
        case kP_ALL: break;
        case kP_PID:
            if (wanted.number <= 0) return Errno::kEINVAL;
            break;
        case kP_PGID:
            if (wanted.number < 0) return Errno::kEINVAL;
            if (wanted.number == 0) wanted.number = call.process().group;
            break;
        case kP_PIDFD: {
            if (wanted.number < 0) return Errno::kEINVAL;
            KOS_TRY(Ref<File> const file, call.process().files->get(wanted.number));
            Process* const process = file->as_process();
            if (!process) return Errno::kEBADF;
            wanted.type = kP_PID;
            wanted.number = process->pid;
            dont_wait = file->is_non_blocking();
            break;
        }
        default: return Errno::kEINVAL;
    }
    if (dont_wait) wanted.options |= kWNOHANG;
    Report report;
    KOS_TRY(int64_t const found, wait_for_child(call, wanted, report));
    if (found == 0 && dont_wait && !(options & kWNOHANG)) return Errno::kEAGAIN;
    if (uint64_t const address = call.argument(4); address && found) {
        KOS_TRY_STATUS(call.write_user(address, report.usage));
    }
    if (uint64_t const address = call.argument(2)) {
        SignalInfo info;
        std::byte bytes[kSigInfoBytes] = {};
        if (found) {
            info.signal = kSIGCHLD;
            info.code = report.code;
            info.pid = report.pid;
            info.uid = report.uid;
            info.status = report.status;
            encode_signal_info(info, bytes);
        }
        // As Linux: no more than these fields are written.
        KOS_TRY_STATUS(call.memory().copy_out(address, bytes, 28));
    }
    return 0;
}

}  // namespace kos::lx
