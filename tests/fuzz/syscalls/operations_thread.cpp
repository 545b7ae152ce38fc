// TCBs, scheduling contexts, domains.
//
// Operations named self_* work on the driver's own TCB. Whatever stops the driver is noticed by the supervisor, which
// makes it anew; what would let it run on with a foreign program counter, thread register or message buffer is not
// among them.
#include "operations.h"

namespace fuzz {

namespace {

Word thread_slot(Composer& c) {
    return c.random.percent(90) ? kSlotThread + c.random.below(kWorkers) : c.mostly(Kind::kThread);
}

CPtr thread(Composer& c) { return c.random.percent(97) ? c.address(thread_slot(c)) : c.garbage(); }

CPtr thread_vspace(Composer& c) {
    return c.random.percent(75) && !c.by_worker() ? c.gate(kGateWorkerVspace) : c.vspace();
}

// Authority over priorities: the driver's TCB may set any priority, others what their MCP allows.
CPtr authority(Composer& c) {
    return c.random.percent(60) && !c.by_worker() ? c.gate(kGateDriver) : c.cap(Kind::kThread);
}

CPtr fault_endpoint(Composer& c) {
    Word choice = c.random.below(100);
    if (choice < 50 && !c.by_worker()) {
        return c.gate(kGateFaults);
    }
    return choice < 90 ? c.cap(Kind::kEndpoint) : 0;
}

// A CSpace root and its guard: mostly one in which slots have names that workers know.
struct Cspace {
    CPtr root;
    Word data;
    Space space;
};

Cspace cspace(Composer& c) {
    Random& random = c.random;
    Word choice = random.below(100);
    if (choice < 55) {
        return {c.by_worker() ? c.address(kSlotWorldPlain) : root_cap(kRootWorldPlain),
                guard_data(kDirectGuard, kDirectGuardBits), Space::kWorkerDirect};
    }
    if (choice < 85) {
        return {c.by_worker() ? c.address(kSlotDetour) : root_cap(kRootDetour),
                guard_data(kNestedGuard, kNestedGuardBits), Space::kWorkerNested};
    }
    Word data = random.percent(50) ? 0 : guard_data(random.below(256), random.below(64));
    return {c.cnode(), data, Space::kWorkerDirect};
}

void space_effect(Composer& c, Word slot, const Cspace& cspace) {
    c.effect() = {Effect::Type::kSpace, slot - kSlotThread, 0, 0, 1, Kind::kThread, static_cast<Word>(cspace.space)};
}

Word resume(Random& random) { return random.below(2); }

void tcb_read_registers(Composer& c) {
    c.invoke(thread(c), seL4_TCBReadRegisters);
    c.word(c.random.percent(90) ? 0 : c.random.below(4));
    c.word(c.random.percent(80) ? Word{seL4_UserContext_Words} : c.random.below(40));
}

// Garbage for registers; programs are the business of programs.h.
void tcb_write_registers(Composer& c) {
    Word count = c.random.percent(70) ? c.random.between(1, seL4_UserContext_Words) : c.random.below(48);
    c.invoke(thread(c), seL4_TCBWriteRegisters);
    c.word(resume(c.random));
    c.word(count);
    c.word(program_address(static_cast<Program>(c.random.below(static_cast<Word>(Program::kCount)))));
    for (Word i = 1; i < count; ++i) {
        c.word(c.random.percent(30) ? c.user_address(AddressUse::kPage) : c.random.data());
    }
}

void tcb_copy_registers(Composer& c) {
    c.invoke(thread(c), seL4_TCBCopyRegisters);
    c.word(c.random.below(c.random.percent(90) ? 16 : 1024));
    c.extra(thread(c));
}

void tcb_configure(Composer& c) {
    Word worker = c.random.below(kWorkers);
    Word slot = thread_slot(c);
    bool world_frame = c.random.percent(30);
    Cspace root = cspace(c);
    c.invoke(c.address(slot), seL4_TCBConfigure);
    c.word(root.data);
    c.word(c.random.percent(90) ? 0 : c.random.data());
    c.word(world_frame ? c.user_address(AddressUse::kPage) + c.random.below(5) * 1024 : buffer_address(worker));
    c.extra(root.root);
    c.extra(thread_vspace(c));
    c.extra(world_frame ? c.cap(Kind::kFrame) : c.gate(kGateBuffers + worker));
    space_effect(c, slot, root);
}

void tcb_set_priority(Composer& c) {
    c.invoke(thread(c), seL4_TCBSetPriority);
    c.word(c.priority());
    c.extra(authority(c));
}

void tcb_set_mc_priority(Composer& c) {
    c.invoke(thread(c), seL4_TCBSetMCPriority);
    c.word(c.random.percent(50) ? Word{seL4_MaxPrio} : c.priority());
    c.extra(authority(c));
}

void tcb_set_sched_params(Composer& c) {
    c.invoke(thread(c), seL4_TCBSetSchedParams);
    c.word(c.random.percent(60) ? Word{seL4_MaxPrio} : c.priority());
    c.word(c.priority());
    c.extra(authority(c));
    c.extra(c.random.percent(80) ? c.cap(Kind::kSchedContext) : 0);
    c.extra(fault_endpoint(c));
}

void tcb_set_timeout_endpoint(Composer& c) {
    c.invoke(thread(c), seL4_TCBSetTimeoutEndpoint);
    c.extra(fault_endpoint(c));
}

void tcb_set_ipc_buffer(Composer& c) {
    Word worker = c.random.below(kWorkers);
    bool world_frame = c.random.percent(50);
    c.invoke(thread(c), seL4_TCBSetIPCBuffer);
    c.word(world_frame ? c.user_address(AddressUse::kPage) + c.random.below(5) * 1024
                       : buffer_address(worker) + (c.random.percent(90) ? 0 : c.random.below(4096)));
    c.extra(world_frame ? c.cap(Kind::kFrame) : c.gate(kGateBuffers + worker));
}

void tcb_set_space(Composer& c) {
    Word slot = thread_slot(c);
    Cspace root = cspace(c);
    c.invoke(c.address(slot), seL4_TCBSetSpace);
    c.word(root.data);
    c.word(c.random.percent(90) ? 0 : c.random.data());
    c.extra(fault_endpoint(c));
    c.extra(root.root);
    c.extra(thread_vspace(c));
    space_effect(c, slot, root);
}

void tcb_suspend(Composer& c) { c.invoke(thread(c), seL4_TCBSuspend); }
void tcb_resume(Composer& c) { c.invoke(thread(c), seL4_TCBResume); }

void tcb_bind_notification(Composer& c) {
    c.invoke(thread(c), seL4_TCBBindNotification);
    c.extra(c.cap(Kind::kNotification));
}

void tcb_unbind_notification(Composer& c) { c.invoke(thread(c), seL4_TCBUnbindNotification); }

void tcb_set_tls_base(Composer& c) {
    c.invoke(thread(c), seL4_TCBSetTLSBase);
    c.word(c.random.data());
}

void tcb_set_flags(Composer& c) {
    c.invoke(thread(c), seL4_TCBSetFlags);
    c.word(c.random.percent(90) ? c.random.below(2) : c.random.data());
    c.word(c.random.percent(90) ? c.random.below(2) : c.random.data());
}

// --- The driver's own TCB

void self(Composer& c, Word label) { c.invoke(c.gate(kGateDriver), label); }

void self_registers(Composer& c) {
    // Both are refused: a thread cannot read or write the registers with which it makes the call.
    if (c.random.percent(50)) {
        self(c, seL4_TCBReadRegisters);
        c.word(0);
        c.word(c.random.below(40));
    } else {
        self(c, seL4_TCBWriteRegisters);
        c.word(resume(c.random));
        c.word(2);
        c.word(c.random.data());
        c.word(c.random.data());
    }
}

void self_priority(Composer& c) {
    self(c, seL4_TCBSetPriority);
    c.word(c.random.percent(95) ? c.random.between(50, 200) : c.random.below(4));
    c.extra(authority(c));
}

void self_sched_params(Composer& c) {
    self(c, seL4_TCBSetSchedParams);
    c.word(c.random.percent(70) ? Word{seL4_MaxPrio} : c.priority());
    c.word(c.random.between(50, 200));
    c.extra(authority(c));
    c.extra(c.cap(Kind::kSchedContext));
    c.extra(c.gate(kGateDriverFaults));
}

void self_suspend(Composer& c) { self(c, seL4_TCBSuspend); }
void self_resume(Composer& c) { self(c, seL4_TCBResume); }

void self_bind_notification(Composer& c) {
    self(c, seL4_TCBBindNotification);
    c.extra(c.cap(Kind::kNotification));
}

void self_unbind_notification(Composer& c) { self(c, seL4_TCBUnbindNotification); }

void self_space(Composer& c) {
    Cspace root = cspace(c);
    self(c, seL4_TCBSetSpace);
    c.word(root.data);
    c.word(0);
    c.extra(c.gate(kGateDriverFaults));
    c.extra(root.root);
    c.extra(c.gate(kGateRootVspace));
}

// --- Scheduling contexts

// Budgets are refused, or long enough never to end: what happens at the end of a budget depends on time.
void sched_control_configure(Composer& c) {
    static constexpr Word kRefused[] = {0, 1, 19, kBudgetUs * 1000, ~Word{0}};
    Random& random = c.random;
    Word budget = kBudgetUs - random.below(1000);
    Word period = random.percent(60) ? budget : budget + random.below(100'000'000);
    Word choice = random.below(100);
    if (choice < 4) {
        budget = random.pick(kRefused);
    } else if (choice < 8) {
        period = random.pick(kRefused);
    } else if (choice < 10) {
        period = budget - 1;
    }
    bool other_core = c.cores() > 1 && random.percent(50);
    c.invoke(c.gate(other_core ? kGateOtherSchedControl : kGateSchedControl), seL4_SchedControlConfigureFlags);
    c.word(budget);
    c.word(period);
    c.word(random.percent(90) ? random.below(10) : random.data());
    c.word(random.data());
    c.word(random.percent(90) ? random.below(2) : random.data());
    c.extra(c.cap(Kind::kSchedContext));
    if (random.percent(5)) {
        Request& request = c.request();
        request.length = random.below(request.length + 1);
    }
}

// A scheduling context and an object that it may be bound to: mostly those that a new world binds.
struct Binding {
    CPtr sched_context;
    CPtr object;
};

Binding binding(Composer& c) {
    Word worker = c.random.below(kWorkers);
    if (c.random.percent(60)) {
        return {c.address(kSlotSchedContext + worker), c.address(kSlotThread + worker)};
    }
    return {c.cap(Kind::kSchedContext), c.random.percent(60) ? thread(c) : c.cap(Kind::kNotification)};
}

void sched_context_bind(Composer& c) {
    Binding pair = binding(c);
    c.invoke(pair.sched_context, seL4_SchedContextBind);
    c.extra(pair.object);
}

void sched_context_unbind(Composer& c) { c.invoke(c.cap(Kind::kSchedContext), seL4_SchedContextUnbind); }

void sched_context_unbind_object(Composer& c) {
    Binding pair = binding(c);
    c.invoke(pair.sched_context, seL4_SchedContextUnbindObject);
    c.extra(pair.object);
}

void sched_context_consumed(Composer& c) { c.invoke(c.cap(Kind::kSchedContext), seL4_SchedContextConsumed); }

void sched_context_yield_to(Composer& c) { c.invoke(c.cap(Kind::kSchedContext), seL4_SchedContextYieldTo); }

// --- Domains. Only domain 0 is ever in the schedule: a thread that leaves it does not run any more.

void domain_set(Composer& c) {
    c.invoke(c.gate(kGateDomain), seL4_DomainSetSet);
    c.word(c.random.percent(80) ? 0 : c.random.percent(80) ? c.random.below(20) : c.random.data());
    c.extra(thread(c));
}

void domain_schedule_configure(Composer& c) {
    static constexpr Word kDurations[] = {0, 1ul << 50, (1ul << 56) - 1, 1ul << 56, ~Word{0}};
    c.invoke(c.gate(kGateDomain), seL4_DomainScheduleConfigure);
    c.word(c.random.percent(95) ? c.random.between(2, 105) : c.random.data() | Word{1} << 32);
    c.word(c.random.percent(80) ? 0 : c.random.between(SEL4_NUM_DOMAINS, 300));
    c.word(c.random.pick(kDurations));
}

void domain_schedule_set_start(Composer& c) {
    c.invoke(c.gate(kGateDomain), seL4_DomainScheduleSetStart);
    c.word(c.random.percent(50) ? c.random.below(105) : c.random.percent(60) ? 0 : c.random.data());
}

constexpr Operation kOperations[] = {
    {"tcb_read_registers", 8, true, true, tcb_read_registers},
    {"tcb_write_registers", 8, true, true, tcb_write_registers},
    {"tcb_copy_registers", 8, true, true, tcb_copy_registers},
    {"tcb_configure", 8, true, true, tcb_configure},
    {"tcb_set_priority", 12, true, true, tcb_set_priority},
    {"tcb_set_mc_priority", 6, true, true, tcb_set_mc_priority},
    {"tcb_set_sched_params", 10, true, true, tcb_set_sched_params},
    {"tcb_set_timeout_endpoint", 5, true, true, tcb_set_timeout_endpoint},
    {"tcb_set_ipc_buffer", 8, true, true, tcb_set_ipc_buffer},
    {"tcb_set_space", 8, true, true, tcb_set_space},
    {"tcb_suspend", 6, true, true, tcb_suspend},
    {"tcb_resume", 10, true, true, tcb_resume},
    {"tcb_bind_notification", 8, true, true, tcb_bind_notification},
    {"tcb_unbind_notification", 6, true, true, tcb_unbind_notification},
    {"tcb_set_tls_base", 4, true, true, tcb_set_tls_base},
    {"tcb_set_flags", 6, true, true, tcb_set_flags},
    {"self_registers", 2, false, false, self_registers, true},
    {"self_priority", 4, false, false, self_priority},
    {"self_sched_params", 1, false, false, self_sched_params, true},
    {"self_suspend", 1, false, false, self_suspend, true},
    {"self_resume", 2, false, false, self_resume},
    {"self_bind_notification", 3, false, false, self_bind_notification},
    {"self_unbind_notification", 2, false, false, self_unbind_notification},
    {"self_space", 1, false, false, self_space},
    {"sched_control_configure", 14, false, false, sched_control_configure},
    {"sched_context_bind", 14, true, true, sched_context_bind},
    {"sched_context_unbind", 5, true, true, sched_context_unbind},
    {"sched_context_unbind_object", 5, true, true, sched_context_unbind_object},
    {"sched_context_consumed", 4, false, true, sched_context_consumed},
    {"sched_context_yield_to", 6, false, true, sched_context_yield_to},
    {"domain_set", 3, false, false, domain_set},
    {"domain_schedule_configure", 4, false, false, domain_schedule_configure},
    {"domain_schedule_set_start", 3, false, false, domain_schedule_set_start},
};

}  // namespace

OperationTable thread_operations() { return {kOperations, sizeof(kOperations) / sizeof(kOperations[0])}; }

}  // namespace fuzz
