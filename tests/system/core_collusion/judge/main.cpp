// Takes what the givers give: over a port without tokens nothing may come, and what has come over one with tokens may
// not outlive who gave it.
#define RECORDS_HERE
#include "../../common/records.h"

#include <kos/server.h>

#include "../../common/peer.h"
#include "../gifts.h"

#include <kos/sel4/objects.h>

using namespace kos::sel4;

namespace {

SlotPath own(Word slot) { return {KOS_SLOT_CNODE, slot, 64}; }
Word end_of_slots() { return kos_app_startup()->free_slot_end; }

bool is_filled(Word slot) {
    bool const copied = cnode_copy(own(end_of_slots() - 1), own(slot)).ok();
    cnode_delete(own(end_of_slots() - 1));
    return copied;
}

// Whether a capability has come into `slot`.
bool take(kos_slot_t giver, Word which, Word slot) {
    seL4_IPCBuffer* const buffer = ipc_buffer();
    Word const before[] = {buffer->receiveCNode, buffer->receiveIndex, buffer->receiveDepth};
    buffer->receiveCNode = KOS_SLOT_CNODE;
    buffer->receiveIndex = slot;
    buffer->receiveDepth = 64;
    Message const answer = call(giver, Tag::make(kGive, 4), {{which, 0, 0, 0}});
    buffer->receiveCNode = before[0];
    buffer->receiveIndex = before[1];
    buffer->receiveDepth = before[2];
    if (answer.label() != KOS_STATUS_OK) check("the giver answers", 0, static_cast<int64_t>(answer.label()));
    return is_filled(slot);
}

bool can_call_peer(Word slot) {
    return call(slot, Tag::make(kPeerWho, 4), {{0, KOS_METADATA_WORDS, 0, 0}}).label() == KOS_STATUS_OK;
}

// Until the next instance answers.
void end(kos_slot_t giver) {
    call(giver, Tag::make(kEnd, 4));
    Word const nothing = kGiftCount;
    while (call(giver, Tag::make(kGive, 4), {{nothing, 0, 0, 0}}).label() != KOS_STATUS_OK) kos_thread_yield();
}

}  // namespace

int main(int, char**) {
    begin_records();
    kos_slot_t plain = 0, generous = 0;
    kos_assert_ok(kos_dir_request("plain", &plain));
    kos_assert_ok(kos_dir_request("generous", &generous));
    Word const first = end_of_slots() - 2 - kGiftCount;

    for (Word which = 0; which < kGiftCount; ++which) {
        bool const came = take(plain, which, first + which);
        check("nothing comes over a port without tokens", !came, static_cast<int64_t>(which));
        cnode_delete(own(first + which));
    }

    for (Word which = 0; which < kGiftCount; ++which) {
        check("over one with tokens it does", take(generous, which, first + which), static_cast<int64_t>(which));
    }
    check("and can be used", can_call_peer(first + kGiftConnection), 0);
    Message const status = call(first + kGiftRoot, Tag::make(KOS_ROOT_MEM_STATUS, 0));
    check("in the giver's name", status.label() == KOS_STATUS_OK && status.words[0] == 1 << 20,
          static_cast<int64_t>(status.words[0]));
    end(generous);
    for (Word which = 0; which < kGiftCount; ++which) {
        check("until the giver ends", !is_filled(first + which), static_cast<int64_t>(which));
    }
    check("a new one has what it needs", take(generous, kGiftConnection, first) && can_call_peer(first), 0);
    end(generous);
    check("which ends as well", !is_filled(first), 0);
    print_verdict();
    return 0;
}
