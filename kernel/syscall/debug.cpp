// The system calls of debug kernels: printing, looking at capabilities, naming threads. Not in release builds.
#include "syscall/debug.h"

#include "arch/console.h"
#include "core/cspace.h"
#include "core/ipc.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

// Type numbers that CapIdentify answers.
Word identify(const Cap& cap) {
    switch (cap.type()) {
        case CapType::kNull: return 0;
        case CapType::kFrame: return 1;
        case CapType::kUntyped: return 2;
        case CapType::kPageTable: return 3;
        case CapType::kEndpoint: return 4;
        case CapType::kNotification: return 6;
        case CapType::kReply: return 8;
        case CapType::kVSpace: return 9;
        case CapType::kCNode: return 10;
        case CapType::kAsidControl: return 11;
        case CapType::kThread: return 12;
        case CapType::kAsidPool: return 13;
        case CapType::kIrqControl: return 14;
        case CapType::kIrqHandler: return 16;
        case CapType::kZombie: return 18;
        case CapType::kDomainControl: return 20;
        case CapType::kSchedContext: return 22;
        case CapType::kSchedControl: return 24;
        case CapType::kSmc: return 25;
        case CapType::kSgiSignal: return 27;
    }
    return 0;
}

const char* state_name(ThreadState state) {
    switch (state) {
        case ThreadState::kInactive: return "inactive";
        case ThreadState::kRunning: return "running";
        case ThreadState::kRestart: return "restart";
        case ThreadState::kBlockedOnReceive: return "blocked on receive";
        case ThreadState::kBlockedOnSend: return "blocked on send";
        case ThreadState::kBlockedOnReply: return "blocked on reply";
        case ThreadState::kBlockedOnNotification: return "blocked on notification";
        case ThreadState::kIdle: return "idle";
    }
    return "?";
}

void dump_scheduler() {
    print("Threads (name, state, pc, priority, core):\n");
    for (Tcb* tcb = kernel.debug_threads; tcb; tcb = tcb->debug_next)
        print(tcb->name[0] ? tcb->name : "(unnamed)", "  ", state_name(tcb->state), "  ", Hex{tcb->context.pc}, "  ",
              Hex{tcb->priority}, "  ", Hex{tcb->core}, "\n");
}

// The name is a C string in the caller's IPC buffer, behind the tag.
bool name_thread(Tcb& caller) {
    SlotLookup const found = lookup_slot(caller, caller.context.cap_or_badge());
    IpcBuffer const* const buffer = ipc_buffer(caller, false);
    if (!found.slot || !found.slot->cap.is(CapType::kThread) || !buffer) return false;
    Tcb& tcb = *found.slot->cap.thread();
    auto const* const text = reinterpret_cast<const char*>(&buffer->msg[0]);
    unsigned n = 0;
    while (n + 1 < sizeof(tcb.name) && text[n]) {
        tcb.name[n] = text[n];
        ++n;
    }
    tcb.name[n] = 0;
    return true;
}

}  // namespace

bool debug_syscall(Cpu&, Tcb& tcb, int64_t number) {
    if constexpr (!kDebugBuild) return false;
    switch (number) {
        case seL4_SysDebugPutChar: console_put(static_cast<char>(tcb.context.cap_or_badge())); return true;
        case seL4_SysDebugDumpScheduler: dump_scheduler(); return true;
        case seL4_SysDebugHalt: print("halted by a thread\n"); halt_machine();
        case seL4_SysDebugSnapshot: print("snapshot: not available on this architecture\n"); return true;
        case seL4_SysDebugCapIdentify: {
            SlotLookup const found = lookup_slot(tcb, tcb.context.cap_or_badge());
            tcb.context.cap_or_badge() = found.slot ? identify(found.slot->cap) : 0;
            return true;
        }
        case seL4_SysDebugNameThread:
            // A wrong argument is a bug of the caller's that a debug kernel points out by stopping.
            if (!name_thread(tcb)) {
                print("debug: name of a thread: no thread, or no IPC buffer\n");
            }
            return true;
        case seL4_SysDebugGetThreadAffinity: {
            if (!kSmp) return false;
            SlotLookup const found = lookup_slot(tcb, tcb.context.cap_or_badge());
            bool const is_thread = found.slot && found.slot->cap.is(CapType::kThread);
            tcb.context.cap_or_badge() = is_thread ? found.slot->cap.thread()->core : ~Word{0};
            return true;
        }
        default: return false;
    }
}

}  // namespace keel
