// Tests of cap.h: every encoding comes back as it was made, and no field runs into another.
#include "core/cap.h"

#include <gtest/gtest.h>

#include "core/objects.h"

namespace keel {
namespace {

// A kernel pointer and the extremes of what an address field can hold.
template <typename T>
T* at(Word address) {
    return reinterpret_cast<T*>(address);
}
constexpr Word kKernelAddress = 0xffffff80'7fff'ffc0;

TEST(Cap, NullIsZero) {
    EXPECT_TRUE(Cap{}.is_null());
    EXPECT_EQ(Cap{}.type(), CapType::kNull);
}

TEST(Cap, Untyped) {
    for (unsigned bits = 4; bits <= 47; ++bits) {
        for (bool device : {false, true}) {
            Word const base = low_mask(47) & ~low_mask(bits);
            Cap cap = Cap::untyped(PhysAddr{base}, bits, device);
            EXPECT_EQ(cap.type(), CapType::kUntyped);
            EXPECT_EQ(raw(cap.untyped_base()), base);
            EXPECT_EQ(cap.untyped_bits(), bits);
            EXPECT_EQ(cap.untyped_is_device(), device);
            EXPECT_EQ(cap.untyped_free(), 0u);
            EXPECT_EQ(cap.untyped_clean(), 0u);
        }
    }
}

TEST(Cap, UntypedMarks) {
    Cap cap = Cap::untyped(PhysAddr{0x40000000}, 30, true);
    Word const meta = cap.meta;
    cap.set_untyped_marks(0x12340, 0x56789000);
    EXPECT_EQ(cap.untyped_free(), 0x12340u);
    EXPECT_EQ(cap.untyped_clean(), 0x56789000u);
    // Less than a page of clean memory is not remembered.
    cap.set_untyped_marks(0, 0xfff);
    EXPECT_EQ(cap.untyped_clean(), 0u);
    EXPECT_EQ(cap.meta, meta);
}

// Physical addresses have 40 bits and RAM is not at 0, so no untyped region is larger than 2^39.
TEST(Cap, MarksOfTheLargestUntyped) {
    Cap cap = Cap::untyped(PhysAddr{bit(39)}, 39, false);
    cap.set_untyped_marks(bit(39), 0);
    EXPECT_EQ(cap.untyped_free(), bit(39));
    EXPECT_EQ(cap.untyped_clean(), 0u);
    cap.set_untyped_marks(16, bit(39));
    EXPECT_EQ(cap.untyped_free(), 16u);
    EXPECT_EQ(cap.untyped_clean(), bit(39));
}

TEST(Cap, EndpointAndNotification) {
    for (Word rights = 0; rights < 16; ++rights) {
        Cap const endpoint = Cap::endpoint(at<Endpoint>(kKernelAddress), {rights}, ~Word{0});
        EXPECT_EQ(endpoint.type(), CapType::kEndpoint);
        EXPECT_EQ(endpoint.endpoint(), at<Endpoint>(kKernelAddress));
        EXPECT_EQ(endpoint.rights().bits, rights);
        EXPECT_EQ(endpoint.badge(), ~Word{0});
        Cap const notification = Cap::notification(at<Notification>(kKernelAddress), {rights}, 7);
        EXPECT_EQ(notification.notification(), at<Notification>(kKernelAddress));
        EXPECT_EQ(notification.rights().bits, rights & 3) << "a notification knows no grant";
        EXPECT_EQ(notification.badge(), 7u);
    }
}

TEST(Cap, Reply) {
    for (bool grant : {false, true}) {
        Cap const cap = Cap::reply(at<Reply>(kKernelAddress), grant);
        EXPECT_EQ(cap.type(), CapType::kReply);
        EXPECT_EQ(cap.reply(), at<Reply>(kKernelAddress));
        EXPECT_EQ(cap.reply_grant(), grant);
    }
}

TEST(Cap, CNode) {
    for (unsigned radix = 1; radix <= 42; ++radix) {
        for (unsigned guard_size : {0u, 1u, 31u, 32u, 63u}) {
            Cap cap = Cap::cnode(at<Slot>(kKernelAddress), radix, guard_size, low_mask(guard_size));
            EXPECT_EQ(cap.type(), CapType::kCNode);
            EXPECT_EQ(cap.cnode_slots(), at<Slot>(kKernelAddress));
            EXPECT_EQ(cap.cnode_radix(), radix);
            EXPECT_EQ(cap.cnode_guard_size(), guard_size);
            EXPECT_EQ(cap.cnode_guard(), low_mask(guard_size));
            cap.set_cnode_guard(58, 0x155);
            EXPECT_EQ(cap.cnode_slots(), at<Slot>(kKernelAddress));
            EXPECT_EQ(cap.cnode_radix(), radix);
            EXPECT_EQ(cap.cnode_guard_size(), 58u);
            EXPECT_EQ(cap.cnode_guard(), 0x155u);
        }
    }
}

TEST(Cap, ThreadAndSchedContext) {
    EXPECT_EQ(Cap::thread(at<Tcb>(kKernelAddress)).thread(), at<Tcb>(kKernelAddress));
    for (unsigned bits = 7; bits <= 47; ++bits) {
        Cap const cap = Cap::sched_context(at<SchedContext>(kKernelAddress), bits);
        EXPECT_EQ(cap.sched_context(), at<SchedContext>(kKernelAddress));
        EXPECT_EQ(cap.sched_context_bits(), bits);
    }
    EXPECT_EQ(Cap::sched_control(3).sched_control_core(), 3u);
}

TEST(Cap, Interrupts) {
    EXPECT_EQ(Cap::irq_control().type(), CapType::kIrqControl);
    EXPECT_EQ(Cap::irq_handler(159).irq(), 159u);
    EXPECT_EQ(Cap::irq_handler(159).type(), CapType::kIrqHandler);
    Cap const sgi = Cap::sgi_signal(15, 7);
    EXPECT_EQ(sgi.type(), CapType::kSgiSignal);
    EXPECT_EQ(sgi.sgi_irq(), 15u);
    EXPECT_EQ(sgi.sgi_target(), 7u);
}

TEST(Cap, Singletons) {
    EXPECT_EQ(Cap::domain_control().type(), CapType::kDomainControl);
    EXPECT_EQ(Cap::asid_control().type(), CapType::kAsidControl);
    EXPECT_EQ(Cap::smc(0x84000000).type(), CapType::kSmc);
    EXPECT_EQ(Cap::smc(0x84000000).badge(), 0x84000000u);
}

TEST(Cap, AddressSpaces) {
    Cap const pool = Cap::asid_pool(at<void>(kKernelAddress & ~Word{4095}), 0xfe00);
    EXPECT_EQ(pool.asid_pool(), at<void>(kKernelAddress & ~Word{4095}));
    EXPECT_EQ(pool.asid_base(), 0xfe00);
    Cap vspace = Cap::vspace(at<void>(kKernelAddress), 0xffff);
    EXPECT_EQ(vspace.mapped_asid(), 0xffff);
    EXPECT_EQ(vspace.vspace_root(), at<void>(kKernelAddress));
    Cap table = Cap::page_table(at<void>(kKernelAddress));
    EXPECT_EQ(table.mapped_asid(), 0);
    table.set_mapping(0x1234, UserAddr{0x7ffffffff000});
    EXPECT_EQ(table.mapped_asid(), 0x1234);
    EXPECT_EQ(raw(table.mapped_address()), 0x7ffffffff000u);
    EXPECT_EQ(table.page_table(), at<void>(kKernelAddress));
    table.clear_mapping();
    EXPECT_EQ(table.mapped_asid(), 0);
}

TEST(Cap, Frame) {
    for (FrameSize size : {FrameSize::k4KiB, FrameSize::k2MiB, FrameSize::k1GiB}) {
        for (Word rights = 0; rights < 4; ++rights) {
            for (bool device : {false, true}) {
                Word const base = low_mask(47) & ~low_mask(frame_bits(size));
                Cap cap = Cap::frame(PhysAddr{base}, size, device, {rights});
                EXPECT_EQ(cap.type(), CapType::kFrame);
                EXPECT_EQ(raw(cap.frame_base()), base);
                EXPECT_EQ(cap.frame_size(), size);
                EXPECT_EQ(cap.frame_is_device(), device);
                EXPECT_EQ(cap.frame_rights().bits, rights);
                cap.set_frame_rights({2});
                EXPECT_EQ(cap.frame_rights().bits, 2u);
                EXPECT_EQ(cap.frame_size(), size);
                EXPECT_EQ(cap.frame_is_device(), device);
                EXPECT_EQ(raw(cap.frame_base()), base);
            }
        }
    }
    EXPECT_EQ(frame_bits(FrameSize::k4KiB), 12u);
    EXPECT_EQ(frame_bits(FrameSize::k2MiB), 21u);
    EXPECT_EQ(frame_bits(FrameSize::k1GiB), 30u);
}

TEST(Cap, Zombie) {
    Cap const cnode = Cap::zombie(at<Slot>(kKernelAddress), 42, bit(42));
    EXPECT_EQ(cnode.zombie_slots(), at<Slot>(kKernelAddress));
    EXPECT_EQ(cnode.zombie_radix(), 42u);
    EXPECT_EQ(cnode.zombie_remaining(), bit(42));
    EXPECT_FALSE(cnode.zombie_is_thread());
    EXPECT_TRUE(Cap::zombie(at<Slot>(kKernelAddress), Cap::kZombieThread, 5).zombie_is_thread());
}

TEST(Slot, FlagsAndLinkAreIndependent) {
    Slot a, b;
    a.set_next(&b);
    a.set_flags(true, false);
    EXPECT_EQ(a.next(), &b);
    EXPECT_TRUE(a.original());
    EXPECT_FALSE(a.first_badged());
    a.set_flags(false, true);
    a.set_next(nullptr);
    EXPECT_EQ(a.next(), nullptr);
    EXPECT_FALSE(a.original());
    EXPECT_TRUE(a.first_badged());
}

TEST(Alignment, Arithmetic) {
    EXPECT_EQ(align_up(0, 12), 0u);
    EXPECT_EQ(align_up(1, 12), 4096u);
    EXPECT_EQ(align_up(4096, 12), 4096u);
    EXPECT_EQ(align_down(8191, 12), 4096u);
    EXPECT_TRUE(is_aligned(8192, 13));
    EXPECT_FALSE(is_aligned(4096, 13));
    EXPECT_EQ(low_mask(64), ~Word{0});
    EXPECT_EQ(low_mask(0), 0u);
}

}  // namespace
}  // namespace keel
