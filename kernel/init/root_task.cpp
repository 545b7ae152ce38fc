// See root_task.h. The order of capabilities and the layout of the address space are those of the sel4 ABI (A.5):
// image, IPC buffer, bootinfo, extra bootinfo; slots: fixed ones, tables, extra bootinfo, SchedControl, image, untyped,
// empty.
#include "init/root_task.h"

#include <sel4/abi.h>

#include "arch/memory.h"
#include "arch/time.h"
#include "core/assert.h"
#include "core/derivation.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "init/root_vspace.h"

namespace keel {

namespace {

constexpr unsigned kPageBits = seL4_PageBits;
constexpr Word kPageSize = bit(kPageBits);
constexpr unsigned kRootCNodeBits = SEL4_ROOT_CNODE_SIZE_BITS + seL4_SlotBits;
static_assert(sizeof(seL4_BootInfo) <= kPageSize);

constexpr unsigned log2_ceiling(Word value) {
    unsigned bits = 0;
    while (bit(bits) < value) bits++;
    return bits;
}

// Sizes and addresses that follow from the hand-over.
struct Plan {
    Word buffer_address;
    Word bootinfo_address;
    Word extra_address;
    Word extra_bytes;         // header and device tree; 0: none
    unsigned extra_bits = 0;  // log2 of the block that the extra bootinfo lies in
    Word last_address;

    explicit Plan(const HandOver& hand_over) {
        buffer_address = hand_over.image_end_address();
        bootinfo_address = buffer_address + kPageSize;
        extra_address = bootinfo_address + kPageSize;
        extra_bytes = hand_over.device_tree.empty() ? 0 : sizeof(seL4_BootInfoHeader) + hand_over.device_tree.size();
        if (extra_bytes != 0) extra_bits = log2_ceiling(align_up(extra_bytes, kPageBits));
        // Tables are made for the whole block, as on the reference kernel; pages only for what is in use.
        last_address = extra_address + (extra_bytes != 0 ? bit(extra_bits) : 0) - 1;
    }

    // Bytes of all objects: CNode, extra bootinfo, pages, TCB, scheduling context.
    Word object_bytes(const HandOver& hand_over) const {
        constexpr Word kFixedPages = 4;  // VSpace, ASID pool, IPC buffer, bootinfo
        Word const pages = kFixedPages + count_tables(hand_over.image_address(), last_address);
        return bit(kRootCNodeBits) + (extra_bytes != 0 ? bit(extra_bits) : 0) + pages * kPageSize + bit(seL4_TCBBits) +
               bit(seL4_MinSchedContextBits);
    }
};

// The objects lie as high in RAM as the alignment of the largest, the CNode or the extra bootinfo, lets them.
PhysRange place_objects(const Plan& plan, Word bytes, RangeList& free) {
    unsigned const alignment = plan.extra_bits > kRootCNodeBits ? plan.extra_bits : kRootCNodeBits;
    for (unsigned i = free.count(); i-- > 0;) {
        if (free[i].size() < bytes) continue;
        Word const start = align_down(free[i].end - bytes, alignment);
        if (start < free[i].start) continue;
        PhysRange const range{start, start + bytes};
        free.remove(range);
        return range;
    }
    KEEL_ASSERT(!"RAM for the initial thread");
    return {};
}

class RootTaskBuilder {
public:
    RootTaskBuilder(const HandOver& hand_over, const Plan& plan, PhysRange memory)
        : hand_over_(hand_over), plan_(plan), objects_(memory), cspace_(nullptr) {}

    Tcb& build(const RangeList& free, const RangeList& device) {
        create_objects();
        RootVSpace vspace{root_, pool_};
        set_fixed_caps(vspace);
        bootinfo_->userImagePaging =
            region([&] { vspace.add_tables(hand_over_.image_address(), plan_.last_address, objects_, cspace_); });
        map_fixed_pages(vspace);
        add_extra_bootinfo(vspace);
        bootinfo_->schedcontrol = region([&] {
            for (Word core = 0; core < kMaxCores; core++) cspace_.add(Cap::sched_control(core));
        });
        bootinfo_->userImageFrames = region([&] {
            for (Word at = hand_over_.image.start; at < hand_over_.image.end; at += kPageSize)
                cspace_.add(vspace.map_page(at - hand_over_.image_offset, PhysAddr{at}, true));
        });
        bootinfo_->untyped = region([&] {
            add_untyped(device, true);
            add_untyped(free, false);
        });
        fill_bootinfo();
        create_thread();
        return *tcb_;
    }

private:
    template <typename AddCaps>
    seL4_SlotRegion region(AddCaps add_caps) {
        Word const start = cspace_.next_free();
        add_caps();
        return {start, cspace_.next_free()};
    }

    // In the order of descending sizes, see BootObjects::take. Tables are pages too and follow later; what is smaller
    // comes at the very end, in create_thread.
    void create_objects() {
        unsigned const first = plan_.extra_bits > kRootCNodeBits ? plan_.extra_bits : 0;
        if (first != 0) extra_ = objects_.take<uint8_t>(first);
        cspace_ = RootCSpace{objects_.take<Slot>(kRootCNodeBits)};
        cspace_.start_at(seL4_NumInitialCaps);
        if (!extra_ && plan_.extra_bytes != 0) extra_ = objects_.take<uint8_t>(plan_.extra_bits);
        root_ = objects_.take<PageTable>(kPageBits);
        pool_ = objects_.take<AsidPool>(kPageBits);
        buffer_ = objects_.take(kPageBits);
        bootinfo_ = objects_.take<seL4_BootInfo>(kPageBits);
    }

    void set_fixed_caps(const RootVSpace& vspace) {
        cspace_.set(seL4_CapInitThreadCNode,
                    Cap::cnode(&cspace_[0], SEL4_ROOT_CNODE_SIZE_BITS, kWordBits - SEL4_ROOT_CNODE_SIZE_BITS, 0));
        cspace_.set(seL4_CapInitThreadVSpace, vspace.root_cap());
        cspace_.set(seL4_CapIRQControl, Cap::irq_control());
        cspace_.set(seL4_CapASIDControl, Cap::asid_control());
        cspace_.set(seL4_CapInitThreadASIDPool, Cap::asid_pool(pool_, 0));
        cspace_.set(seL4_CapDomain, Cap::domain_control());
        cspace_.set(seL4_CapSMC, Cap::smc(0));
    }

    void map_fixed_pages(RootVSpace& vspace) {
        cspace_.set(seL4_CapInitThreadIPCBuffer, vspace.map_page(plan_.buffer_address, to_physical(buffer_), false));
        cspace_.set(seL4_CapBootInfoFrame, vspace.map_page(plan_.bootinfo_address, to_physical(bootinfo_), false));
    }

    // The device tree in one chunk behind the bootinfo page.
    void add_extra_bootinfo(RootVSpace& vspace) {
        if (plan_.extra_bytes != 0) {
            auto* const header = reinterpret_cast<seL4_BootInfoHeader*>(extra_);
            header->id = SEL4_BOOTINFO_HEADER_FDT;
            header->len = plan_.extra_bytes;
            __builtin_memcpy(header + 1, to_kernel<>(PhysAddr{hand_over_.device_tree.start}),
                             hand_over_.device_tree.size());
        }
        bootinfo_->extraBIPages = region([&] {
            for (Word at = 0; at < plan_.extra_bytes; at += kPageSize)
                cspace_.add(vspace.map_page(plan_.extra_address + at, to_physical(extra_ + at), false));
        });
    }

    // What does not fit into the list of the bootinfo stays unused; ranges are few, so that does not happen in
    // practice.
    void add_untyped(const RangeList& ranges, bool device) {
        for (unsigned i = 0; i < ranges.count(); i++) {
            BlockSplitter blocks{ranges[i]};
            Word base;
            unsigned bits;
            while (untyped_count_ < SEL4_MAX_BOOTINFO_UNTYPEDS && blocks.next(base, bits)) {
                bootinfo_->untypedList[untyped_count_++] = {base, static_cast<uint8_t>(bits), device, {}};
                cspace_.add(Cap::untyped(PhysAddr{base}, bits, device));
            }
        }
    }

    void fill_bootinfo() {
        bootinfo_->extraLen = plan_.extra_bytes;
        bootinfo_->nodeID = 0;
        bootinfo_->numNodes = kMaxCores;
        bootinfo_->numIOPTLevels = 0;
        bootinfo_->ipcBuffer = reinterpret_cast<seL4_IPCBuffer*>(plan_.buffer_address);
        bootinfo_->empty = {cspace_.next_free(), bit(SEL4_ROOT_CNODE_SIZE_BITS)};
        bootinfo_->initThreadCNodeSizeBits = SEL4_ROOT_CNODE_SIZE_BITS;
        bootinfo_->initThreadDomain = kernel.domain_schedule[kernel.domain_start].domain;
    }

    void create_thread() {
        tcb_ = objects_.take<Tcb>(seL4_TCBBits);
        auto* const sc = objects_.take<SchedContext>(seL4_MinSchedContextBits);
        cspace_.set(seL4_CapInitThreadTCB, Cap::thread(tcb_));
        cspace_.set(seL4_CapInitThreadSC, Cap::sched_context(sc, seL4_MinSchedContextBits));

        init_thread(*tcb_);
        tcb_->priority = seL4_MaxPrio;
        tcb_->max_controlled_priority = seL4_MaxPrio;
        tcb_->domain = static_cast<uint8_t>(bootinfo_->initThreadDomain);
        tcb_->buffer_address = UserAddr{plan_.buffer_address};
        copy_to_thread(seL4_CapInitThreadCNode, kSlotCSpace);
        copy_to_thread(seL4_CapInitThreadVSpace, kSlotVSpace);
        copy_to_thread(seL4_CapInitThreadIPCBuffer, kSlotBuffer);
        tcb_->context.pc = hand_over_.entry;
        tcb_->context.fault_pc = hand_over_.entry;
        tcb_->context.x[0] = plan_.bootinfo_address;
        tcb_->state = ThreadState::kRunning;
        constexpr char kName[] = "rootserver";
        for (unsigned i = 0; i < sizeof(kName); i++) tcb_->name[i] = kName[i];

        // Round robin.
        refill_reset(*sc, us_to_ticks(SEL4_BOOT_TIME_SLICE_US), 0, 2, this_cpu().now);
        sc->core = this_cpu().id;
        sc->tcb = tcb_;
        tcb_->sched_context = sc;
        // Written through the kernel's window, executed and read by user level: one and the same cacheable memory, but
        // the instruction side has to see it. The loader has done that for the image itself.
        clean_memory_to_ram(bootinfo_, kPageSize);
    }

    void copy_to_thread(Word slot, TcbSlot which) {
        Cap cap = cspace_[slot].cap;
        bool const derived = derive_vm_cap(cap);
        KEEL_ASSERT(derived);
        insert_derived(cspace_[slot], tcb_->slots[which], cap);
    }

    const HandOver& hand_over_;
    const Plan& plan_;
    BootObjects objects_;
    RootCSpace cspace_;
    PageTable* root_ = nullptr;
    AsidPool* pool_ = nullptr;
    void* buffer_ = nullptr;
    uint8_t* extra_ = nullptr;
    seL4_BootInfo* bootinfo_ = nullptr;
    Tcb* tcb_ = nullptr;
    unsigned untyped_count_ = 0;
};

}  // namespace

Tcb& create_root_task(const HandOver& hand_over, RangeList free, const RangeList& device) {
    Plan const plan{hand_over};
    PhysRange const memory = place_objects(plan, plan.object_bytes(hand_over), free);
    return RootTaskBuilder{hand_over, plan, memory}.build(free, device);
}

}  // namespace keel
