// The loop of a server (kos/server.h): receive, decode once, hand to the call-backs, answer.
#include "runtime.h"

#include <kos/dir.h>
#include <kos/mem.h>
#include <kos/ports.h>
#include <kos/server.h>
#include <kos/time.h>

#include <kos/sel4/objects.h>

#include <string.h>

using namespace kos;
using namespace kos::runtime;

namespace {

// Each thread that serves has its own of this.
struct Serving {
    kos_server_t* server;
    CPtr reply;                   // where the next caller goes
    kos_slot_t receive_slot;      // where the next request's token would arrive
    kos_slot_t prepared_index;    // the same as the message buffer has it; without a slot what it never has
    unsigned char* request_copy;  // KOS_PAYLOAD_MAX bytes
    bool deferred;                // the present caller will be answered later
    kos_token_t given;            // went with the answer: to be deleted once that is sent; 0: none
};
thread_local Serving serving;
constexpr kos_slot_t kNotPrepared = ~kos_slot_t{0};

// Reply objects, by their index in the startup block's replies.
uint32_t replies_taken;                    // bit n: by a thread, or by a deferred caller
uint8_t reply_of_thread[KOS_MAX_THREADS];  // index + 1 of a thread's current one; 0: it does not serve

kos_caller_t decode_badge(Word badge) {
    return {static_cast<uint16_t>(badge >> KOS_BADGE_DOMAIN_SHIFT & KOS_BADGE_DOMAIN_MASK),
            static_cast<uint32_t>(badge >> KOS_BADGE_PORT_SHIFT & KOS_BADGE_PORT_MASK), badge & KOS_BADGE_TOKEN_MASK};
}

// How a server sees a token's number.
kos_caller_t without_single_use(kos_caller_t caller) {
    caller.token &= ~KOS_TOKEN_NUMBER_SINGLE_USE;
    return caller;
}

const kos_startup_client_t* find_client(const kos_caller_t& caller) {
    for (const kos_startup_client_t& client : entries<kos_startup_client_t>(startup->clients)) {
        if (client.domain == caller.domain && client.port == caller.port) return &client;
    }
    return nullptr;
}

// Before each receive: calls that a handler has made use the same place in the message buffer.
void prepare_receive(Serving& own) {
    if (!own.receive_slot) own.receive_slot = allocate_slot();
    receive_into(own.receive_slot);
    own.prepared_index = own.receive_slot ? own.receive_slot : kNotPrepared;
}

struct Reply {
    Tag tag;
    Words words;
};

Reply status_reply(kos_status_t status) { return {Tag::make(status, 4), {}}; }

// Checks what the server wrote into its answer and turns it into registers; the payload goes into the client's window.
// The answer's token is to be deleted after the answer was sent, also if it is not part of it.
Reply encode(kos_status_t status, const kos_msg_t& answer, const kos_startup_client_t* client) {
    if (answer.payload_bytes > KOS_PAYLOAD_MAX || (answer.payload_bytes && !(client && client->window))) {
        return status_reply(KOS_STATUS_INTERNAL_ERROR);
    }
    if (answer.payload_bytes) {
        memmove(reinterpret_cast<void*>(client->window), answer.payload, answer.payload_bytes);
    }
    Word metadata = answer.payload_bytes;
    if (answer.has_words) metadata |= KOS_METADATA_WORDS;
    if (answer.token) {
        metadata |= KOS_METADATA_TOKEN;
        sel4::ipc_buffer()->caps_or_badges[0] = answer.token;
    }
    return {Tag::make(status, 4, answer.token ? 1 : 0), {{answer.param, metadata, answer.words[0], answer.words[1]}}};
}

// The capability that came with a request.
struct Carried {
    bool is_one;         // exactly one
    kos_slot_t token;    // its slot
    kos_caller_t badge;  // or which of the own tokens it is
};

[[gnu::noinline]] Carried take_capability(Serving& own, const sel4::Message& message) {
    bool const is_one = message.tag.extra_caps() == 1;
    // A capability to the endpoint that the message came through is not handed over: its badge is told instead.
    if (is_one && message.tag.caps_unwrapped() == 1) {
        return {true, KOS_SLOT_NULL, without_single_use(decode_badge(sel4::ipc_buffer()->caps_or_badges[0]))};
    }
    kos_slot_t const slot = own.receive_slot;
    own.receive_slot = KOS_SLOT_NULL;
    if (is_one && message.tag.caps_unwrapped() == 0) return {true, slot, {}};
    // More than may come. One may lie in the slot, which the next token needs.
    if (slot) free_slot(slot);
    return {false, KOS_SLOT_NULL, {}};
}

// The first use of a token for one revokes it; whoever comes second finds nothing to revoke.
[[gnu::noinline]] bool use_up(const kos_caller_t& caller) {
    Answer const revoked = call_root(KOS_ROOT_TOKEN_REVOKE, caller.port, caller.token);
    if (kos_status_is_ok(revoked.status)) forget_token(caller.port, caller.token);
    return kos_status_is_ok(revoked.status);
}

// Decodes a request; false: answered with `refusal`.
bool decode(Serving& own, const sel4::Message& message, const kos_caller_t& caller, const kos_startup_client_t* client,
            kos_msg_t& request, kos_status_t& refusal) {
    Word const metadata = message.length() >= 4 ? message.words[1] : ~Word{0};
    Word const bytes = metadata & KOS_METADATA_BYTES_MASK;
    Carried carried{};
    if (message.tag.extra_caps()) [[unlikely]] {
        carried = take_capability(own, message);
    }
    bool const is_valid = !(metadata & ~KOS_METADATA_KNOWN) && bytes <= KOS_PAYLOAD_MAX &&
                          (bytes == 0 || (client && client->window)) &&
                          carried.is_one == ((metadata & KOS_METADATA_TOKEN) != 0) && message.label() <= KOS_LABEL_PING;
    refusal = KOS_STATUS_BAD_REQUEST;
    bool const is_used_up = is_valid && caller.token & KOS_TOKEN_NUMBER_SINGLE_USE && !use_up(caller);
    if (is_used_up) refusal = KOS_STATUS_INVALID_TOKEN;
    if (!is_valid || is_used_up) {
        if (carried.token) free_slot(carried.token);
        return false;
    }
    if (carried.token) set_connection_of(carried.token, -1);
    if (bytes) memcpy(own.request_copy, reinterpret_cast<const void*>(client->window), bytes);
    request = kos_msg_t{.label = message.label(),
                        .param = message.words[0],
                        .words = {message.words[2], message.words[3]},
                        .payload = bytes ? own.request_copy : nullptr,
                        .payload_bytes = static_cast<uint32_t>(bytes),
                        .has_words = (metadata & KOS_METADATA_WORDS) != 0,
                        .reserved = {},
                        .token = carried.token,
                        .own = carried.badge};
    return true;
}

Reply serve_call(kos_server_t* server, Serving& own, const sel4::Message& message) {
    kos_caller_t caller = decode_badge(message.badge);
    const kos_startup_client_t* const client = find_client(caller);
    kos_msg_t request;
    kos_status_t refusal;
    if (!decode(own, message, caller, client, request, refusal)) return status_reply(refusal);
    if (request.label == KOS_LABEL_PING) return status_reply(KOS_STATUS_PONG);
    caller = without_single_use(caller);
    kos_msg_t answer{};
    kos_status_t const status = server->call(server, &caller, &request, &answer);
    own.given = answer.token;
    return encode(status, answer, client);
}

// Everything that is in the client's queue now; not what it adds meanwhile, so that it cannot keep us here.
void serve_queue(kos_server_t* server, const kos_startup_client_t& client) {
    auto* const queue = reinterpret_cast<kos_queue_t*>(client.queue);
    uint32_t const written = __atomic_load_n(&queue->written, __ATOMIC_ACQUIRE);
    uint32_t read = __atomic_load_n(&queue->read, __ATOMIC_RELAXED);
    if (written - read > KOS_QUEUE_ENTRIES) {
        // Nonsense: the client has written over it. It begins anew, or its next instance could not send either.
        read = written;
        __atomic_store_n(&queue->read, read, __ATOMIC_RELEASE);
    }
    kos_caller_t const caller{client.domain, client.port, 0};
    for (; read != written; ++read) {
        kos_queue_entry_t entry;
        memcpy(&entry, &queue->entries[read % KOS_QUEUE_ENTRIES], sizeof entry);
        __atomic_store_n(&queue->read, read + 1, __ATOMIC_RELEASE);
        if (entry.bytes <= KOS_QUEUE_INLINE_BYTES && server->queued) {
            server->queued(server, &caller, entry.label, entry.data, entry.bytes);
        }
    }
}

void serve_queues(kos_server_t* server) {
    for (const kos_startup_client_t& client : entries<kos_startup_client_t>(startup->clients)) {
        if (client.queue) serve_queue(server, client);
    }
}

// Returns false once the domain shall stop.
bool serve_signals(kos_server_t* server, Word badge) {
    if (badge & KOS_SIGNAL_HEALTH) kos_app_alive();
    if (badge & KOS_SIGNAL_QUEUE) {
        serve_queues(server);
    }
    if (badge & KOS_SIGNAL_ALARM) badge |= kos_time_alarm_bits();
    Word const rest = badge & ~(KOS_BADGE_NOTIFICATION | KOS_SIGNAL_HEALTH | KOS_SIGNAL_QUEUE | KOS_SIGNAL_ALARM);
    if (rest & KOS_SIGNAL_STOP) __atomic_store_n(&life()->state, KOS_LIFE_STOPPING, __ATOMIC_RELEASE);
    if (rest && server->signalled) {
        is_in_signalled = true;
        server->signalled(server, rest);
        is_in_signalled = false;
    }
    return !(rest & KOS_SIGNAL_STOP);
}

sel4::Message receive_after_signals(CPtr reply) {
    CPtr const interrupt = acknowledged_later;
    if (!interrupt) return sel4::recv(KOS_SLOT_PORT, reply);
    acknowledged_later = 0;
    Tag const acknowledge = Tag::make(sel4::shifted_label(seL4_IRQAckIRQ), 0);
    return sel4::nb_send_recv(interrupt, acknowledge, Words{}, KOS_SLOT_PORT, reply);
}

// The next reply object to receive with; 0: all are taken.
CPtr take_reply() {
    for (unsigned index = 0; index < startup->replies.count; ++index) {
        if (__atomic_fetch_or(&replies_taken, 1u << index, __ATOMIC_ACQ_REL) & 1u << index) continue;
        reply_of_thread[thread_number()] = static_cast<uint8_t>(index + 1);
        return table<uint64_t>(startup->replies)[index];
    }
    return 0;
}

void give_reply_back(CPtr reply) {
    unsigned index = 0;
    for (uint64_t slot : entries<uint64_t>(startup->replies)) {
        if (slot == reply) __atomic_fetch_and(&replies_taken, ~(1u << index), __ATOMIC_RELEASE);
        ++index;
    }
}

// The main thread's buffer is static; the others' are mapped at first use and kept for the next thread.
unsigned char* copy_buffer() {
    alignas(16) static unsigned char main_copy[KOS_PAYLOAD_MAX];
    static unsigned char* copies[KOS_MAX_THREADS];
    unsigned const number = thread_number();
    if (number == 0) return main_copy;
    void* mapped = copies[number];
    if (!mapped && !kos_status_is_ok(kos_mem_map(KOS_PAYLOAD_MAX, KOS_MEM_READ | KOS_MEM_WRITE, &mapped))) {
        return nullptr;
    }
    copies[number] = static_cast<unsigned char*>(mapped);
    return copies[number];
}

kos_status_t bind_ports() {
    const kos_startup_connection_t* const directory = find_connection("directory");
    if (!directory) return KOS_STATUS_OK;  // the directory itself, and what it depends on
    for (const kos_startup_port_t& port : entries<kos_startup_port_t>(startup->ports)) {
        // One way if possible: whoever restarts the directory must not wait for it, and a directory that is just being
        // restarted finds the message in its queue.
        uint32_t const words[2] = {port.port, startup->instance};
        if (kos_msg_send(directory->slot, KOS_DIR_BIND, words, sizeof words) == KOS_STATUS_OK) continue;
        kos_status_t const status = kos_dir_bind(port.name);
        if (!kos_status_is_ok(status)) return status;
    }
    return KOS_STATUS_OK;
}

bool has_loan() { return __atomic_load_n(&life()->loans, __ATOMIC_RELAXED) >> thread_number() & 1; }

// A message that is words and nothing else: no look-up, nothing to copy, no capability, no label of libkos's own. What
// a request may not be is the same as in decode(), which everything else goes through. Whether it is a request that is
// served at once says the badge.
constexpr Word kSpecialBadge = KOS_BADGE_NOTIFICATION | KOS_TOKEN_NUMBER_SINGLE_USE;
[[gnu::always_inline]] inline bool is_words_only(const sel4::Message& message) {
    // The label, if the rest of the tag says four words and no capability; more than any label otherwise.
    Word const rest = message.tag.word - Tag::make(0, 4).word;
    Word const label = rest >> seL4_MessageInfo_LabelShift | rest << (64 - seL4_MessageInfo_LabelShift);
    return label < KOS_LABEL_PING && message.words[1] == KOS_METADATA_WORDS;
}

// Sends the answer, unless it will be given later, and receives the next message.
[[gnu::always_inline]] inline sel4::Message send_and_receive(Serving& own, const Reply& reply) {
    bool const is_deferred = own.deferred;
    own.deferred = false;
    prepare_receive(own);
    if (has_loan()) {
        // The next request shall have its own time, not what is left of this one's.
        if (!is_deferred) sel4::reply(own.reply, reply.tag, reply.words);
        return sel4::nb_send_recv(KOS_SLOT_REPORT, Tag::make(KOS_REPORT_RETURN, 1), Words{{thread_number(), 0, 0, 0}},
                                  KOS_SLOT_PORT, own.reply);
    }
    if (is_deferred) return sel4::recv(KOS_SLOT_PORT, own.reply);
    return sel4::reply_recv(KOS_SLOT_PORT, own.reply, reply.tag, reply.words);
}

// The token of the answer that has just been sent. Only now, because a passive server cannot do anything between
// answering and receiving.
[[gnu::noinline]] void delete_given(Serving& own) {
    // Belongs to the message that has been received meanwhile (decode).
    Word const badge = sel4::ipc_buffer()->caps_or_badges[0];
    kos_msg_token_delete(own.given);
    own.given = 0;
    sel4::ipc_buffer()->caps_or_badges[0] = badge;
}

[[gnu::always_inline]] inline sel4::Message answer_and_receive(Serving& own, const Reply& reply) {
    sel4::Message const message = send_and_receive(own, reply);
    if (own.given) [[unlikely]] {
        delete_given(own);
    }
    return message;
}

// The end of serve_words where there is more to do than that.
[[gnu::noinline, gnu::cold]] sel4::Message answer_words(Serving& own, kos_status_t status, const kos_msg_t& answer,
                                                        const kos_caller_t& caller) {
    own.given = answer.token;
    return answer_and_receive(own, encode(status, answer, find_client(caller)));
}

kos_msg_t message_of(const kos_words_t& words) {
    kos_msg_t message{};
    message.param = words.param;
    message.words[0] = words.words[0];
    message.words[1] = words.words[1];
    message.has_words = 1;
    return message;
}

// Serves requests of words only until something else comes. A function of its own, whose few
// variables stay in registers: this is what a call costs beyond the kernel. kInRegisters: by `call_words` of the
// server, which has one.
template <bool kInRegisters>
[[gnu::noinline]] sel4::Message serve_words(Serving& own, sel4::Message message) {
    kos_server_t* const server = own.server;
    const uint32_t* const loans = &life()->loans;
    uint32_t const own_loan = 1u << thread_number();
    const seL4_IPCBuffer* const buffer = sel4::ipc_buffer();
    // What is the same in all these requests is written once; callers mostly come again.
    Word badge = message.badge;
    kos_caller_t caller = decode_badge(badge);
    kos_msg_t request{};
    request.has_words = 1;
    for (;;) {
        request.label = message.label();
        request.param = message.words[0];
        request.words[0] = message.words[2];
        request.words[1] = message.words[3];
        // Anything but zero if there is more to do than to answer. The place for a token is as it was unless the
        // handler has made calls of its own, or deferred the answer.
        auto const more = [&] {
            return (__atomic_load_n(loans, __ATOMIC_RELAXED) & own_loan) | (buffer->receiveIndex ^ own.prepared_index);
        };
        auto const is_next = [&](const sel4::Message& next) {
            if (!is_words_only(next)) return false;
            if (next.badge != badge) [[unlikely]] {
                if (next.badge & kSpecialBadge) return false;
                badge = next.badge;
                caller = decode_badge(badge);
            }
            return true;
        };
        if constexpr (kInRegisters) {
            kos_words_t words{};
            kos_status_t const status = server->call_words(server, &caller, request.label, request.param,
                                                           request.words[0], request.words[1], &words);
            if (status) [[likely]] {
                if (more()) [[unlikely]] {
                    return answer_words(own, status, message_of(words), caller);
                }
                message = sel4::reply_recv(KOS_SLOT_PORT, own.reply, Tag::make(status, 4),
                                           Words{{words.param, KOS_METADATA_WORDS, words.words[0], words.words[1]}});
                if (!is_next(message)) return message;
                continue;
            }
        }
        kos_msg_t answer{};
        kos_status_t const status = server->call(server, &caller, &request, &answer);
        if (more() | answer.payload_bytes | answer.token) [[unlikely]] {
            return answer_words(own, status, answer, caller);
        }
        message = sel4::reply_recv(
            KOS_SLOT_PORT, own.reply, Tag::make(status, 4),
            Words{{answer.param, answer.has_words ? KOS_METADATA_WORDS : 0, answer.words[0], answer.words[1]}});
        if (!is_next(message)) return message;
    }
}

// Says that the domain is ready and receives the first message, in one system call: a thread that becomes passive
// cannot run in between.
sel4::Message become_ready(CPtr reply) {
    unsigned const number = thread_number();
    if (number == 0) __atomic_store_n(&life()->state, KOS_LIFE_READY, __ATOMIC_RELEASE);
    return sel4::nb_send_recv(KOS_SLOT_REPORT, Tag::make(KOS_REPORT_READY, 1), Words{{number, 0, 0, 0}}, KOS_SLOT_PORT,
                              reply);
}

// A domain without ports has nothing to receive from but its notification.
kos_status_t serve_signals_only(kos_server_t* server) {
    if (thread_number() != 0) return KOS_STATUS_NOT_FOUND;
    is_serving = true;
    kos_status_t const ready = kos_app_ready();
    if (!kos_status_is_ok(ready)) return ready;
    bool goes_on = true;
    while (goes_on) {
        goes_on = serve_signals(server, sel4::wait(KOS_SLOT_NOTIFICATION).badge | take_kept_signals());
        acknowledge_what_was_left();  // there is no caller to look for
    }
    return KOS_STATUS_OK;
}

}  // namespace

void kos::runtime::server_thread_gone(unsigned thread) {
    unsigned const taken = reply_of_thread[thread];
    if (!taken) return;
    reply_of_thread[thread] = 0;
    CPtr const reply = table<uint64_t>(startup->replies)[taken - 1];
    sel4::reply(reply, Tag::make(KOS_STATUS_PEER_GONE, 4));
    give_reply_back(reply);
}

kos_status_t kos_server_run(kos_server_t* server) {
    if (startup->ports.count == 0) return serve_signals_only(server);
    // Passed on by reference: the compiler would compute the address of a thread-local variable at each use.
    Serving& own = serving;
    own.server = server;
    own.deferred = false;
    own.given = 0;
    own.reply = take_reply();
    if (!own.reply) return KOS_STATUS_FULL;
    own.request_copy = copy_buffer();
    if (!own.request_copy) return KOS_STATUS_NOT_ENOUGH_MEMORY;
    kos_status_t const bound = bind_ports();
    if (!kos_status_is_ok(bound)) return bound;
    if (thread_number() == 0) {
        is_serving = true;
        // What was sent while nobody served; the signals were for the instance before.
        serve_queues(server);
    }
    prepare_receive(own);
    sel4::Message message = become_ready(own.reply);
    for (;;) {
        if (is_words_only(message) && !(message.badge & kSpecialBadge)) {
            message = server->call_words ? serve_words<true>(own, message) : serve_words<false>(own, message);
        } else if (message.badge & KOS_BADGE_NOTIFICATION) {
            // With those that a handler received while it waited for one of its own.
            if (!serve_signals(server, message.badge | take_kept_signals())) {
                acknowledge_what_was_left();
                return KOS_STATUS_OK;
            }
            own.deferred = false;  // there was nobody to defer
            prepare_receive(own);
            message = receive_after_signals(own.reply);
        } else {
            message = answer_and_receive(own, serve_call(server, own, message));
        }
    }
}

const char* kos_server_port_name(uint32_t port) {
    for (const kos_startup_port_t& own : entries<kos_startup_port_t>(startup->ports)) {
        if (own.port == port) return own.name;
    }
    return nullptr;
}

kos_status_t kos_server_defer(kos_server_t*, const kos_caller_t* caller, kos_deferred_t* deferred) {
    if (serving.deferred || (startup->main_passive && thread_number() == 0)) return KOS_STATUS_CONFLICT;
    CPtr const next = take_reply();
    if (!next) return KOS_STATUS_FULL;
    *deferred = {serving.reply, *caller};
    serving.reply = next;
    serving.deferred = true;
    serving.prepared_index = kNotPrepared;
    return KOS_STATUS_OK;
}

void kos_server_answer(const kos_deferred_t* deferred, kos_status_t status, const kos_msg_t* answer) {
    static const kos_msg_t kEmpty{};
    Reply const reply = encode(status, answer ? *answer : kEmpty, find_client(deferred->caller));
    sel4::reply(deferred->reply, reply.tag, reply.words);
    give_reply_back(deferred->reply);
    if (answer && answer->token) kos_msg_token_delete(answer->token);
}
