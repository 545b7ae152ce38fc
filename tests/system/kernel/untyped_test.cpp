// Untyped_Retype: every type and size, where objects land, how memory is counted and comes back, device memory.
// The errors are in untyped_error_test.cpp.
#include "support.h"

namespace {

struct ObjectKind {
    Word type;
    Word size_bits;    // argument
    Word object_bits;  // log2 of the memory it takes
    bool device;       // may be made from device memory
};

// The one size that depends on the kernel: see tcb_bits().
constexpr Word kTcbSize = 0;

constexpr ObjectKind kAllKinds[] = {
    {seL4_UntypedObject, 4, 4, true},
    {seL4_UntypedObject, 12, 12, true},
    {seL4_TCBObject, 0, kTcbSize, false},
    {seL4_EndpointObject, 0, seL4_EndpointBits, false},
    {seL4_NotificationObject, 0, seL4_NotificationBits, false},
    {seL4_CapTableObject, 1, 1 + seL4_SlotBits, false},
    {seL4_CapTableObject, 8, 8 + seL4_SlotBits, false},
    {seL4_SchedContextObject, seL4_MinSchedContextBits, seL4_MinSchedContextBits, false},
    {seL4_SchedContextObject, 10, 10, false},
    {seL4_ReplyObject, 0, seL4_ReplyBits, false},
    {seL4_ARM_SmallPageObject, 0, seL4_PageBits, true},
    {seL4_ARM_LargePageObject, 0, seL4_LargePageBits, true},
    {seL4_ARM_VSpaceObject, 0, seL4_VSpaceBits, false},
    {seL4_ARM_PageTableObject, 0, seL4_PageTableBits, false},
};

struct Kinds {
    ObjectKind kinds[sizeof(kAllKinds) / sizeof(kAllKinds[0])];
    Kinds() {
        for (size_t i = 0; i < sizeof(kAllKinds) / sizeof(kAllKinds[0]); ++i) {
            kinds[i] = kAllKinds[i];
            if (kinds[i].object_bits == kTcbSize) {
                kinds[i].object_bits = tcb_bits();
            }
        }
    }
    const ObjectKind* begin() const { return kinds; }
    const ObjectKind* end() const { return kinds + sizeof(kinds) / sizeof(kinds[0]); }
};

Result retype(CPtr untyped, Word type, Word size_bits, CPtr to, Word count = 1) {
    return untyped_retype(untyped, type, size_bits, {seL4_CapInitThreadCNode, 0, 0, to, count});
}

// Bytes that the kernel says are left, by asking for more than there can be.
Word bytes_left(CPtr untyped, CPtr empty_slot) {
    Result answer = retype(untyped, seL4_UntypedObject, seL4_MaxUntypedBits, empty_slot);
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    return answer.word(0);
}

CPtr device_untyped_at(Word paddr) {
    const seL4_BootInfo& info = *root_task().boot_info;
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        if (info.untypedList[i].isDevice != 0 && info.untypedList[i].paddr == paddr) {
            return info.untyped.start + i;
        }
    }
    return kNullCap;
}

constexpr Word kVirtioPhysical = 0x0a000000;
constexpr Word kHugeDevicePhysical = 0xc0000000;

}  // namespace

KOS_TEST(retype_every_type_takes_its_size) {
    for (const ObjectKind& kind : Kinds()) {
        CPtr untyped = t.make(seL4_UntypedObject, kind.object_bits + 2);
        CPtr empty = t.slot();
        for (Word made = 1; made <= 4; ++made) {
            EXPECT_OK(retype(untyped, kind.type, kind.size_bits, t.slot()));
            EXPECT_EQ(bytes_left(untyped, empty), (4 - made) << kind.object_bits);
        }
        EXPECT_ERROR(retype(untyped, kind.type, kind.size_bits, empty), seL4_NotEnoughMemory);
    }
}

KOS_TEST(retype_many_at_once) {
    for (const ObjectKind& kind : Kinds()) {
        if (kind.object_bits > 16) {
            continue;
        }
        CPtr untyped = t.make(seL4_UntypedObject, kind.object_bits + 3);
        CPtr to = t.slots(8);
        EXPECT_OK(retype(untyped, kind.type, kind.size_bits, to, 8));
        for (CPtr slot = to; slot < to + 8; ++slot) {
            EXPECT_OK(cnode_move(root_slot(t.slot()), root_slot(slot)));  // each slot was filled
        }
    }
}

KOS_TEST(retype_fan_out_limit) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr to = t.slots(SEL4_RETYPE_FAN_OUT_LIMIT + 1);
    EXPECT_OK(retype(untyped, seL4_EndpointObject, 0, to, SEL4_RETYPE_FAN_OUT_LIMIT));
    EXPECT_EQ(bytes_left(untyped, to + SEL4_RETYPE_FAN_OUT_LIMIT), 0x10000u - 16u * SEL4_RETYPE_FAN_OUT_LIMIT);
}

KOS_TEST(retype_fixed_size_ignores_size_bits) {
    for (const ObjectKind& kind : Kinds()) {
        if (kind.size_bits != 0 || kind.object_bits > 16) {
            continue;
        }
        CPtr untyped = t.make(seL4_UntypedObject, kind.object_bits);
        EXPECT_OK(retype(untyped, kind.type, 40, t.slot()));
    }
}

KOS_TEST(retype_aligns_to_the_object) {
    CPtr untyped = t.make(seL4_UntypedObject, 14);
    CPtr empty = t.slot();
    EXPECT_OK(retype(untyped, seL4_EndpointObject, 0, t.slot()));
    EXPECT_EQ(bytes_left(untyped, empty), 0x4000u - 16);
    CPtr page = t.slot();
    EXPECT_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, page));
    EXPECT_EQ(bytes_left(untyped, empty), 0x2000u);  // the gap before the page is lost
    EXPECT_EQ(page_get_address(page).word(0) & 0xfff, 0u);
    // Too big once aligned, although the number of bytes would do.
    EXPECT_OK(retype(untyped, seL4_EndpointObject, 0, t.slot()));
    Result answer = retype(untyped, seL4_ARM_SmallPageObject, 0, t.slots(2), 2);
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    EXPECT_EQ(answer.word(0), 0x2000u - 16);  // what is left before alignment
}

KOS_TEST(retype_addresses_ascend) {
    CPtr untyped = t.make(seL4_UntypedObject, 15);
    CPtr pages = t.slots(8);
    EXPECT_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, pages, 3));
    EXPECT_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, pages + 3, 5));
    Word first = page_get_address(pages).word(0);
    EXPECT_EQ(first & 0x7fff, 0u);
    for (Word i = 0; i < 8; ++i) {
        EXPECT_EQ(page_get_address(pages + i).word(0), first + i * 0x1000);
    }
}

KOS_TEST(retype_starts_again_when_all_children_are_gone) {
    CPtr untyped = t.make(seL4_UntypedObject, 13);
    CPtr pages = t.slots(2);
    CPtr empty = t.slot();
    EXPECT_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, pages, 2));
    Word first = page_get_address(pages).word(0);
    EXPECT_OK(cnode_delete(root_slot(pages)));
    EXPECT_ERROR(retype(untyped, seL4_EndpointObject, 0, empty), seL4_NotEnoughMemory);  // one child is left
    EXPECT_OK(cnode_delete(root_slot(pages + 1)));
    EXPECT_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, pages, 1));
    EXPECT_EQ(page_get_address(pages).word(0), first);
    EXPECT_EQ(bytes_left(untyped, empty), 0x1000u);
}

KOS_TEST(retype_after_revoke) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr to = t.slots(64);
    for (int round = 0; round < 3; ++round) {
        EXPECT_OK(retype(untyped, seL4_CapTableObject, 4, to, 64));
        EXPECT_OK(cnode_revoke(root_slot(untyped)));
        for (CPtr slot = to; slot < to + 64; ++slot) {
            EXPECT_ERROR(cnode_move(root_slot(t.slot()), root_slot(slot)), seL4_FailedLookup);
        }
    }
}

KOS_TEST(retype_nested_untyped) {
    CPtr outer = t.make(seL4_UntypedObject, 16);
    CPtr inner = t.slot();
    CPtr page = t.slot();
    EXPECT_OK(retype(outer, seL4_UntypedObject, 13, inner));
    EXPECT_OK(retype(inner, seL4_ARM_SmallPageObject, 0, page));
    EXPECT_OK(cnode_revoke(root_slot(outer)));
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(page)), seL4_FailedLookup);
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(inner)), seL4_FailedLookup);
}

KOS_TEST(retype_memory_is_cleared_before_it_is_used_again) {
    CPtr untyped = t.make(seL4_UntypedObject, 14);
    CPtr page = t.slots(4);
    auto* words = reinterpret_cast<volatile Word*>(kFreeVirtual);
    for (int round = 0; round < 2; ++round) {
        EXPECT_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, page, 4));
        ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page + 3, kFreeVirtual));
        for (Word i = 0; i < 512; ++i) {
            EXPECT_EQ(words[i], 0u);
            words[i] = ~i;
        }
        EXPECT_OK(cnode_revoke(root_slot(untyped)));
    }
}

KOS_TEST(retype_into_another_cnode) {
    // root -> middle (radix 4, guard 2 bits of value 1) -> leaf (radix 3)
    CPtr middle = t.make(seL4_CapTableObject, 4);
    CPtr guarded = t.mint(middle, seL4_CNode_CapData_new(1, 2).words[0]);
    CPtr leaf = t.make(seL4_CapTableObject, 3);
    EXPECT_OK(cnode_move({guarded, 1 << 4 | 9, 6}, root_slot(leaf)));
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    // Depth 0 names the root itself; depth 6 resolves guard and radix and names what slot 9 holds.
    EXPECT_OK(untyped_retype(untyped, seL4_EndpointObject, 0, {guarded, 0, 0, 2, 3}));
    EXPECT_OK(untyped_retype(untyped, seL4_EndpointObject, 0, {guarded, 1 << 4 | 9, 6, 5, 3}));
    for (Word i = 0; i < 3; ++i) {
        EXPECT_OK(cnode_move(root_slot(t.slot()), {middle, 2 + i, 4}));
        EXPECT_OK(cnode_move(root_slot(t.slot()), {guarded, (1 << 4 | 9) << 3 | (5 + i), 9}));
    }
    EXPECT_ERROR(cnode_move(root_slot(t.slot()), {middle, 5, 4}), seL4_FailedLookup);
}

KOS_TEST(retype_copy_of_untyped) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr copy = t.slot();
    CPtr to = t.slot();
    EXPECT_OK(cnode_copy(root_slot(copy), root_slot(untyped)));
    // The copy is a child, so the original counts as used up until the copy is gone.
    Result answer = retype(untyped, seL4_EndpointObject, 0, to);
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    EXPECT_EQ(answer.word(0), 0u);
    EXPECT_OK(retype(copy, seL4_EndpointObject, 0, to));
    // With children, no copies.
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(copy)), seL4_RevokeFirst);
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(untyped)), seL4_RevokeFirst);
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(copy)), seL4_FailedLookup);
    EXPECT_OK(retype(untyped, seL4_EndpointObject, 0, to));
}

KOS_TEST(retype_moved_untyped_keeps_its_children) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr endpoint = t.slot();
    EXPECT_OK(retype(untyped, seL4_EndpointObject, 0, endpoint));
    CPtr moved = t.slot();
    EXPECT_OK(cnode_move(root_slot(moved), root_slot(untyped)));
    EXPECT_EQ(bytes_left(moved, t.slot()), 0x1000u - 16);
    EXPECT_OK(cnode_revoke(root_slot(moved)));
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(endpoint)), seL4_FailedLookup);
}

KOS_TEST(retype_device_memory) {
    CPtr device = device_untyped_at(kVirtioPhysical);
    ASSERT_TRUE(device != kNullCap);
    for (const ObjectKind& kind : Kinds()) {
        CPtr to = t.slot();
        Result answer = retype(device, kind.type, kind.size_bits, to);
        if (kind.device) {
            EXPECT_OK(answer);
            if (kind.type != seL4_UntypedObject) {
                EXPECT_GE(page_get_address(to).word(0), kVirtioPhysical);
            }
        } else {
            EXPECT_ERROR(answer, seL4_InvalidArgument);
            EXPECT_EQ(answer.word(0), 1u);
        }
    }
    // What is made from device memory is device memory.
    EXPECT_OK(cnode_revoke(root_slot(device)));
    CPtr part = t.slot();
    EXPECT_OK(retype(device, seL4_UntypedObject, 16, part));
    EXPECT_ERROR(retype(part, seL4_EndpointObject, 0, t.slot()), seL4_InvalidArgument);
    CPtr page = t.slot();
    EXPECT_OK(retype(part, seL4_ARM_SmallPageObject, 0, page));
    EXPECT_EQ(page_get_address(page).word(0), kVirtioPhysical);
    EXPECT_OK(cnode_revoke(root_slot(device)));
}

KOS_TEST(retype_device_memory_is_not_cleared) {
    // virtio-mmio registers: the first word reads "virt" before and after a reset of the untyped memory.
    constexpr uint32_t kMagic = 0x74726976;
    CPtr device = device_untyped_at(kVirtioPhysical);
    CPtr page = t.slot();
    for (int round = 0; round < 2; ++round) {
        EXPECT_OK(retype(device, seL4_ARM_SmallPageObject, 0, page));
        ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page, kFreeVirtual, seL4_ReadWrite, 0));
        EXPECT_EQ(*reinterpret_cast<volatile uint32_t*>(kFreeVirtual), kMagic);
        EXPECT_OK(cnode_revoke(root_slot(device)));
    }
}

KOS_TEST(retype_huge_page_from_device_memory) {
    CPtr device = device_untyped_at(kHugeDevicePhysical);
    ASSERT_TRUE(device != kNullCap);
    CPtr page = t.slot();
    EXPECT_OK(retype(device, seL4_ARM_HugePageObject, 0, page));
    EXPECT_EQ(page_get_address(page).word(0), kHugeDevicePhysical);
    EXPECT_EQ(bytes_left(device, t.slot()), 0u);
    EXPECT_OK(cnode_revoke(root_slot(device)));
}
