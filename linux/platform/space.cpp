// Pages of programs: a copy of the frame's capability each, mapped where the program has it.
#include "platform/space.h"

#include "shim/layout.h"

namespace kos::lx {

using namespace sel4;

Result<std::unique_ptr<KosSpace>> KosSpace::create(Frame& gate) {
    KOS_TRY(Objects::Object vspace, Objects::make(seL4_ARM_VSpaceObject, 0, seL4_VSpaceBits));
    if (!asid_pool_assign(Objects::kernel().asid_pool, vspace.cap).ok()) {
        Objects::destroy(vspace);
        return Errno::kENOMEM;
    }
    auto made = std::unique_ptr<KosSpace>(new KosSpace(vspace));
    KOS_TRY_STATUS(made->show_gate(gate));
    return made;
}

// Without the right to read, what a program may do is to execute it: seL4 gives such a page no access but leaves out
// what would forbid execution (Arm ARM D5.4.5: AP 0b00 or 0b10 with UXN 0).
Status KosSpace::show_gate(Frame& gate) {
    KOS_TRY(gate_, Objects::take_slot());
    if (!cnode_copy(Objects::path(gate_), Objects::path(gate.platform_handle())).ok()) {
        Objects::give_slot(std::exchange(gate_, 0));
        return Errno::kENOMEM;
    }
    KOS_TRY_STATUS(mapper_.map(gate_, kGate, 0, seL4_ARM_Default_VMAttributes));
    page_cache(gate_, CacheOperation::kUnifyInstruction, 0, kPageBytes);
    return {};
}

KosSpace::~KosSpace() {
    if (gate_) {
        cnode_delete(Objects::path(gate_));
        Objects::give_slot(gate_);
    }
    Objects::destroy(vspace_);
    mapper_.destroy_tables();
}

// The kernel has to look for no page in a space that is gone, nor to tell each core of each.
void KosSpace::close() { Objects::destroy(vspace_); }

Status KosSpace::show(CPtr cap, uint64_t address, uint32_t protection, const Frame& frame) {
    if (protection == 0) {
        page_unmap(cap);
        return {};
    }
    // This processor has no memory that can be written or executed and not read.
    Word const rights = protection & kPROT_WRITE ? seL4_ReadWrite : seL4_CanRead;
    Word const attributes = seL4_ARM_Default_VMAttributes | (protection & kPROT_EXEC ? 0 : seL4_ARM_ExecuteNever);
    auto const size = frame.is_large() ? Mapper::Size::kLarge : Mapper::Size::kSmall;
    KOS_TRY_STATUS(mapper_.map(cap, address, rights, attributes, size));
    // What the server has written into the page (copies of a file's code) the instruction cache may not know. An
    // image's pages nobody writes to.
    // Nor need it be told twice of the same bytes at the same address, whichever program has them there.
    if (protection & kPROT_EXEC && !frame.is_read_only() && !(frame.is_constant && frame.fetched_at == address)) {
        page_cache(cap, CacheOperation::kUnifyInstruction, 0, kPageBytes);
        frame.fetched_at = address;
    }
    return {};
}

Status KosSpace::map(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) {
    KOS_TRY(CPtr const slot, Objects::take_slot());
    if (!cnode_copy(Objects::path(slot), Objects::path(frame.platform_handle())).ok()) {
        Objects::give_slot(slot);
        return Errno::kENOMEM;
    }
    if (Status const shown = show(slot, address, protection, frame); !shown.ok()) {
        cnode_delete(Objects::path(slot));
        Objects::give_slot(slot);
        return shown;
    }
    handle = handle_of(slot);
    return {};
}

Status KosSpace::map_large(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) {
    mapper_.make_way(address);
    return map(address, frame, protection, handle);
}

void KosSpace::protect(uint64_t address, Frame& frame, uint32_t protection, uint32_t handle) {
    // The page tables are there: this cannot run out of memory.
    (void)show(slot_of(handle), address, protection, frame).ok();
}

void KosSpace::unmap(uint64_t, uint32_t handle) {
    CPtr const slot = slot_of(handle);
    cnode_delete(Objects::path(slot));
    Objects::give_slot(slot);
}

}  // namespace kos::lx
