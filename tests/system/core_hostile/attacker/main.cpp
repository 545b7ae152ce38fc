// A domain that does what it may not, one attack per request (../attacks.h).
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/mem.h>
#include <kos/msg.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <string.h>

#include "../../common/faults.h"
#include "../../common/peer.h"
#include "../attacks.h"
#include "attacker.h"

#include <kos/sel4/objects.h>

using namespace kos::sel4;

namespace {

kos_slot_t peer, active;

SlotPath own(Word slot) { return {KOS_SLOT_CNODE, slot, 64}; }
Word slots_end() { return kos_app_startup()->free_slot_end; }
Word free_slot() { return slots_end() - 2; }

// An empty slot answers a copy of it with an error.
bool is_filled(Word slot) {
    bool const copied = cnode_copy(own(free_slot()), own(slot)).ok();
    cnode_delete(own(free_slot()));
    return copied;
}

bool is_left_alone(Word slot) {
    // What the attacker could only end or stop itself with, and its way back to the judge.
    return slot == KOS_SLOT_REPORT || slot == KOS_SLOT_PORT || slot == KOS_SLOT_CNODE;
}

uint64_t invoke_slots(uint64_t seed) {
    Random random(seed);
    uint64_t through = 0;
    for (Word slot = 0; slot < slots_end(); ++slot) {
        if (is_left_alone(slot)) continue;
        bool const was_filled = is_filled(slot);
        for (unsigned i = 0; i < 4; ++i) {
            // Of the kernel's methods; of servers, a label that none knows.
            Word const label = was_filled ? 0xfff1 + random.below(0x1000) : random.below(80);
            Message const answer = call(slot, Tag::make(label, 4), {{random.next(), random.next(), random.next(), 0}});
            bool const is_refused = answer.label() != 0 || was_filled;
            through += !is_refused;
        }
    }
    return through;
}

uint64_t forge_badges() {
    const kos_startup_t* const startup = kos_app_startup();
    uint64_t through = 0;
    Word const to = free_slot();
    Word const replies_first =
        *reinterpret_cast<const uint64_t*>(reinterpret_cast<uintptr_t>(startup) + startup->replies.offset);
    for (Word slot = 1; slot < startup->free_slot_first; ++slot) {
        // What its own threads sleep on has no badge and is nobody else's.
        bool const is_park = slot >= startup->park_slot_first && slot < startup->park_slot_first + startup->threads_max;
        if (!is_filled(slot) || slot == KOS_SLOT_CNODE || is_park) continue;
        bool const is_reply = slot >= replies_first && slot < replies_first + startup->replies.count;
        for (unsigned bit = 0; bit < 64; ++bit) {
            bool const minted = cnode_mint(own(to), own(slot), seL4_AllRights, Word{1} << bit).ok();
            // The receive-only end of its own port may get a badge, which is of no use: nothing can be sent. Reply
            // objects have none: a copy, no more.
            if (minted && slot == KOS_SLOT_PORT) {
                through += call(to, Tag::make(0xfff1, 4)).label() != seL4_InvalidCapability;
            } else if (minted) {
                through += !is_reply;
            }
            cnode_delete(own(to));
            through += cnode_mutate(own(to), own(slot), Word{1} << bit).ok() && slot != KOS_SLOT_PORT && !is_reply;
            cnode_move(own(slot), own(to));  // back, if it went
        }
    }
    return through;
}

// Afterwards the attacker is a ruin; the judge looks whether anybody else is.
uint64_t own_caps() {
    uint64_t through = 0;
    for (Word slot = 1; slot < slots_end(); ++slot) {
        // The kernel takes everything without a badge for nothing to do.
        if (slot != KOS_SLOT_PORT && slot != KOS_SLOT_CNODE && is_filled(slot)) cnode_cancel_badged_sends(own(slot));
        cnode_revoke(own(slot));
    }
    for (Word slot = 1; slot < slots_end(); ++slot) {
        if (slot == KOS_SLOT_CNODE) continue;
        cnode_rotate(own(slot), 0, own(free_slot()), 0, own(KOS_SLOT_ROOT));
        cnode_delete(own(slot));
    }
    cnode_revoke(own(KOS_SLOT_CNODE));
    cnode_delete(own(KOS_SLOT_CNODE));
    return through;
}

void attack_root(uint64_t seed) {
    Random random(seed);
    for (unsigned i = 0; i < 600; ++i) {
        Word const label = random.below(4) ? random.below(48) : random.next() >> 12;
        if (label == KOS_ROOT_THREAD_START || label == KOS_ROOT_THREAD_STOP) continue;  // of its own: ends only itself
        Word words[4];
        for (Word& word : words) {
            switch (random.below(4)) {
                case 0: word = random.below(16); break;
                case 1: word = random.below(512) * 4096; break;
                case 2: word = ~random.below(16); break;
                default: word = random.next(); break;
            }
        }
        Word const slot = random.below(8) ? Word{KOS_SLOT_ROOT} : KOS_SLOT_THREADS + random.below(2);
        ipc_buffer()->caps_or_badges[0] = KOS_SLOT_NOTIFICATION;
        for (unsigned j = 4; j < 20; ++j) ipc_buffer()->msg[j] = random.next();
        call(slot, Tag::make(label, random.below(121), random.below(2)), {{words[0], words[1], words[2], words[3]}});
    }
}

void attack_reports() {
    for (Word i = 0; i < 100000; ++i) {
        Word const label = i % 3 == 0 ? Word{KOS_REPORT_READY} : i % 3 == 1 ? Word{KOS_REPORT_RETURN} : 1000 + i;
        call(KOS_SLOT_REPORT, Tag::make(label, 4), {{i % 20, ~i, i, 0}});
    }
}

void attack_messages(uint64_t seed) {
    Random random(seed);
    for (unsigned i = 0; i < 600; ++i) {
        Word const label = random.below(3) ? 100 + random.below(100) : random.next() >> 12;
        Word const metadata = random.below(2) ? random.next() : random.below(1 << 19);
        seL4_IPCBuffer* const buffer = ipc_buffer();
        // First the connection itself, which the kernel unwraps, then one that goes across.
        buffer->caps_or_badges[0] = random.below(2) ? peer : Word{KOS_SLOT_NOTIFICATION};
        buffer->caps_or_badges[1] = KOS_SLOT_NOTIFICATION;
        buffer->caps_or_badges[2] = KOS_SLOT_ROOT;
        call(random.below(4) ? peer : active, Tag::make(label, random.below(121), random.below(4)),
             {{random.next(), metadata, random.next(), random.next()}});
    }
}

kos_startup_connection_t connection_to(const char* name) {
    const kos_startup_t* const startup = kos_app_startup();
    auto* entry = reinterpret_cast<const kos_startup_connection_t*>(reinterpret_cast<uintptr_t>(startup) +
                                                                    startup->connections.offset);
    for (uint32_t i = 0; i < startup->connections.count; ++i, ++entry) {
        if (!strcmp(entry->name, name)) return *entry;
    }
    kos_stop("no such connection");
}

// A second thread writes while the first one calls.
uint64_t scribble_at, scribble_bytes;
[[noreturn]] void scribble(void*) {
    Random random(7);
    for (;;) {
        auto* const words = reinterpret_cast<volatile uint32_t*>(scribble_at);
        words[random.below(scribble_bytes / sizeof(uint32_t))] = static_cast<uint32_t>(random.next());
        words[0] = static_cast<uint32_t>(random.next());  // `written` of a queue
    }
}

void attack_shared(uint64_t address, uint64_t bytes, bool is_queue) {
    scribble_at = address;
    scribble_bytes = bytes;
    kos_thread_t* thread = nullptr;
    kos_assert_created(kos_thread_create(scribble, nullptr, 0, &thread));
    kos_thread_start(thread);
    static unsigned char payload[KOS_PAYLOAD_MAX];
    for (unsigned i = 0; i < 100; ++i) {
        uint64_t value = i;
        if (is_queue) {
            kos_msg_send(peer, kPeerEcho, &value, sizeof value);
            kos_root_signal(connection_to("peer").queue_signal);
        }
        kos_msg_t message{};
        message.label = kPeerEcho;
        message.payload = payload;
        message.payload_bytes = sizeof payload;
        kos_msg_call(peer, &message);
    }
    kos_thread_stop(thread);
}

void attack_receive_path(uint64_t seed) {
    Random random(seed);
    for (unsigned i = 0; i < 200; ++i) {
        seL4_IPCBuffer* const buffer = ipc_buffer();
        buffer->receiveCNode = random.below(2) ? random.below(600) : random.next();
        buffer->receiveIndex = random.below(2) ? random.below(600) : random.next();
        buffer->receiveDepth = random.below(2) ? 64 : random.next();
        call(peer, Tag::make(kPeerTokenMake, 4), {{1 + i, KOS_METADATA_WORDS, 0, 0}});
        call(peer, Tag::make(kPeerTokenRevoke, 4), {{1 + i, 0, 0, 0}});
    }
}

void attack_thread_faults() {
    uint64_t words[4] = {1, 0, 0, 0};
    kos_root_request(KOS_ROOT_FAULT_HANDLER, words);
    kos_thread_t* thread = nullptr;
    kos_assert_created(kos_thread_create([](void*) { go_wrong(kFaultNullWrite); }, nullptr, 0, &thread));
    kos_thread_start(thread);
    for (;;) {
        words[0] = 0;
        if (kos_root_request(KOS_ROOT_FAULT_NEXT, words) == KOS_STATUS_OK) kos_thread_restart(thread);
    }
}

void attack_little_time(uint64_t ms) {
    uint64_t const end = kos_time_after_us(ms * 1000);
    while (kos_time_ticks() < end) {
        uint64_t param = 200, words[2] = {};
        kos_msg_call_words(peer, kPeerSpin, &param, words);
    }
}

void attack_mapping(uint64_t ms) {
    uint64_t const end = kos_time_after_us(ms * 1000);
    while (kos_time_ticks() < end) {
        constexpr size_t kBytes = 16 << 20;
        void* memory = nullptr;
        kos_assert_ok(kos_mem_map(kBytes, KOS_MEM_READ | KOS_MEM_WRITE, &memory));
        kos_assert_ok(kos_mem_unmap(memory, kBytes));
    }
}

void attack_replies() {
    const kos_startup_t* const startup = kos_app_startup();
    auto* const slots =
        reinterpret_cast<const uint64_t*>(reinterpret_cast<uintptr_t>(startup) + startup->replies.offset);
    for (unsigned i = 0; i < 2 * startup->replies.count; ++i) reply(slots[i / 2], Tag::make(KOS_STATUS_OK, 4));
}

// Root answers whoever has called, on his time: here there is nobody left to answer, and the time would be gone.
uint64_t attack_stops_itself() {
    kos_thread_t* thread = nullptr;
    kos_assert_created(kos_thread_create(
        [](void*) {
            for (;;) call(KOS_SLOT_ROOT, Tag::make(KOS_ROOT_THREAD_STOP, 1), {{1, 0, 0, 0}});
        },
        nullptr, 0, &thread));
    kos_thread_start(thread);
    for (unsigned periods = 0; periods < 5; ++periods) kos_thread_yield();
    return 0;
}

// What is sent like this brings the sender's time along, and no answer takes it home.
void attack_leaves_time() {
    kos_thread_t* thread = nullptr;
    kos_assert_created(kos_thread_create(
        [](void*) {
            nb_send_recv(KOS_SLOT_ROOT, Tag::make(KOS_ROOT_MEM_STATUS, 4), {}, kos_app_startup()->park_slot_first + 1,
                         kNullCap);
        },
        nullptr, 0, &thread));
    kos_thread_start(thread);
    kos_thread_yield();
    kos_thread_yield();
    go_wrong(kFaultNullWrite);
}

kos_status_t serve(kos_server_t*, const kos_caller_t*, const kos_msg_t* request, kos_msg_t* answer) {
    switch (request->label) {
        case kAttackNothing: break;
        case kAttackInvokeSlots: answer->param = invoke_slots(request->param); break;
        case kAttackForgeBadges: answer->param = forge_badges(); break;
        case kAttackOwnCaps: answer->param = own_caps(); break;
        case kAttackMemory:
            attack_memory(request->param);
            answer->param = 1;
            break;
        case kAttackRoot: attack_root(request->param); break;
        case kAttackReports:
            attack_reports();
            answer->param = 1;
            break;
        case kAttackMessages: attack_messages(request->param); break;
        case kAttackQueue: attack_shared(connection_to("peer").queue, KOS_PAGE_BYTES, true); break;
        case kAttackWindow: attack_shared(connection_to("peer").window, KOS_PAGE_BYTES, false); break;
        case kAttackReceivePath: attack_receive_path(request->param); break;
        case kAttackSystemCalls: {
            SyscallRegisters registers{};
            registers.x7 = request->param;
            svc(registers);
            answer->param = 1;
            break;
        }
        case kAttackThreadFaults: attack_thread_faults(); break;
        case kAttackLittleTime: attack_little_time(request->param); break;
        case kAttackMapping: attack_mapping(request->param); break;
        case kAttackReplies: attack_replies(); break;
        case kAttackStopsItself: answer->param = attack_stops_itself(); break;
        case kAttackLeavesTime:
            attack_leaves_time();
            answer->param = 1;
            break;
        default: return KOS_STATUS_BAD_REQUEST;
    }
    return KOS_STATUS_OK;
}

}  // namespace

int main(int, char**) {
    kos_assert_ok(kos_dir_request("peer", &peer));
    kos_assert_ok(kos_dir_request("active", &active));
    kos_server_t server = {.call = serve, .queued = nullptr, .signalled = nullptr, .context = nullptr};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
