// Tests of the methods on address spaces: ASID pools, page tables, frames, cache maintenance; and of the secure monitor
// capability. The code is AArch64's, its tables lie in the test's memory.
#include "arch/vspace.h"

#include "arch/asid.h"
#include "arch/cache.h"
#include "arch/page_tables.h"
#include "arch/user_tables.h"
#include "core/derivation.h"
#include "core/thread.h"
#include "testing/call_test.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

class AddressSpaces : public CallTest {
protected:
    CPtr make_table() { return add(Cap::page_table(allocate_object(12))); }
    CPtr make_frame(FrameSize size = FrameSize::k4KiB, Rights rights = kAllRights) {
        // Only frames of the smallest size have memory behind them.
        Word const base = size == FrameSize::k4KiB ? reinterpret_cast<Word>(allocate_object(12)) : bit(38);
        return add(Cap::frame(PhysAddr{base}, size, size != FrameSize::k4KiB, rights));
    }
    CPtr make_vspace(bool assigned = true) {
        CPtr const cptr = add(Cap::vspace(allocate_object(12), 0));
        if (assigned) {
            EXPECT_EQ(call(kAsidPool, seL4_ARMASIDPoolAssign, {}, {cptr}), ok());
        }
        return cptr;
    }
    Answer map_table(CPtr table, Word address, CPtr vspace) {
        return call(table, seL4_ARMPageTableMap, {address, seL4_ARM_Default_VMAttributes}, {vspace});
    }
    Answer map(CPtr frame, Word address, CPtr vspace, Word rights = 3, Word attributes = 3) {
        return call(frame, seL4_ARMPageMap, {address, rights, attributes}, {vspace});
    }
    // All tables that a 4 KiB page at `address` needs.
    void make_tables(CPtr vspace, Word address) {
        for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(map_table(make_table(), address, vspace), ok());
    }
    PageTableEntry entry(CPtr vspace, Word address, unsigned level = kLastLevel) {
        Walk const walk = walk_tables(*static_cast<PageTable*>(cap(vspace).vspace_root()), UserAddr{address}, level);
        return walk.level == level ? *walk.entry : 0;
    }
};

// --- ASID pools
// --------------------------------------------------------------------------------------------------------------

TEST_F(AddressSpaces, AssigningAsids) {
    CPtr const first = make_vspace(), second = make_vspace();
    EXPECT_NE(cap(first).mapped_asid(), 0);
    EXPECT_NE(cap(first).mapped_asid(), cap(second).mapped_asid());
    EXPECT_EQ(call(kAsidPool, seL4_ARMASIDPoolAssign, {}, {first}), invalid_capability(1)) << "has one";
    for (CPtr wrong : {make_table(), free_slot(), main_.cptr})
        EXPECT_EQ(call(kAsidPool, seL4_ARMASIDPoolAssign, {}, {wrong}), invalid_capability(1));
    // The pool has 511 for user level; two are gone here and one in the fixture.
    CPtr const vspace = make_vspace(false);
    for (unsigned i = 0; i < 508; ++i) {
        slot(vspace).cap = Cap::vspace(cap(vspace).vspace_root(), 0);
        EXPECT_EQ(call(kAsidPool, seL4_ARMASIDPoolAssign, {}, {vspace}), ok());
    }
    slot(vspace).cap = Cap::vspace(cap(vspace).vspace_root(), 0);
    EXPECT_EQ(call(kAsidPool, seL4_ARMASIDPoolAssign, {}, {vspace}), delete_first());
    // One that goes gives its number back.
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {first, 64}), ok());
    EXPECT_EQ(call(kAsidPool, seL4_ARMASIDPoolAssign, {}, {vspace}), ok());
}

TEST_F(AddressSpaces, MakingPools) {
    CPtr const control = add(Cap::asid_control());
    CPtr const untyped = make_untyped(12, true), pool = free_slot();
    auto const make = [&](CPtr memory, CPtr root, Word index, Word depth) {
        return call(control, seL4_ARMASIDControlMakePool, {index, depth}, {memory, root});
    };
    for (CPtr wrong : {make_untyped(13, false), make_untyped(12, false, true), main_.cptr, free_slot()})
        EXPECT_EQ(make(wrong, kRootCNode, pool, 64), invalid_capability(1));
    EXPECT_EQ(make(untyped, kRootCNode, control, 64), delete_first());
    EXPECT_EQ(make(untyped, main_.cptr, pool, 64), invalid_root(0));
    EXPECT_EQ(make(untyped, kRootCNode, pool, 65), range_error(1, 64));
    EXPECT_EQ(make(untyped, kRootCNode, pool, 64), ok());
    EXPECT_EQ(cap(pool).asid_base(), 512);
    EXPECT_EQ(make(untyped, kRootCNode, free_slot(), 64), revoke_first());
    CPtr const vspace = make_vspace(false);
    EXPECT_EQ(call(pool, seL4_ARMASIDPoolAssign, {}, {vspace}), ok());
    EXPECT_EQ(cap(vspace).mapped_asid(), 512);
    // The pool goes, and with it the address spaces in it.
    EXPECT_EQ(call(kRootCNode, seL4_CNodeRevoke, {untyped, 64}), ok());
    EXPECT_EQ(asid_pools[1], &no_asid_pool);
    EXPECT_EQ(map_table(make_table(), 0, vspace), invalid_root(0));
    EXPECT_EQ(map(make_frame(), 0, vspace), invalid_root(0));
    // All 128.
    for (unsigned i = 1; i < kNumAsidPools; ++i)
        EXPECT_EQ(make(make_untyped(12, false), kRootCNode, free_slot(), 64), ok());
    EXPECT_EQ(make(make_untyped(12, false), kRootCNode, free_slot(), 64), delete_first());
}

TEST_F(AddressSpaces, ARunningThreadLosesADeletedAddressSpace) {
    CPtr const vspace = make_vspace();
    auto const tcb = make_thread(150);
    EXPECT_EQ(call(tcb.cptr, seL4_TCBSetSpace, {0, 0}, {0, kRootCNode, vspace}), ok());
    run(*tcb);
    Word const ttbr = cpu().arch.vspace_root;
    EXPECT_EQ(ttbr, ttbr_value(cap(vspace).vspace_root(), cap(vspace).mapped_asid()));
    syscall_as(*tcb, seL4_SysCall, kRootCNode, {seL4_CNodeRevoke, {vspace, 64}});
    syscall_as(*tcb, seL4_SysCall, kRootCNode, {seL4_CNodeDelete, {vspace, 64}});
    EXPECT_EQ(cpu().arch.vspace_root, empty_vspace);
    EXPECT_GE(machine.tlb_asid_invalidations, 1u);
}

// --- Page tables
// -------------------------------------------------------------------------------------------------------------

TEST_F(AddressSpaces, TablesLevelByLevel) {
    CPtr const vspace = make_vspace();
    Word const address = 0x123456789000;
    std::vector<CPtr> tables;
    for (unsigned level = 0; level < 3; ++level) {
        tables.push_back(make_table());
        EXPECT_EQ(map_table(tables.back(), address, vspace), ok());
        EXPECT_EQ(raw(cap(tables.back()).mapped_address()), align_down(address, level_bits(level)));
        EXPECT_TRUE(is_table(entry(vspace, address, level)));
    }
    EXPECT_EQ(map_table(make_table(), address, vspace), delete_first());
    EXPECT_EQ(map_table(tables[0], address + bit(40), vspace), invalid_capability(0)) << "mapped already";
    // Unmapping one takes what is below it out of reach, and it comes back empty.
    EXPECT_EQ(call(tables[0], seL4_ARMPageTableUnmap), ok());
    EXPECT_EQ(cap(tables[0]).mapped_asid(), 0);
    EXPECT_EQ(entry(vspace, address, 0), 0u);
    EXPECT_EQ(static_cast<PageTable*>(cap(tables[0]).page_table())->entry[table_index(address, 1)], 0u);
    EXPECT_EQ(call(tables[1], seL4_ARMPageTableUnmap), ok()) << "the mapping it remembers is stale";
    EXPECT_EQ(map_table(tables[1], 0, vspace), ok());
    EXPECT_EQ(call(tables[2], seL4_ARMPageTableUnmap), ok());
    expect_sound();
}

TEST_F(AddressSpaces, WhatPageTableMapRefuses) {
    CPtr const table = make_table(), vspace = make_vspace();
    for (CPtr wrong : {make_vspace(false), table, main_.cptr, free_slot()})
        EXPECT_EQ(map_table(table, 0, wrong), invalid_capability(1));
    EXPECT_EQ(map_table(table, bit(47), vspace), invalid_argument(0));
    EXPECT_EQ(map_table(table, ~Word{0}, vspace), invalid_argument(0));
    EXPECT_EQ(map_table(table, bit(47) - 1, vspace), ok());
    CPtr const copied = copy(table);
    EXPECT_EQ(call(table, seL4_ARMPageTableUnmap), revoke_first());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {copied, 64}), ok());
    EXPECT_EQ(call(table, seL4_ARMPageTableUnmap), ok());
    EXPECT_EQ(call(table, seL4_ARMPageTableUnmap), ok()) << "not mapped: nothing to do";
}

TEST_F(AddressSpaces, ADeletedTableIsGoneFromTheTree) {
    CPtr const vspace = make_vspace(), table = make_table();
    EXPECT_EQ(map_table(table, 0, vspace), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {table, 64}), ok());
    EXPECT_EQ(entry(vspace, 0, 0), 0u);
}

// --- Frames
// ------------------------------------------------------------------------------------------------------------------

TEST_F(AddressSpaces, MappingFrames) {
    CPtr const vspace = make_vspace(), frame = make_frame();
    Word const address = 0x40003000;
    EXPECT_EQ(map(frame, address, vspace), missing(0, level_bits(0)));
    EXPECT_EQ(map_table(make_table(), address, vspace), ok());
    EXPECT_EQ(map(frame, address, vspace), missing(0, level_bits(1)));
    for (unsigned i = 0; i < 2; ++i) EXPECT_EQ(map_table(make_table(), address, vspace), ok());
    EXPECT_EQ(map(frame, address, vspace), ok());
    EXPECT_EQ(entry_address(entry(vspace, address)), cap(frame).frame_base());
    EXPECT_EQ(cap(frame).mapped_asid(), cap(vspace).mapped_asid());
    EXPECT_EQ(raw(cap(frame).mapped_address()), address);
    // Again in the same place, with other rights.
    EXPECT_EQ(map(frame, address, vspace, 2), ok());
    EXPECT_TRUE(entry(vspace, address) & kEntryReadOnly);
    EXPECT_EQ(map(frame, address + 4096, vspace), invalid_argument(0));
    EXPECT_EQ(map(frame, address, make_vspace()), invalid_capability(1));
    EXPECT_EQ(call(frame, seL4_ARMPageGetAddress), ok({raw(cap(frame).frame_base())}));
    EXPECT_EQ(call(frame, seL4_ARMPageUnmap), ok());
    EXPECT_EQ(entry(vspace, address), 0u);
    EXPECT_EQ(call(frame, seL4_ARMPageUnmap), ok());
    EXPECT_EQ(map(frame, address, vspace), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {frame, 64}), ok());
    EXPECT_EQ(entry(vspace, address), 0u) << "a deleted frame is not mapped any more";
    EXPECT_GE(machine.tlb_address_invalidations, 2u);
}

TEST_F(AddressSpaces, RightsAndAttributes) {
    CPtr const vspace = make_vspace();
    CPtr const frame = make_frame();
    make_tables(vspace, 0);
    for (Word cap_rights = 0; cap_rights < 4; ++cap_rights) {
        for (Word rights = 0; rights < 4; ++rights) {
            for (Word attributes = 0; attributes < 8; ++attributes) {
                slot(frame).cap = Cap::frame(cap(frame).frame_base(), FrameSize::k4KiB, false, {cap_rights});
                EXPECT_EQ(map(frame, 0, vspace, rights, attributes), ok());
                PageTableEntry const e = entry(vspace, 0);
                bool const read = cap_rights & rights & 2, write = read && (cap_rights & rights & 1);
                EXPECT_EQ(!(e & kEntryUser), !read);
                EXPECT_EQ(!(e & kEntryReadOnly), write);
                EXPECT_EQ(!(e & kEntryNoUserExecute), !(attributes & seL4_ARM_ExecuteNever));
                EXPECT_TRUE(e & kEntryNoKernelExecute);
                EXPECT_TRUE(e & kEntryNotGlobal);
                EXPECT_EQ(e >> 2 & 7,
                          attributes & seL4_ARM_PageCacheable ? Word(MemoryType::kNormal) : Word(MemoryType::kDevice));
                EXPECT_EQ(call(frame, seL4_ARMPageUnmap), ok());
            }
        }
    }
}

TEST_F(AddressSpaces, LargeFrames) {
    CPtr const vspace = make_vspace();
    CPtr const large = make_frame(FrameSize::k2MiB), huge = make_frame(FrameSize::k1GiB);
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map(huge, bit(30), vspace), ok());
    EXPECT_FALSE(is_table(entry(vspace, bit(30), 1)));
    EXPECT_EQ(map(large, 0, vspace), missing(0, level_bits(1)));
    EXPECT_EQ(map(large, bit(30), vspace), missing(0, level_bits(1))) << "a larger frame is there";
    EXPECT_EQ(map_table(make_table(), bit(30), vspace), delete_first());
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map(large, bit(21), vspace), ok());
    EXPECT_EQ(map(make_frame(FrameSize::k2MiB), bit(21) + 4096, vspace), alignment_error());
    EXPECT_EQ(map(make_frame(FrameSize::k1GiB), bit(31) + bit(21), vspace), alignment_error());
    // A table in the place of a block.
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map(make_frame(FrameSize::k2MiB), 0, vspace), missing(0, level_bits(3)));
    EXPECT_EQ(call(huge, seL4_ARMPageUnmap), ok());
    EXPECT_EQ(entry(vspace, bit(30), 1), 0u);
}

TEST_F(AddressSpaces, WhatPageMapRefuses) {
    CPtr const vspace = make_vspace(), frame = make_frame();
    make_tables(vspace, 0);
    for (CPtr wrong : {make_vspace(false), frame, main_.cptr, free_slot()})
        EXPECT_EQ(map(frame, 0, wrong), invalid_capability(1));
    EXPECT_EQ(map(frame, 8, vspace), alignment_error());
    EXPECT_EQ(map(frame, bit(47), vspace), invalid_argument(0));
    EXPECT_EQ(map(frame, ~Word{0} << 12, vspace), invalid_argument(0));
    EXPECT_EQ(map(make_frame(FrameSize::k1GiB), bit(47) - bit(30), vspace).label, Word{seL4_FailedLookup});
}

TEST_F(AddressSpaces, StaleMappingsAreRecognised) {
    CPtr const vspace = make_vspace(), frame = make_frame(), other = make_frame();
    make_tables(vspace, 0);
    EXPECT_EQ(map(frame, 0, vspace), ok());
    CPtr const copied = copy(frame);
    EXPECT_EQ(cap(copied).mapped_asid(), 0);
    // Another frame takes the place; the first one's unmap leaves it alone.
    EXPECT_EQ(map(other, 0, vspace), ok());
    EXPECT_EQ(call(frame, seL4_ARMPageUnmap), ok());
    EXPECT_EQ(entry_address(entry(vspace, 0)), cap(other).frame_base());
    // The address space goes, the frame remembers it for nothing.
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {vspace, 64}), ok());
    EXPECT_EQ(call(other, seL4_ARMPageClean_Data, {0, 4096}), invalid_root(0));
    EXPECT_EQ(call(other, seL4_ARMPageUnmap), ok());
    EXPECT_EQ(cap(other).mapped_asid(), 0);
}

// --- Cache maintenance
// -------------------------------------------------------------------------------------------------------

TEST_F(AddressSpaces, CacheMaintenanceOfFrames) {
    CPtr const vspace = make_vspace(), frame = make_frame();
    EXPECT_EQ(call(frame, seL4_ARMPageClean_Data, {0, 64}), illegal_operation()) << "not mapped";
    make_tables(vspace, 0);
    EXPECT_EQ(map(frame, 0x3000, vspace), ok());
    for (Word label = seL4_ARMPageClean_Data; label <= seL4_ARMPageUnify_Instruction; ++label) {
        machine.cache_calls.clear();
        EXPECT_EQ(call(frame, label, {64, 256}), ok());
        ASSERT_EQ(machine.cache_calls.size(), 1u);
        EXPECT_EQ(machine.cache_calls[0].operation, label - seL4_ARMPageClean_Data);
        EXPECT_EQ(machine.cache_calls[0].start, raw(cap(frame).frame_base()) + 64);
        EXPECT_EQ(machine.cache_calls[0].size, 192u);
        EXPECT_EQ(call(frame, label, {64, 64}), invalid_argument(1));
        EXPECT_EQ(call(frame, label, {64, 0}), invalid_argument(1));
        EXPECT_EQ(call(frame, label, {0, 4097}), invalid_argument(0));
        EXPECT_EQ(call(frame, label, {4096, ~Word{0}}), invalid_argument(0));
        EXPECT_EQ(call(frame, label, {0, 4096}), ok());
    }
}

TEST_F(AddressSpaces, CacheMaintenanceOfAddressSpaces) {
    CPtr const vspace = make_vspace(), frame = make_frame();
    make_tables(vspace, 0);
    EXPECT_EQ(map(frame, 0x3000, vspace), ok());
    for (Word label = seL4_ARMVSpaceClean_Data; label <= seL4_ARMVSpaceUnify_Instruction; ++label) {
        machine.cache_calls.clear();
        EXPECT_EQ(call(vspace, label, {0x3000, 0x4000}), ok());
        ASSERT_EQ(machine.cache_calls.size(), 1u);
        EXPECT_EQ(machine.cache_calls[0].start, raw(cap(frame).frame_base()));
        EXPECT_EQ(call(vspace, label, {0x3010, 0x4010}), range_error(0x3010, 0x3fff));
        EXPECT_EQ(call(vspace, label, {0x5000, 0x6000}), ok()) << "nothing is mapped there";
        EXPECT_EQ(call(vspace, label, {0x5000, 0x5000}), invalid_argument(1));
        EXPECT_EQ(call(vspace, label, {0, bit(47)}), illegal_operation());
        EXPECT_EQ(call(make_vspace(false), label, {0x3000, 0x4000}), invalid_capability(0));
    }
}

TEST_F(AddressSpaces, LongCacheMaintenanceIsInterruptible) {
    CPtr const vspace = make_vspace(), frame = make_frame(FrameSize::k2MiB);
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map(frame, bit(21), vspace), ok());
    for (Word n : {1, 5, 100, 511}) {
        SCOPED_TRACE(n);
        machine.cache_calls.clear();
        machine.preempt_at = n;
        EXPECT_EQ(call(frame, seL4_ARMPageCleanInvalidate_Data, {0, bit(21)}), ok());
        Word next = raw(cap(frame).frame_base());
        for (auto const& piece : machine.cache_calls) {
            ASSERT_EQ(piece.start, next);
            next += piece.size;
        }
        EXPECT_EQ(next, raw(cap(frame).frame_base()) + bit(21));
        EXPECT_EQ(main_->context.message_word(0), 0u) << "registers stay as they are";
        machine.cache_calls.clear();
        machine.preempt_at = n;
        EXPECT_EQ(call(vspace, seL4_ARMVSpaceClean_Data, {bit(21) + 100, bit(22)}), ok());
        next = raw(cap(frame).frame_base()) + 100;
        for (auto const& piece : machine.cache_calls) {
            ASSERT_EQ(piece.start, next);
            next += piece.size;
        }
        EXPECT_EQ(next, raw(cap(frame).frame_base()) + bit(21));
        EXPECT_EQ(main_->context.message_word(0), bit(21) + 100);
    }
}

TEST_F(AddressSpaces, InterruptedCacheMaintenanceIsForgottenWithTheCall) {
    CPtr const vspace = make_vspace(), frame = make_frame(FrameSize::k2MiB);
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map_table(make_table(), 0, vspace), ok());
    EXPECT_EQ(map(frame, bit(21), vspace), ok());
    Message const clean{seL4_ARMPageClean_Data, {0, bit(21)}};
    auto const interrupt = [&] {
        machine.preempt_at = 5;
        syscall_as(*main_, seL4_SysCall, frame, clean);
        EXPECT_NE(main_->cache_done, 0u);
        machine.cache_calls.clear();
    };
    auto const expect_from_the_start = [&] {
        EXPECT_EQ(call(frame, clean.label, clean.words), ok());
        ASSERT_FALSE(machine.cache_calls.empty());
        EXPECT_EQ(machine.cache_calls.front().start, raw(cap(frame).frame_base()));
        EXPECT_EQ(main_->cache_done, 0u);
    };
    interrupt();
    suspend(*main_);
    resume(*main_);
    expect_from_the_start();

    interrupt();
    Cap const kept = cap(frame);
    slot(frame).cap.clear_mapping();
    finish_syscall();
    EXPECT_EQ(answer(), illegal_operation());
    slot(frame).cap = kept;
    expect_from_the_start();

    interrupt();
    Made<Tcb> const other = make_thread(200);
    syscall_as(*other, seL4_SysCall, main_.cptr, {seL4_TCBWriteRegisters, {0, 1, kSvcAddress}});
    suspend(*other);
    expect_from_the_start();
}

// --- Secure monitor
// ----------------------------------------------------------------------------------------------------------

TEST_F(AddressSpaces, MonitorCalls) {
    CPtr const any = add(Cap::smc(0)), limited = add(Cap::smc(5));
    EXPECT_EQ(call(any, seL4_ARMSMCCall, {1, 2, 3, 4, 5, 6, 7, 8}), ok({2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(call(limited, seL4_ARMSMCCall, {1, 2, 3, 4, 5, 6, 7, 8}), illegal_operation());
    EXPECT_EQ(call(limited, seL4_ARMSMCCall, {5, 2, 3, 4, 5, 6, 7, 8}).label, Word{seL4_NoError});
    EXPECT_EQ(machine.monitor_calls, (std::vector<Word>{1, 5}));
    // A badge by Mint, once.
    CPtr const minted = free_slot();
    EXPECT_EQ(call(kRootCNode, seL4_CNodeMint, {minted, 64, any, 64, 15, 9}, {kRootCNode}), ok());
    EXPECT_EQ(cap(minted).badge(), 9u);
    EXPECT_EQ(call(kRootCNode, seL4_CNodeMint, {free_slot(), 64, minted, 64, 15, 10}, {kRootCNode}),
              illegal_operation());
}

}  // namespace
}  // namespace keel
