// Surroundings, worlds and threads (setup.h).
#include "setup.h"

#include <kos/roottask/console.h>

#include "driver.h"

extern "C" char fuzz_worker_code[];

namespace fuzz {

using namespace kos::sel4;
using namespace kos::roottask;

namespace {

constexpr Word kWorldMemoryBits = 19;
constexpr Word kLargeMemoryBits = 21;  // one large frame
constexpr Word kDriverMemoryBits = 12;
constexpr Word kDeviceMemoryBits = 16;
// Inside the window of the PCIe host bridge, which has no devices: reads give ones, writes are ignored.
constexpr Word kDeviceAddress = 0x10000000;
constexpr Word kLargeFrameWorldPercent = 10;

struct alignas(4096) Page {
    unsigned char bytes[kPageBytes];
};

constinit Page buffers[kWorkers] = {};
constinit Page driver_buffer = {};
struct alignas(16) Stack {
    unsigned char bytes[65536];
};
constinit Stack driver_stack = {};

void clear(Page& page) {
    auto* words = reinterpret_cast<Word*>(page.bytes);
    for (Word i = 0; i < kPageBytes / sizeof(Word); ++i) {
        words[i] = 0;
    }
}

void clear_buffers() {
    for (Page& page : buffers) {
        clear(page);
    }
    clear(driver_buffer);
}

}  // namespace

seL4_IPCBuffer& worker_buffer(Word worker) { return *reinterpret_cast<seL4_IPCBuffer*>(buffers[worker].bytes); }

void require(bool holds, const char* file, int line) {
    if (!holds) {
        Text<256> record;
        format(record, R"({{"test":"syscalls","result":"fail","detail":"set-up fails at {}:{}, step {}"})", file, line,
               run().step);
        put_record(record.text());
        put_record(R"({"verdict":"fail","passed":0,"failed":1,"skipped":0})");
        fatal("set-up fails", file, line);
    }
}

void require(const Result& result, const char* file, int line) {
    if (!result.ok()) {
        print("error {}\n", result.error);
    }
    require(result.ok(), file, line);
}

// --- Once

void Setup::create_surroundings(RootTask& root) {
    ObjectAllocator& allocator = root.allocator;
    sched_control_ = root.boot_info->schedcontrol.start;
    cores_ = root.boot_info->numNodes;
    run().world.set_cores(cores_);
    set_own_scheduling();
    // Biggest first, so that each is aligned without a gap.
    large_memory_ = allocator.make(seL4_UntypedObject, kLargeMemoryBits);
    world_memory_ = allocator.make(seL4_UntypedObject, kWorldMemoryBits);
    driver_memory_ = allocator.make(seL4_UntypedObject, kDriverMemoryBits);
    faults_ = allocator.make(seL4_EndpointObject);
    control_ = allocator.make(seL4_NotificationObject);
    reply_ = allocator.make(seL4_ReplyObject);
    driver_faults_ = allocator.mint(faults_, kDriverBadge);
    worker_faults_ = allocator.next_slot();
    for (Word worker = 0; worker < kWorkers; ++worker) {
        allocator.mint(faults_, kWorkerBadge + worker);
    }
    driver_tcb_ = allocator.slot();
    driver_sched_context_ = allocator.slot();
    world_cnode_ = allocator.slot();
    detour_cnode_ = allocator.slot();
    stage_ = allocator.slots(kWorldSlots);
    FUZZ_REQUIRE(world_memory_ != kNullCap && large_memory_ != kNullCap && stage_ != kNullCap);
    take_device_memory(root);
    create_worker_vspace(allocator);
    create_gate(root);
}

void Setup::set_own_scheduling() {
    FUZZ_REQUIRE(sched_control_configure(sched_control_, seL4_CapInitThreadSC,
                                         {.budget_us = kBudgetUs, .period_us = kBudgetUs}));
    FUZZ_REQUIRE(tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, kSupervisorPriority));
}

void Setup::take_device_memory(RootTask& root) {
    const seL4_BootInfo& info = *root.boot_info;
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        const seL4_UntypedDesc& untyped = info.untypedList[i];
        if (untyped.isDevice != 0 && untyped.paddr == kDeviceAddress) {
            device_memory_ = info.untyped.start + i;
        }
    }
    FUZZ_REQUIRE(device_memory_ != kNullCap);
}

void Setup::create_worker_vspace(ObjectAllocator& allocator) {
    worker_vspace_ = allocator.make(seL4_ARM_VSpaceObject);
    FUZZ_REQUIRE(asid_pool_assign(seL4_CapInitThreadASIDPool, worker_vspace_));
    code_frame_ = allocator.copy(image_frame(fuzz_worker_code));
    FUZZ_REQUIRE(map_page(allocator, worker_vspace_, code_frame_, kCodeAddress, seL4_CanRead));
    for (Word worker = 0; worker < kWorkers; ++worker) {
        buffer_frames_[worker] = allocator.copy(image_frame(&buffers[worker]));
        FUZZ_REQUIRE(map_page(allocator, worker_vspace_, buffer_frames_[worker], buffer_address(worker)));
    }
    restore_worker_vspace();
}

// Operations may have mapped something else in place of these pages, and unmapped it.
void Setup::restore_worker_vspace() {
    FUZZ_REQUIRE(page_map(code_frame_, worker_vspace_, kCodeAddress, seL4_CanRead));
    for (Word worker = 0; worker < kWorkers; ++worker) {
        FUZZ_REQUIRE(page_map(buffer_frames_[worker], worker_vspace_, buffer_address(worker), seL4_ReadWrite,
                              seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever));
    }
}

void Setup::create_gate(RootTask& root) {
    ObjectAllocator& allocator = root.allocator;
    gate_ = allocator.make(seL4_CapTableObject, kGateRadix);
    roots_ = allocator.make(seL4_CapTableObject, kRootsRadix);
    FUZZ_REQUIRE(
        cnode_mint(gate_slot(kGateRoots), root_slot(roots_), seL4_AllRights, guard_data(kRootsGuard, kRootsGuardBits)));
    struct {
        Word index;
        CPtr cap;
    } const copies[] = {
        {kGateSchedControl, sched_control_},
        {kGateOtherSchedControl, sched_control_ + cores_ - 1},
        {kGateAsidControl, seL4_CapASIDControl},
        {kGateDomain, seL4_CapDomain},
        {kGateRootVspace, seL4_CapInitThreadVSpace},
        {kGateWorkerVspace, worker_vspace_},
        {kGateAsidPool, seL4_CapInitThreadASIDPool},
        {kGateControl, control_},
        {kGateCodeFrame, image_frame(fuzz_worker_code)},
    };
    for (const auto& copy : copies) {
        FUZZ_REQUIRE(cnode_copy(gate_slot(copy.index), root_slot(copy.cap)));
    }
    for (Word worker = 0; worker < kWorkers; ++worker) {
        FUZZ_REQUIRE(cnode_copy(gate_slot(kGateBuffers + worker), root_slot(image_frame(&buffers[worker]))));
    }
    // There is only one capability for all interrupts: it cannot be copied.
    FUZZ_REQUIRE(cnode_move(gate_slot(kGateIrqControl), root_slot(seL4_CapIRQControl)));
    // Without the right to receive: nobody takes messages from the supervisor.
    FUZZ_REQUIRE(
        cnode_mint(gate_slot(kGateFaults), root_slot(faults_), seL4_CanWrite | seL4_CanGrant, kAnyWorkerBadge));
    FUZZ_REQUIRE(
        cnode_mint(gate_slot(kGateDriverFaults), root_slot(faults_), seL4_CanWrite | seL4_CanGrant, kDriverBadge));
}

// --- Worlds

void Setup::stage(Word type, Word size_bits, Word slot, Word count) {
    FUZZ_REQUIRE(untyped_retype(world_memory_, type, size_bits,
                                RetypeWindow{seL4_CapInitThreadCNode, 0, 0, staged(slot), count}));
    for (Word i = slot; i < slot + count; ++i) {
        staged_[i] = true;
    }
}

void Setup::end_world() {
    FUZZ_REQUIRE(cnode_revoke(root_slot(world_memory_)));
    FUZZ_REQUIRE(cnode_revoke(root_slot(large_memory_)));
    FUZZ_REQUIRE(cnode_revoke(root_slot(device_memory_)));
    FUZZ_REQUIRE(domain_schedule_set_start(seL4_CapDomain, 0));
    set_own_scheduling();
    restore_worker_vspace();
    clear_buffers();
    run().world.clear();
}

void Setup::make_cnodes() {
    FUZZ_REQUIRE(untyped_retype(world_memory_, seL4_CapTableObject, kWorldRadix,
                                RetypeWindow{seL4_CapInitThreadCNode, 0, 0, world_cnode_, 1}));
    FUZZ_REQUIRE(untyped_retype(world_memory_, seL4_CapTableObject, kDetourRadix,
                                RetypeWindow{seL4_CapInitThreadCNode, 0, 0, detour_cnode_, 1}));
    stage(seL4_CapTableObject, 4, kSlotSmallCnode, 1);
    const SlotPath world = root_slot(world_cnode_);
    const SlotPath detour = root_slot(detour_cnode_);
    const Word world_guard = guard_data(kWorldGuard, kWorldGuardBits);
    const Word detour_guard = guard_data(kDetourGuard, kDetourGuardBits);
    struct {
        SlotPath to;
        SlotPath from;
        Word guard;
    } const mints[] = {
        {gate_slot(kGateWorld), world, world_guard},
        {gate_slot(kGateDetour), detour, detour_guard},
        {{detour_cnode_, kDetourIndex, kDetourRadix}, world, guard_data(kInnerGuard, kInnerGuardBits)},
        {{roots_, kRootWorldPlain, kRootsRadix}, world, 0},
        {{roots_, kRootWorldGuarded, kRootsRadix}, world, world_guard},
        {{roots_, kRootDetour, kRootsRadix}, detour, detour_guard},
        {{roots_, kRootSmall, kRootsRadix}, root_slot(staged(kSlotSmallCnode)), 0},
        {world_slot(kSlotWorldPlain), world, 0},
        {world_slot(kSlotWorldGuarded), world, world_guard},
        {world_slot(kSlotDetour), detour, detour_guard},
    };
    for (const auto& mint : mints) {
        FUZZ_REQUIRE(cnode_mint(mint.to, mint.from, seL4_AllRights, mint.guard));
    }
    run().world.fill(kSlotSmallCnode, kSlotDetour + 1 - kSlotSmallCnode, Kind::kCnode, World::kNoParent);
}

void Setup::make_objects(Random& random) {
    static constexpr Word kUntypedBits[] = {17, 16, 15, 13, 12};
    struct {
        Word type;
        Word size_bits;
        Word slot;
        Word count;
        Kind kind;
    } const objects[] = {
        {seL4_ARM_SmallPageObject, 0, kSlotFrame, kFrames, Kind::kFrame},
        {seL4_ARM_PageTableObject, 0, kSlotPageTable, kPageTables, Kind::kPageTable},
        {seL4_ARM_VSpaceObject, 0, kSlotVspace, kVspaces, Kind::kVspace},
        {seL4_TCBObject, 0, kSlotThread, kThreads, Kind::kThread},
        {seL4_SchedContextObject, 8, kSlotSchedContext, kWorkers, Kind::kSchedContext},
        {seL4_SchedContextObject, 7, kSlotSpareSchedContext, kSpareSchedContexts, Kind::kSchedContext},
        {seL4_NotificationObject, 0, kSlotNotification, kNotifications, Kind::kNotification},
        {seL4_ReplyObject, 0, kSlotReply, kReplies, Kind::kReply},
        {seL4_EndpointObject, 0, kSlotEndpoint, kEndpoints, Kind::kEndpoint},
    };
    World& world = run().world;
    Word slot = kSlotUntyped;
    for (Word bits : kUntypedBits) {
        stage(seL4_UntypedObject, bits, slot, 1);
        world.fill(slot, 1, Kind::kUntyped, World::kNoParent);
        world.set_note(slot++, bits);
    }
    for (const auto& object : objects) {
        stage(object.type, object.size_bits, object.slot, object.count);
        world.fill(object.slot, object.count, object.kind, World::kNoParent);
    }
    if (random.percent(kLargeFrameWorldPercent)) {
        FUZZ_REQUIRE(untyped_retype(large_memory_, seL4_ARM_LargePageObject, 0,
                                    RetypeWindow{seL4_CapInitThreadCNode, 0, 0, staged(kSlotLargeFrame), 1}));
        staged_[kSlotLargeFrame] = true;
        world.fill(kSlotLargeFrame, 1, Kind::kFrame, World::kNoParent);
    }
    FUZZ_REQUIRE(untyped_retype(device_memory_, seL4_UntypedObject, kDeviceMemoryBits,
                                RetypeWindow{gate_, 0, 0, kGateDevice, 1}));
    Result where = page_get_address(staged(kSlotFrame));
    FUZZ_REQUIRE(where);
    run().world_bytes = Word{1} << kWorldMemoryBits;
    run().world_physical_base = where.word(0) & ~(run().world_bytes - 1);
}

void Setup::make_badged(Random& random) {
    World& world = run().world;
    for (Word i = 0; i < kSlotNotification - kSlotBadgedEndpoint; ++i) {
        Word rights = random.percent(60) ? Word{seL4_AllRights} : random.below(16);
        FUZZ_REQUIRE(cnode_mint(world_slot(kSlotBadgedEndpoint + i), root_slot(staged(kSlotEndpoint + i % kEndpoints)),
                                rights, 0x10 + i));
        world.fill(kSlotBadgedEndpoint + i, 1, Kind::kEndpoint, kSlotEndpoint + i % kEndpoints);
    }
    for (Word i = 0; i < 6; ++i) {
        FUZZ_REQUIRE(cnode_mint(world_slot(kSlotBadgedNotification + i),
                                root_slot(staged(kSlotNotification + i % kNotifications)), seL4_AllRights,
                                Word{1} << i));
        world.fill(kSlotBadgedNotification + i, 1, Kind::kNotification, kSlotNotification + i % kNotifications);
    }
}

// The second of the world's address spaces has the code of the workers, too.
void Setup::make_world_vspace() {
    FUZZ_REQUIRE(asid_pool_assign(seL4_CapInitThreadASIDPool, staged(kSlotVspace)));
    FUZZ_REQUIRE(asid_pool_assign(seL4_CapInitThreadASIDPool, staged(kSlotVspace + 1)));
    for (Word level = 0; level < 3; ++level) {
        FUZZ_REQUIRE(page_table_map(staged(kSlotPageTable + level), staged(kSlotVspace), kCodeAddress));
    }
    FUZZ_REQUIRE(cnode_copy(root_slot(staged(kSlotCodeFrame)), root_slot(image_frame(fuzz_worker_code))));
    staged_[kSlotCodeFrame] = true;
    FUZZ_REQUIRE(page_map(staged(kSlotCodeFrame), staged(kSlotVspace), kCodeAddress, seL4_CanRead));
    run().world.fill(kSlotCodeFrame, 1, Kind::kFrame, World::kNoParent);
}

void Setup::make_interrupts() {
    FUZZ_REQUIRE(cnode_move(root_slot(seL4_CapIRQControl), gate_slot(kGateIrqControl)));
    static constexpr Word kInterrupts[kIrqHandlers] = {3, 5, 90};  // two software generated, one of a device
    for (Word i = 0; i < kIrqHandlers; ++i) {
        CPtr handler = staged(kSlotIrqHandler + i);
        FUZZ_REQUIRE(irq_control_get(seL4_CapIRQControl, kInterrupts[i], root_slot(handler)));
        FUZZ_REQUIRE(irq_handler_set_notification(handler, staged(kSlotNotification + i)));
        staged_[kSlotIrqHandler + i] = true;
    }
    run().world.fill(kSlotIrqHandler, kIrqHandlers, Kind::kIrqHandler, World::kNoParent);
    FUZZ_REQUIRE(cnode_move(gate_slot(kGateIrqControl), root_slot(seL4_CapIRQControl)));
}

void Setup::make_worker(Random& random, Word worker) {
    bool direct = random.percent(70);
    run().world.set_space(worker, direct ? Space::kWorkerDirect : Space::kWorkerNested);
    CPtr tcb = staged(kSlotThread + worker);
    CPtr sched_context = staged(kSlotSchedContext + worker);
    CPtr vspace = random.percent(85) ? worker_vspace_ : staged(kSlotVspace);
    FUZZ_REQUIRE(tcb_configure(tcb,
                               {.cspace_root = direct ? world_cnode_ : detour_cnode_,
                                .cspace_data = direct ? guard_data(kDirectGuard, kDirectGuardBits)
                                                      : guard_data(kNestedGuard, kNestedGuardBits),
                                .vspace_root = vspace},
                               buffer_address(worker), image_frame(&buffers[worker])));
    Word choice = random.below(100);
    CPtr fault_endpoint = choice < 45   ? worker_faults_ + worker
                          : choice < 80 ? staged(kSlotEndpoint + random.below(kEndpoints))
                                        : kNullCap;
    Word priority = random.percent(60) ? random.between(kDriverPriority + 1, 250) : random.between(2, kDriverPriority);
    FUZZ_REQUIRE(tcb_set_sched_params(tcb, seL4_CapInitThreadTCB,
                                      {.mcp = random.percent(60) ? Word{seL4_MaxPrio} : random.below(256),
                                       .priority = priority,
                                       .sched_context = kNullCap,
                                       .fault_endpoint = fault_endpoint}));
    Word period = random.percent(70) ? kBudgetUs : kBudgetUs + 1000;
    Word core = cores_ > 1 ? random.below(cores_) : 0;
    FUZZ_REQUIRE(sched_control_configure(
        sched_control_ + core, sched_context,
        {.budget_us = kBudgetUs, .period_us = period, .extra_refills = random.below(8), .badge = worker}));
    if (random.percent(85)) {
        FUZZ_REQUIRE(sched_context_bind(sched_context, tcb));
    }
    if (random.percent(15) && worker < kNotifications) {
        FUZZ_REQUIRE(tcb_bind_notification(tcb, staged(kSlotNotification + worker)));
    }
}

void Setup::fill_world() {
    for (Word slot = 0; slot < kWorldSlots; ++slot) {
        if (staged_[slot]) {
            FUZZ_REQUIRE(cnode_move(world_slot(slot), root_slot(staged(slot))));
            staged_[slot] = false;
        }
    }
}

void Setup::renew_world(Random& random) {
    end_world();
    // The untyped memory is big: its objects come first, so that all are aligned without gaps.
    make_objects(random);
    make_cnodes();
    make_badged(random);
    make_world_vspace();
    make_interrupts();
    for (Word worker = 0; worker < kWorkers; ++worker) {
        make_worker(random, worker);
    }
    fill_world();
    ++run().worlds;
}

// --- The driver

void Setup::renew_driver() {
    FUZZ_REQUIRE(cnode_revoke(root_slot(driver_memory_)));
    FUZZ_REQUIRE(
        untyped_retype(driver_memory_, seL4_TCBObject, 0, RetypeWindow{seL4_CapInitThreadCNode, 0, 0, driver_tcb_, 1}));
    FUZZ_REQUIRE(untyped_retype(driver_memory_, seL4_SchedContextObject, seL4_MinSchedContextBits,
                                RetypeWindow{seL4_CapInitThreadCNode, 0, 0, driver_sched_context_, 1}));
    FUZZ_REQUIRE(sched_control_configure(sched_control_, driver_sched_context_,
                                         {.budget_us = kBudgetUs, .period_us = kBudgetUs}));
    FUZZ_REQUIRE(tcb_configure(driver_tcb_,
                               {.cspace_root = gate_,
                                .cspace_data = guard_data(kGateGuard, kGateGuardBits),
                                .vspace_root = seL4_CapInitThreadVSpace},
                               reinterpret_cast<Word>(&driver_buffer), image_frame(&driver_buffer)));
    FUZZ_REQUIRE(tcb_set_sched_params(driver_tcb_, seL4_CapInitThreadTCB,
                                      {.mcp = seL4_MaxPrio,
                                       .priority = kDriverPriority,
                                       .sched_context = driver_sched_context_,
                                       .fault_endpoint = driver_faults_}));
    FUZZ_REQUIRE(cnode_copy(gate_slot(kGateDriver), root_slot(driver_tcb_)));
    // It runs as soon as it can.
    run().driver = DriverState::kWorking;
    seL4_UserContext context{};
    context.pc = reinterpret_cast<Word>(&driver_main);
    context.sp = reinterpret_cast<Word>(driver_stack.bytes + sizeof(driver_stack.bytes));
    context.tpidr_el0 = reinterpret_cast<Word>(&driver_buffer);
    FUZZ_REQUIRE(tcb_write_registers(driver_tcb_, Resume::kYes, seL4_UserContext_Words, context));
}

}  // namespace fuzz
