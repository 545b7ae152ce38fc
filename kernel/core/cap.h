// Capabilities: 16 bytes, one encoding per type, read and made only through this file.
//
// Every capability has its type in meta[4:0] and an address in meta[63:16]: a kernel pointer for kernel objects, a
// physical address for Untyped and Frame, whose memory the kernel may have no mapping of. meta[15:5] and the data
// word are per type and described at each maker.
#pragma once

#include "core/types.h"

namespace keel {

struct Endpoint;
struct Notification;
struct Reply;
struct SchedContext;
struct Slot;
struct Tcb;

enum class CapType : uint8_t {
    kNull = 0,
    kUntyped,
    kEndpoint,
    kNotification,
    kReply,
    kCNode,
    kThread,
    kSchedContext,
    kSchedControl,
    kIrqControl,
    kIrqHandler,
    kSgiSignal,
    kDomainControl,
    kSmc,
    kAsidControl,
    kAsidPool,
    kVSpace,
    kPageTable,
    kFrame,
    kZombie,  // a CNode or thread being destroyed step by step; invokes nothing
};

// Rights of endpoint, notification and frame capabilities, with the bit values of the ABI.
struct Rights {
    Word bits;  // write 1, read 2, grant 4, grant reply 8
    constexpr bool write() const { return bits & 1; }
    constexpr bool read() const { return bits & 2; }
    constexpr bool grant() const { return bits & 4; }
    constexpr bool grant_reply() const { return bits & 8; }
};
constexpr Rights kAllRights{15};

enum class FrameSize : uint8_t { k4KiB = 0, k2MiB = 1, k1GiB = 2 };
constexpr unsigned frame_bits(FrameSize size) { return 12 + 9 * static_cast<unsigned>(size); }

struct Cap {
    Word meta = 0;
    Word data = 0;

    constexpr CapType type() const { return static_cast<CapType>(meta & 31); }
    constexpr bool is(CapType t) const { return type() == t; }
    constexpr bool is_null() const { return is(CapType::kNull); }

    // --- Untyped: meta[10:5] size bits, meta[11] device; data[35:0] free offset in 16-byte units,
    //     data[63:36] clean mark in pages: memory from the free offset up to the mark is known to be zero.
    static constexpr Cap untyped(PhysAddr base, unsigned size_bits, bool device, Word free_offset = 0) {
        return {head(CapType::kUntyped, raw(base)) | Word{size_bits} << 5 | Word{device} << 11, free_offset >> 4};
    }
    constexpr PhysAddr untyped_base() const { return PhysAddr{address()}; }
    constexpr unsigned untyped_bits() const { return meta >> 5 & 63; }
    constexpr bool untyped_is_device() const { return meta >> 11 & 1; }
    constexpr Word untyped_free() const { return (data & low_mask(36)) << 4; }
    constexpr Word untyped_clean() const { return data >> 36 << 12; }
    constexpr void set_untyped_marks(Word free_offset, Word clean) { data = free_offset >> 4 | clean >> 12 << 36; }

    // --- Endpoint: meta[8:5] rights (write = send, read = receive); data: badge.
    static Cap endpoint(Endpoint* object, Rights rights, Word badge) {
        return {head(CapType::kEndpoint, object) | rights.bits << 5, badge};
    }
    Endpoint* endpoint() const { return pointer<Endpoint>(); }
    // --- Notification: meta[6:5] rights; data: badge.
    static Cap notification(Notification* object, Rights rights, Word badge) {
        return {head(CapType::kNotification, object) | (rights.bits & 3) << 5, badge};
    }
    Notification* notification() const { return pointer<Notification>(); }
    constexpr Rights rights() const { return {meta >> 5 & 15}; }
    constexpr Word badge() const { return data; }

    // --- Reply: meta[5] may grant.
    static Cap reply(Reply* object, bool grant) { return {head(CapType::kReply, object) | Word{grant} << 5, 0}; }
    Reply* reply() const { return pointer<Reply>(); }
    constexpr bool reply_grant() const { return meta >> 5 & 1; }

    // --- CNode: meta[10:5] radix, meta[16:11] guard size; data: guard, right-aligned. The slots are at least 64-byte
    //     aligned, so meta[16], the lowest address bit, is free for the guard size.
    static Cap cnode(Slot* slots, unsigned radix, unsigned guard_size, Word guard) {
        return {head(CapType::kCNode, slots) | Word{radix} << 5 | Word{guard_size} << 11, guard};
    }
    Slot* cnode_slots() const { return reinterpret_cast<Slot*>(address() & ~Word{63}); }
    constexpr unsigned cnode_radix() const { return meta >> 5 & 63; }
    constexpr unsigned cnode_guard_size() const { return meta >> 11 & 63; }
    constexpr Word cnode_guard() const { return data; }
    constexpr void set_cnode_guard(unsigned guard_size, Word guard) {
        meta = (meta & ~(Word{63} << 11)) | Word{guard_size} << 11;
        data = guard;
    }

    static Cap thread(Tcb* tcb) { return {head(CapType::kThread, tcb), 0}; }
    Tcb* thread() const { return pointer<Tcb>(); }

    // --- SchedContext: meta[10:5] size bits of the object.
    static Cap sched_context(SchedContext* sc, unsigned size_bits) {
        return {head(CapType::kSchedContext, sc) | Word{size_bits} << 5, 0};
    }
    SchedContext* sched_context() const { return pointer<SchedContext>(); }
    constexpr unsigned sched_context_bits() const { return meta >> 5 & 63; }

    // --- SchedControl: data: core.
    static constexpr Cap sched_control(Word core) { return {head(CapType::kSchedControl), core}; }
    constexpr Word sched_control_core() const { return data; }

    static constexpr Cap irq_control() { return {head(CapType::kIrqControl), 0}; }
    // --- IrqHandler: data: kernel's interrupt index (arch/irq.h).
    static constexpr Cap irq_handler(Word irq) { return {head(CapType::kIrqHandler), irq}; }
    constexpr Word irq() const { return data; }
    // --- SgiSignal: data: interrupt in [7:0], target in [63:8].
    static constexpr Cap sgi_signal(Word irq, Word target) { return {head(CapType::kSgiSignal), irq | target << 8}; }
    constexpr Word sgi_irq() const { return data & 255; }
    constexpr Word sgi_target() const { return data >> 8; }

    static constexpr Cap domain_control() { return {head(CapType::kDomainControl), 0}; }
    // --- Smc: data: badge (the function it is limited to; 0: any).
    static constexpr Cap smc(Word badge) { return {head(CapType::kSmc), badge}; }
    static constexpr Cap asid_control() { return {head(CapType::kAsidControl), 0}; }

    // --- AsidPool: data: first ASID of the pool.
    static Cap asid_pool(void* pool, Asid base) { return {head(CapType::kAsidPool, pool), base}; }
    void* asid_pool() const { return pointer<void>(); }
    constexpr Asid asid_base() const { return static_cast<Asid>(data); }

    // --- VSpace, PageTable, Frame: data[63:48] ASID of the mapping (0: not mapped), data[47:0] its virtual address.
    static Cap vspace(void* root, Asid asid) { return {head(CapType::kVSpace, root), Word{asid} << 48}; }
    void* vspace_root() const { return pointer<void>(); }
    static Cap page_table(void* table) { return {head(CapType::kPageTable, table), 0}; }
    void* page_table() const { return pointer<void>(); }
    // --- Frame: meta[6:5] size, meta[7] device, meta[9:8] rights (write, read).
    static constexpr Cap frame(PhysAddr base, FrameSize size, bool device, Rights rights) {
        return {head(CapType::kFrame, raw(base)) | static_cast<Word>(size) << 5 | Word{device} << 7 |
                    (rights.bits & 3) << 8,
                0};
    }
    constexpr PhysAddr frame_base() const { return PhysAddr{address()}; }
    constexpr FrameSize frame_size() const { return static_cast<FrameSize>(meta >> 5 & 3); }
    constexpr bool frame_is_device() const { return meta >> 7 & 1; }
    constexpr Rights frame_rights() const { return {meta >> 8 & 3}; }
    constexpr void set_frame_rights(Rights rights) { meta = (meta & ~(Word{3} << 8)) | (rights.bits & 3) << 8; }
    constexpr Asid mapped_asid() const { return static_cast<Asid>(data >> 48); }
    constexpr UserAddr mapped_address() const { return UserAddr{data & low_mask(48)}; }
    constexpr void set_mapping(Asid asid, UserAddr address) { data = Word{asid} << 48 | (raw(address) & low_mask(48)); }
    constexpr void clear_mapping() { data = 0; }

    // --- Zombie: meta[10:5] radix of the CNode, or kZombieThread; data: slots that may still hold something.
    static constexpr unsigned kZombieThread = 63;
    static Cap zombie(Slot* slots, unsigned radix, Word remaining) {
        return {head(CapType::kZombie, slots) | Word{radix} << 5, remaining};
    }
    Slot* zombie_slots() const { return pointer<Slot>(); }
    constexpr unsigned zombie_radix() const { return meta >> 5 & 63; }
    constexpr Word zombie_remaining() const { return data; }
    constexpr bool zombie_is_thread() const { return zombie_radix() == kZombieThread; }

    // The address in meta[63:16], sign-extended as kernel pointers are.
    constexpr Word address() const { return static_cast<Word>(static_cast<int64_t>(meta) >> 16); }

private:
    template <typename T>
    T* pointer() const {
        return reinterpret_cast<T*>(address());
    }
    static constexpr Word head(CapType type, Word address = 0) { return address << 16 | static_cast<Word>(type); }
    static Word head(CapType type, const volatile void* object) { return head(type, reinterpret_cast<Word>(object)); }
};
static_assert(sizeof(Cap) == 16);

// A capability slot: the capability and its place in the derivation tree. The tree is kept as a list in preorder;
// who is whose child follows from what the capabilities are (core/derivation.h).
struct alignas(32) Slot {
    Cap cap;
    Slot* prev = nullptr;
    Word next_and_flags = 0;

    static constexpr Word kOriginal = 1;     // may have derived children
    static constexpr Word kFirstBadged = 2;  // first capability with its badge: parent of its copies
    Slot* next() const { return reinterpret_cast<Slot*>(next_and_flags & ~Word{3}); }
    void set_next(Slot* slot) { next_and_flags = reinterpret_cast<Word>(slot) | (next_and_flags & 3); }
    bool original() const { return next_and_flags & kOriginal; }
    bool first_badged() const { return next_and_flags & kFirstBadged; }
    void set_flags(bool original, bool first_badged) {
        next_and_flags = (next_and_flags & ~Word{3}) | Word{original} | Word{first_badged} << 1;
    }
};
static_assert(sizeof(Slot) == 32);

}  // namespace keel
