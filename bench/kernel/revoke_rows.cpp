// Revoking many capabilities at once; each row is one revocation, not one per capability.
#include "bench.h"

namespace kos::bench {

using namespace sel4;

namespace {

constexpr Word kMany = 1000;

CallRegisters staged_revoke(CPtr slot) {
    return staged(seL4_CapInitThreadCNode, seL4_CNodeRevoke, {}, {slot, seL4_WordBits});
}

bool copy_into_all(Row& row, CPtr original, CPtr first_slot, Word data) {
    for (Word i = 0; i < kMany; ++i) {
        const SlotPath to = roottask::root_slot(first_slot + i);
        const SlotPath from = roottask::root_slot(original);
        const Result result = data == 0 ? cnode_copy(to, from) : cnode_mint(to, from, seL4_AllRights, data);
        if (!row.check_ok(result, "a copy into an empty slot")) {
            return false;
        }
    }
    return true;
}

// Before and after the revocation the slots are filled: that works only if all are empty and the original is there.
void revoke_copies(Row& row, CPtr original, Word data) {
    const CPtr first = row.arena().slots(kMany);
    if (copy_into_all(row, original, first, data)) {
        repeat(row, 1, staged_revoke(original));
        copy_into_all(row, original, first, data);
    }
}

void revoke_untyped(Row& row, Word type, Word untyped_bits) {
    const CPtr untyped = row.make(seL4_UntypedObject, untyped_bits);
    roottask::ObjectAllocator objects(untyped, row.arena().slots(kMany), kMany);
    row.check(objects.make_many(type, 0, kMany) != kNullCap, "the objects can be made");
    repeat(row, 1, staged_revoke(untyped));
    roottask::ObjectAllocator again(untyped, objects.first_slot(), kMany);
    row.check(again.make_many(type, 0, kMany) != kNullCap, "memory and slots are free again");
}

// 1 MiB of frames made by one invocation and revoked by another; the memory has to be cleared on the way.
void retype_and_revoke_frames(Row& row) {
    constexpr Word kFrames = SEL4_RETYPE_FAN_OUT_LIMIT;
    constexpr Word kPasses = 8;
    const CPtr untyped = row.make(seL4_UntypedObject, 20);
    const CPtr first = row.arena().slots(kFrames);
    row.check_ok(untyped_retype(untyped, seL4_ARM_SmallPageObject, 0,
                                {.root = seL4_CapInitThreadCNode, .offset = first, .count = kFrames}),
                 "the first frames");
    row.check_ok(cnode_revoke(roottask::root_slot(untyped)), "revoking the first frames");
    repeat(row, kPasses,
           staged(untyped, seL4_UntypedRetype, {seL4_CapInitThreadCNode},
                  {seL4_ARM_SmallPageObject, 0, 0, 0, first, kFrames}),
           staged_revoke(untyped));
}

}  // namespace

void revoke_rows(Bench& bench) {
    bench.row("revoke/1000_copies_of_endpoint", [](Row& row) { revoke_copies(row, row.make(seL4_EndpointObject), 0); });
    bench.row("revoke/1000_badged_endpoints", [](Row& row) { revoke_copies(row, row.make(seL4_EndpointObject), 9); });
    bench.row("revoke/1000_copies_of_frame",
              [](Row& row) { revoke_copies(row, row.make(seL4_ARM_SmallPageObject), 0); });
    bench.row("revoke/untyped_with_1000_endpoints",
              [](Row& row) { revoke_untyped(row, seL4_EndpointObject, seL4_EndpointBits + 10); });
    bench.row("revoke/untyped_with_1000_notifications",
              [](Row& row) { revoke_untyped(row, seL4_NotificationObject, seL4_NotificationBits + 10); });
    bench.row("revoke/untyped_with_1000_tcbs",
              [](Row& row) { revoke_untyped(row, seL4_TCBObject, seL4_TCBBits + 10); });
    bench.row("retype_and_revoke/256_frames", retype_and_revoke_frames);
}

}  // namespace kos::bench
