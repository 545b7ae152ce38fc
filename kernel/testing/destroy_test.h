// A kernel in which a scenario can be built as often as needed, to interrupt one deletion at every possible place.
// For the tests of destroy.h.
#pragma once

#include <functional>
#include <sstream>
#include <string>

#include "core/derivation.h"
#include "core/destroy.h"
#include "core/endpoint.h"
#include "core/irq.h"
#include "core/notification.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/kernel_test.h"

namespace keel::testing {

using host::machine;

// A kernel that a scenario can be built in, as often as needed.
class Bench : public KernelTest {
public:
    using KernelTest::add;
    using KernelTest::add_root;
    using KernelTest::allocate_object;
    using KernelTest::cap;
    using KernelTest::copy;
    using KernelTest::cpu;
    using KernelTest::expect_sound;
    using KernelTest::free_slot;
    using KernelTest::inventory;
    using KernelTest::kRootCNode;
    using KernelTest::make_cnode;
    using KernelTest::make_context;
    using KernelTest::make_endpoint;
    using KernelTest::make_notification;
    using KernelTest::make_passive;
    using KernelTest::make_reply;
    using KernelTest::make_thread;
    using KernelTest::make_untyped;
    using KernelTest::run;
    using KernelTest::slot;

    // An object below the untyped capability, at the next free place; its slot may be anywhere.
    void* carve(CPtr untyped, unsigned size_bits) {
        Cap& parent = slot(untyped).cap;
        Word const offset = align_up(parent.untyped_free(), size_bits);
        parent.set_untyped_marks(offset + bit(size_bits), 0);
        return reinterpret_cast<void*>(raw(parent.untyped_base()) + offset);
    }
    Made<Slot> carve_cnode(CPtr untyped, unsigned radix) {
        CPtr const cptr = free_slot();
        auto* const slots = static_cast<Slot*>(carve(untyped, radix + 5));
        insert_original(slot(untyped), slot(cptr), Cap::cnode(slots, radix, 0, 0));
        return {slots, cptr};
    }
    Made<Tcb> carve_thread(CPtr untyped) {
        CPtr const cptr = free_slot();
        auto* const tcb = static_cast<Tcb*>(carve(untyped, 11));
        init_thread(*tcb);
        insert_original(slot(untyped), slot(cptr), Cap::thread(tcb));
        return {tcb, cptr};
    }
    Made<Endpoint> carve_endpoint(CPtr untyped) {
        CPtr const cptr = free_slot();
        auto* const endpoint = static_cast<Endpoint*>(carve(untyped, 4));
        insert_original(slot(untyped), slot(cptr), Cap::endpoint(endpoint, kAllRights, 0));
        return {endpoint, cptr};
    }

    void move(CPtr from, Slot& to) { move_cap(slot(from), to, slot(from).cap); }
    void copy_to(CPtr from, Slot& to) { insert_derived(slot(from), to, slot(from).cap); }

    void block_on_send(Tcb& tcb, Endpoint& endpoint, Word badge = 0) {
        run(tcb);
        send(endpoint, tcb, {badge, true, true, true, true, true});
        schedule(cpu());
    }
    void block_on_receive(Tcb& tcb, const Cap& endpoint, Reply* reply = nullptr) {
        run(tcb);
        receive(tcb, endpoint, reply, true);
        schedule(cpu());
    }

    // What is left, in words that do not depend on addresses.
    std::string state() {
        std::ostringstream out;
        for (CPtr cptr = 0; cptr < 100; ++cptr) {
            Cap const at = cap(cptr);
            if (!at.is_null())
                out << cptr << ": type " << int(at.type()) << (has_children(slot(cptr)) ? " +" : "") << '\n';
        }
        auto const all = inventory();
        out << all.slots.size() << " slots, " << all.threads.size() << " threads, states";
        std::multiset<int> states;
        for (Tcb* tcb : all.threads) states.insert(int(tcb->state));
        for (int value : states) out << ' ' << value;
        for (unsigned i = 0; i < kNumIrqs; ++i) {
            if (kernel.irq_state[i] || machine.masked[i])
                out << " irq " << i << int(kernel.irq_state[i]) << machine.masked[i];
        }
        return out.str();
    }

private:
    void TestBody() override {}
};

using Build = std::function<CPtr(Bench&)>;  // gives the slot to work on
using Work = std::function<Progress(Slot&)>;

// Carries the work out on fresh scenarios, interrupted at the n-th question for every n until a run gets through, then
// at every question.
inline void interrupt_everywhere(const Build& build, const Work& work, const std::function<void(Bench&)>& check) {
    std::string expected;
    {
        Bench bench;
        CPtr const cptr = build(bench);
        bench.expect_sound(false);
        ASSERT_EQ(work(bench.slot(cptr)), Progress::kDone);
        expected = bench.state();
        check(bench);
        bench.expect_sound(false);
    }
    bool got_through = false;
    for (unsigned n = 1; !got_through; ++n) {
        ASSERT_LT(n, 10000u);
        SCOPED_TRACE(::testing::Message() << "interrupted at question " << n);
        Bench bench;
        CPtr const cptr = build(bench);
        machine.preempt_at = n;
        got_through = work(bench.slot(cptr)) == Progress::kDone;
        if (!got_through) {
            bench.expect_sound(false);
            ASSERT_EQ(work(bench.slot(cptr)), Progress::kDone);
        }
        EXPECT_EQ(bench.state(), expected);
        check(bench);
        bench.expect_sound(false);
        if (::testing::Test::HasFailure()) return;
    }
    SCOPED_TRACE("interrupted at every question");
    Bench bench;
    CPtr const cptr = build(bench);
    unsigned times = 0;
    do {
        machine.preempt_at = 1;
        ASSERT_LT(++times, 10000u);
        bench.expect_sound(false);
    } while (work(bench.slot(cptr)) == Progress::kPreempted);
    EXPECT_EQ(bench.state(), expected);
    check(bench);
}

inline void nothing(Bench&) {}

}  // namespace keel::testing
