// Root works on its caller's time. This domain makes a thread and a scheduling context of its own memory, lets the
// thread make requests on another core, and deletes the context in the middle of one. Root has to go on.
#define RECORDS_HERE
#include "../../common/records.h"

#include <kos/mem.h>
#include <kos/root.h>

#include <kos/sel4/objects.h>

using namespace kos::sel4;

namespace {

constexpr unsigned kRounds = 40;
constexpr Word kBytes = 64 * KOS_PAGE_BYTES;

alignas(16) unsigned char stack[16384];

// Has neither thread-local storage nor a message buffer: four words are enough.
[[noreturn]] void work() {
    for (;;) {
        Message const mapped =
            call(KOS_SLOT_ROOT, Tag::make(KOS_ROOT_MEM_MAP, 4), {{kBytes, KOS_MEM_READ | KOS_MEM_WRITE, 0, 0}});
        call(KOS_SLOT_ROOT, Tag::make(KOS_ROOT_MEM_UNMAP, 4), {{mapped.words[0], kBytes, 0, 0}});
    }
}

SlotPath own(Word slot) { return {KOS_SLOT_CNODE, slot, 64}; }

Word take_slot() {
    uint64_t slot = 0;
    kos_assert_ok(kos_root_slot_take(&slot));
    return slot;
}

bool make(Word untyped, Word type, Word size_bits, Word slot) {
    return untyped_retype(untyped, type, size_bits, {KOS_SLOT_CNODE, 0, 0, slot, 1}).ok();
}

bool start(Word tcb, Word context) {
    const kos_startup_kernel_t& kernel = kos_app_startup()->kernel;
    uint64_t words[4] = {context, 1, 0, 0};
    seL4_UserContext registers{};
    registers.pc = reinterpret_cast<Word>(&work);
    registers.sp = reinterpret_cast<Word>(stack + sizeof stack);
    return kos_status_is_ok(kos_root_request(KOS_ROOT_TIME_GIVE, words)) &&
           tcb_configure(tcb, {kernel.cspace, 0, kernel.vspace, 0}, 0, kernel.vspace).ok() &&
           tcb_set_sched_params(tcb, kernel.authority, {0, kernel.program_priority, context, kNullCap}).ok() &&
           tcb_write_registers(tcb, Resume::kYes, seL4_UserContext_Words, registers).ok();
}

// A different part of a request each time.
void wait_a_while(unsigned round) {
    // Where cores take turns, the other one has its turn while this one has nothing to do.
    kos_thread_yield();
    uint64_t const end = kos_time_after_us(round * 37 % 200);
    while (kos_time_ticks() < end) {
    }
}

}  // namespace

int main(int, char**) {
    begin_records();
    const kos_startup_t* const startup = kos_app_startup();
    Word const untyped =
        reinterpret_cast<const kos_startup_untyped_t*>(reinterpret_cast<uintptr_t>(startup) + startup->untypeds.offset)
            ->slot;
    Word const tcb = take_slot(), context = take_slot();
    bool done = make(untyped, seL4_TCBObject, 0, tcb);
    uint64_t longest = 0;
    for (unsigned round = 0; round < kRounds && done; ++round) {
        done = make(untyped, seL4_SchedContextObject, seL4_MinSchedContextBits, context) && start(tcb, context);
        wait_a_while(round);
        cnode_delete(own(context));
        uint64_t const before = kos_time_ticks();
        uint64_t words[4] = {};
        done = done && kos_root_request(KOS_ROOT_MEM_STATUS, words) == KOS_STATUS_OK;
        uint64_t const took = kos_time_ticks() - before;
        if (took > longest) longest = took;
        tcb_suspend(tcb);
        kos_thread_yield();
    }
    check("root goes on without the time of its caller", done, 0);
    // Side by side, on the time of the host, that is a matter of luck.
    check("some were in the middle of a request", longest > kos_time_hz() / 1000 || startup->cores > 2, 0);
    check("after so many us", longest < kos_time_hz(), static_cast<int64_t>(longest * 1000000 / kos_time_hz()));
    print_verdict();
    return 0;
}
