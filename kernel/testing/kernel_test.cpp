// Fixture of the kernel's unit tests; see kernel_test.h.
#include "testing/kernel_test.h"

#include <sanitizer/asan_interface.h>
#include <sel4/abi.h>

#include <cstdlib>
#include <cstring>

#include "arch/asid.h"
#include "arch/page_tables.h"
#include "arch/switch.h"
#include "arch/thread_registers.h"
#include "arch/trap.h"
#include "arch/user_tables.h"
#include "core/cspace.h"
#include "core/derivation.h"
#include "core/entry.h"
#include "core/ipc.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/invariants.h"

namespace keel::testing {

using host::machine;

KernelTest::KernelTest() {
    std::memset(static_cast<void*>(&kernel), 0, sizeof kernel);
    machine = {};
    machine.time = us_to_ticks(1000000);
    for (AsidPool*& pool : asid_pools) pool = &no_asid_pool;
    for (unsigned id = 0; id < kMaxCores; ++id) start_core(kernel.cpus[id], id);
    machine.core = &kernel.cpus[0];
    kernel.domain_schedule[0] = {0, kForever};
    add_root(kernel.irq_slots, kNumIrqs);
    make_root();
}

KernelTest::~KernelTest() {
    for (Block const& block : blocks_) {
        ASAN_UNPOISON_MEMORY_REGION(block.memory, block.size);
        std::free(block.memory);
    }
}

void KernelTest::TearDown() { expect_sound(false); }

void KernelTest::expect_sound(bool at_rest) { EXPECT_EQ(find_violations(inventory(), at_rest), ""); }

void KernelTest::start_core(Cpu& core, unsigned id) {
    core.id = id;
    core.current = &core.idle;
    core.idle.state = ThreadState::kIdle;
    core.idle.core = static_cast<uint16_t>(id);
    core.now = machine.time;
    core.domain_left = kForever;
}

void KernelTest::make_root() {
    root_ = static_cast<Slot*>(allocate_object(kRootRadix + 5));
    insert_root(slot(kRootCNode), Cap::cnode(root_, kRootRadix, kWordBits - kRootRadix, 0));
    add_root(root_, 1u << kRootRadix);
    auto* const pool = static_cast<AsidPool*>(allocate_object(12));
    asid_pools[0] = pool;
    insert_root(slot(kAsidPool), Cap::asid_pool(pool, 0));
    auto* const table = static_cast<PageTable*>(allocate_object(12));
    insert_root(slot(kVSpace), Cap::vspace(table, assign_asid(*pool, 0, *table)));
}

// --- Memory and capabilities
// -------------------------------------------------------------------------------------------
void* KernelTest::allocate(Word size, Word alignment) {
    // aligned_alloc wants a multiple of the alignment.
    void* const memory = std::aligned_alloc(alignment, align_up(size, __builtin_ctzll(alignment)));
    std::memset(memory, 0, size);
    blocks_.push_back({memory, size});
    return memory;
}

void KernelTest::forbid(const void* memory) {
    for (Block const& block : blocks_) {
        if (block.memory == memory) ASAN_POISON_MEMORY_REGION(memory, block.size);
    }
}

CPtr KernelTest::add(const Cap& cap) {
    CPtr const cptr = free_slot();
    insert_root(slot(cptr), cap);
    return cptr;
}

CPtr KernelTest::copy(CPtr source, Rights rights, Word badge) {
    CPtr const cptr = free_slot();
    Cap cap = with_rights(slot(source).cap, rights);
    if (cap.is(CapType::kEndpoint) || cap.is(CapType::kNotification)) cap.data = badge;
    EXPECT_EQ(derive(slot(source), cap), Derivation::kOk);
    insert_derived(slot(source), slot(cptr), cap);
    return cptr;
}

// --- Objects
// -----------------------------------------------------------------------------------------------------------
Made<Endpoint> KernelTest::make_endpoint() {
    auto* const object = static_cast<Endpoint*>(allocate_object(seL4_EndpointBits));
    return {object, add(Cap::endpoint(object, kAllRights, 0))};
}

Made<Notification> KernelTest::make_notification() {
    auto* const object = static_cast<Notification*>(allocate_object(seL4_NotificationBits));
    return {object, add(Cap::notification(object, kAllRights, 0))};
}

Made<Reply> KernelTest::make_reply() {
    auto* const object = static_cast<Reply*>(allocate_object(seL4_ReplyBits));
    return {object, add(Cap::reply(object, true))};
}

Made<Slot> KernelTest::make_cnode(unsigned radix) {
    auto* const slots = static_cast<Slot*>(allocate_object(radix + seL4_SlotBits));
    return {slots, add(Cap::cnode(slots, radix, 0, 0))};
}

CPtr KernelTest::make_untyped(unsigned size_bits, bool dirty, bool device) {
    void* const memory = allocate_object(size_bits);
    if (dirty) std::memset(memory, 0xa5, bit(size_bits));
    return add(Cap::untyped(PhysAddr{reinterpret_cast<Word>(memory)}, size_bits, device));
}

Made<SchedContext> KernelTest::make_empty_context(unsigned size_bits) {
    auto* const object = static_cast<SchedContext*>(allocate_object(size_bits));
    return {object, add(Cap::sched_context(object, size_bits))};
}

Made<SchedContext> KernelTest::make_context(Word budget_us, Word period_us, unsigned max_refills, bool sporadic) {
    Made<SchedContext> const sc = make_empty_context();
    update_time(cpu());
    refill_reset(*sc, us_to_ticks(budget_us), us_to_ticks(period_us), max_refills, cpu().now);
    sc->sporadic = sporadic;
    return sc;
}

Made<Tcb> KernelTest::make_passive(unsigned priority) {
    auto* const tcb = static_cast<Tcb*>(allocate_object(seL4_TCBBits));
    init_thread(*tcb);
    tcb->priority = static_cast<uint8_t>(priority);
    tcb->max_controlled_priority = seL4_MaxPrio;
    insert_derived(slot(kRootCNode), tcb->slots[kSlotCSpace], slot(kRootCNode).cap);
    insert_derived(slot(kVSpace), tcb->slots[kSlotVSpace], slot(kVSpace).cap);
    void* const page = allocate_object(seL4_PageBits);
    insert_root(tcb->slots[kSlotBuffer],
                Cap::frame(PhysAddr{reinterpret_cast<Word>(page)}, FrameSize::k4KiB, false, kAllRights));
    tcb->buffer_address = UserAddr{0x10000000};
    tcb->context.pc = kSvcAddress;
    return {tcb, add(Cap::thread(tcb))};
}

Made<Tcb> KernelTest::make_thread(unsigned priority, Word budget_us, Word period_us) {
    Made<Tcb> const tcb = make_passive(priority);
    bind_thread(*make_context(budget_us, period_us, 8), *tcb);
    tcb->state = ThreadState::kRunning;
    ready_enqueue_last(*tcb);
    reschedule(cpu());
    return tcb;
}

seL4_IPCBuffer_& KernelTest::buffer(const Tcb& tcb) { return *ipc_buffer(tcb, true); }

// --- Running
// -----------------------------------------------------------------------------------------------------------
void KernelTest::run(Tcb& tcb) {
    Cpu& core = *machine.core;
    reschedule(core);  // a candidate goes into its queue
    core.action = SchedulerAction::kResume;
    if (core.current == &tcb) return;
    update_time(core);
    commit_time(core);
    if (core.current != &core.idle && is_schedulable(*core.current)) ready_enqueue_first(*core.current);
    ready_dequeue(tcb);
    switch_context(core, *core.current, tcb);
    core.current = &tcb;
    core.current_sc = tcb.sched_context;
    activate(tcb);
}

void KernelTest::pass(Word us) { machine.time += us_to_ticks(us); }

void KernelTest::tick() {
    Cpu& core = *machine.core;
    Tcb& tcb = *core.current;
    if (&tcb != &core.idle) tcb.context.fault_pc = tcb.context.pc;
    on_interrupt(core);
    schedule(core);
}

void KernelTest::enter_syscall() {
    Cpu& core = *machine.core;
    Tcb& tcb = *core.current;
    tcb.context.fault_pc = kSvcAddress;
    tcb.context.pc = kSvcAddress + 4;
    auto const number = static_cast<int64_t>(tcb.context.syscall_number());
    if (use_fast_paths_ && number == seL4_SysCall) {
        keel_fastpath_call(&core, &tcb);
    } else if (use_fast_paths_ && number == seL4_SysReplyRecv) {
        keel_fastpath_reply_recv(&core, &tcb);
    } else {
        on_syscall(core, tcb);
        schedule(core);
    }
}

void KernelTest::syscall(int64_t number, CPtr address, const Message& message, CPtr reply, CPtr destination) {
    Tcb& tcb = *machine.core->current;
    UserContext& context = tcb.context;
    context.x[0] = address;
    context.x[1] = MessageTag::make(message.label, 0, message.caps.size(), message.words.size()).word;
    seL4_IPCBuffer* const memory = ipc_buffer(tcb, true);
    for (unsigned i = 0; i < message.words.size(); ++i) {
        if (i < kRegisterMessageWords)
            context.x[2 + i] = message.words[i];
        else if (memory)
            memory->msg[i] = message.words[i];
    }
    for (unsigned i = 0; memory && i < message.caps.size(); ++i) memory->caps_or_badges[i] = message.caps[i];
    context.x[6] = reply;
    context.x[7] = static_cast<Word>(number);
    context.x[8] = destination;
    if (number == seL4_SysNBSendWait) context.x[6] = destination;
    enter_syscall();
}

void KernelTest::syscall_as(Tcb& tcb, int64_t number, CPtr address, const Message& message, CPtr reply,
                            CPtr destination) {
    run(tcb);
    syscall(number, address, message, reply, destination);
}

void KernelTest::finish_syscall(unsigned limit) {
    for (unsigned i = 0; i < limit; ++i) {
        Tcb& tcb = *machine.core->current;
        if (&tcb == &machine.core->idle || tcb.context.pc != kSvcAddress) return;
        enter_syscall();
    }
    FAIL() << "a system call is preempted again and again";
}

// --- Results
// -----------------------------------------------------------------------------------------------------------
namespace {
Word tag_of(const Tcb& tcb) { return tcb.context.x[1]; }
}  // namespace

Word KernelTest::label_of(const Tcb& tcb) { return tag_of(tcb) >> seL4_MessageInfo_LabelShift; }
unsigned KernelTest::length_of(const Tcb& tcb) { return tag_of(tcb) & seL4_MessageInfo_LengthMask; }
unsigned KernelTest::caps_of(const Tcb& tcb) {
    return tag_of(tcb) >> seL4_MessageInfo_ExtraCapsShift & seL4_MessageInfo_ExtraCapsMask;
}
unsigned KernelTest::unwrapped_of(const Tcb& tcb) {
    return tag_of(tcb) >> seL4_MessageInfo_CapsUnwrappedShift & seL4_MessageInfo_CapsUnwrappedMask;
}
Word KernelTest::badge_of(const Tcb& tcb) { return tcb.context.x[0]; }

std::vector<Word> KernelTest::words_of(const Tcb& tcb) {
    std::vector<Word> words;
    seL4_IPCBuffer const* const memory = ipc_buffer(tcb, false);
    for (unsigned i = 0; i < length_of(tcb); ++i)
        words.push_back(i < kRegisterMessageWords ? tcb.context.x[2 + i] : memory->msg[i]);
    return words;
}

}  // namespace keel::testing
