// Calls and one-way messages of a client (kos/msg.h).
#include "runtime.h"

#include <kos/dir.h>
#include <kos/sync.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <kos/sel4/objects.h>

#include <string.h>

using namespace kos;
using namespace kos::runtime;

namespace {

// A connection's window is one for all threads: who writes a payload into it keeps the others away until the answer's
// has been copied out. Not for calls without payload, which stay on the fast path.
kos_mutex_t window_locks[KOS_MAX_CONNECTIONS];
// And a queue has one producer at a time. Never held during a call.
kos_mutex_t queue_locks[KOS_MAX_CONNECTIONS];

class ConnectionLock {
public:
    ConnectionLock(kos_mutex_t* locks, const kos_startup_connection_t* connection, bool needed,
                   uint64_t deadline_ticks = KOS_FOREVER)
        : lock_(needed && startup->threads_max > 1
                    ? &locks[connection - table<kos_startup_connection_t>(startup->connections)]
                    : nullptr) {
        if (!lock_) return;
        if (deadline_ticks == KOS_FOREVER) {
            kos_mutex_lock(lock_);
        } else if (!take_until(deadline_ticks)) {
            lock_ = nullptr;
            is_late_ = true;
        }
    }
    bool is_late() const { return is_late_; }
    ~ConnectionLock() {
        if (lock_) kos_mutex_unlock(lock_);
    }
    ConnectionLock(const ConnectionLock&) = delete;
    ConnectionLock& operator=(const ConnectionLock&) = delete;

private:
    // A look per period, on the thread's own time: kos_mutex_lock_until needs the timer domain, which may be what is
    // dead.
    bool take_until(uint64_t deadline_ticks) {
        while (!kos_status_is_ok(kos_mutex_try_lock(lock_))) {
            if (kos_time_ticks() >= deadline_ticks) return false;
            kos_thread_yield();
        }
        return true;
    }

    kos_mutex_t* lock_;
    bool is_late_ = false;
};

const kos_startup_connection_t* connection_for(kos_slot_t target) {
    int const index = connection_of(target);
    return index < 0 ? nullptr : table<kos_startup_connection_t>(startup->connections) + index;
}

// A slot for a token of the answer, told to the kernel; 0 if none is free or none may come.
kos_slot_t prepare_receive(const kos_startup_connection_t* connection) {
    bool const may_come = connection && connection->flags & KOS_CONNECTION_TOKENS;
    kos_slot_t const slot = may_come ? allocate_slot() : kos_slot_t{KOS_SLOT_NULL};
    receive_into(slot);
    return slot;
}

// Takes the answer apart. `slot` was prepared for a token.
kos_status_t take_answer(const sel4::Message& answer, const kos_startup_connection_t* connection, kos_slot_t slot,
                         kos_msg_t* message) {
    Word const metadata = answer.words[1];
    Word const bytes = metadata & KOS_METADATA_BYTES_MASK;
    bool const has_token = answer.tag.extra_caps() == 1 && answer.tag.caps_unwrapped() == 0;
    // Nothing may come with the answers of calls that expect nothing (kos_msg_call_words).
    if (slot) receive_into(KOS_SLOT_NULL);
    // Emptied if a capability has come that was not announced.
    if (slot && !has_token) answer.tag.extra_caps() ? free_slot(slot) : release_slot(slot);
    // Of the kernel: there was nothing to send through. (Of a server that lies, perhaps with a token.)
    if (answer.label() < KOS_STATUS_OK && !has_token) return KOS_STATUS_INVALID_TOKEN;
    bool const is_valid = answer.label() >= KOS_STATUS_OK && answer.label() <= UINT32_MAX &&
                          !(metadata & ~KOS_METADATA_KNOWN) && bytes <= KOS_PAYLOAD_MAX &&
                          (bytes == 0 || (connection && connection->window)) &&
                          has_token == ((metadata & KOS_METADATA_TOKEN) != 0);
    if (!is_valid) {
        if (has_token) free_slot(slot);
        return KOS_STATUS_PEER_INVALID;
    }
    // The answer's payload is copied before anybody looks at it.
    void* const copy = bytes ? payload_buffer() : nullptr;
    if (bytes && !copy) {
        if (has_token) free_slot(slot);
        return KOS_STATUS_NOT_ENOUGH_MEMORY;
    }
    if (bytes) memcpy(copy, reinterpret_cast<const void*>(connection->window), bytes);
    if (has_token)
        set_connection_of(slot, static_cast<int>(connection - table<kos_startup_connection_t>(startup->connections)));
    *message = kos_msg_t{.label = answer.label(),
                         .param = answer.words[0],
                         .words = {answer.words[2], answer.words[3]},
                         .payload = copy,
                         .payload_bytes = static_cast<uint32_t>(bytes),
                         .has_words = (metadata & KOS_METADATA_WORDS) != 0,
                         .reserved = {},
                         .token = has_token ? slot : kos_slot_t{0},
                         .own = {}};
    return static_cast<kos_status_t>(answer.label());
}

}  // namespace

namespace {

// An answer that nobody expects a capability of has brought one. If the server loop has prepared a slot for its next
// request, it lies there now: it goes, or no client's token would find room any more.
[[gnu::noinline, gnu::cold]] kos_status_t refuse_capability() {
    const seL4_IPCBuffer* const buffer = sel4::ipc_buffer();
    if (buffer->receiveCNode) sel4::cnode_delete({KOS_SLOT_CNODE, buffer->receiveIndex, 64});
    return KOS_STATUS_PEER_INVALID;
}

// Slots beyond the end are a fault of the thread, not an error.
bool is_slot(kos_slot_t target) { return target < startup->free_slot_end; }

}  // namespace

kos_status_t kos_msg_words_status(uint64_t tag, uint64_t metadata) {
    Tag const answer{tag};
    if (answer.extra_caps()) return refuse_capability();
    if (answer.label() < KOS_STATUS_OK) return KOS_STATUS_INVALID_TOKEN;
    bool const is_words = !(metadata & ~KOS_METADATA_WORDS) && answer.label() <= UINT32_MAX;
    return is_words ? static_cast<kos_status_t>(answer.label()) : kos_status_t{KOS_STATUS_PEER_INVALID};
}

kos_status_t kos_msg_call_words(kos_slot_t target, uint64_t label, uint64_t* param, uint64_t words[2]) {
    if (!is_slot(target)) return KOS_STATUS_INVALID_TOKEN;
    sel4::Message const answer =
        sel4::call(target, Tag::make(label, 4), Words{{*param, KOS_METADATA_WORDS, words[0], words[1]}});
    kos_status_t status = KOS_STATUS_OK;
    if ((answer.tag.word ^ Tag::make(KOS_STATUS_OK, 4).word) | (answer.words[1] & ~KOS_METADATA_WORDS)) [[unlikely]] {
        status = kos_msg_words_status(answer.tag.word, answer.words[1]);
        if (!kos_status_is_ok(status)) return status;
    }
    *param = answer.words[0];
    words[0] = answer.words[2];
    words[1] = answer.words[3];
    return status;
}

namespace {

kos_status_t call_by(kos_slot_t target, kos_msg_t* message, uint64_t deadline_ticks) {
    if (!is_slot(target) || message->token >= startup->free_slot_end) return KOS_STATUS_INVALID_TOKEN;
    const kos_startup_connection_t* const connection = connection_for(target);
    if (message->label >= KOS_LABEL_PING && message->label != KOS_LABEL_PING) return KOS_STATUS_INVALID_ARGUMENT;
    if (message->payload_bytes > KOS_PAYLOAD_MAX) return KOS_STATUS_INVALID_ARGUMENT;
    if (message->payload_bytes && !(connection && connection->window)) return KOS_STATUS_INVALID_ARGUMENT;
    if (message->token && !(connection && connection->flags & KOS_CONNECTION_TOKENS))
        return KOS_STATUS_INVALID_ARGUMENT;
    // The answer may have a payload even if the request has none.
    ConnectionLock const lock(window_locks, connection, connection && connection->window, deadline_ticks);
    if (lock.is_late()) return KOS_STATUS_TIMEOUT;
    if (message->payload_bytes) {
        memcpy(reinterpret_cast<void*>(connection->window), message->payload, message->payload_bytes);
    }
    Word metadata = message->payload_bytes;
    if (message->has_words) metadata |= KOS_METADATA_WORDS;
    if (message->token) {
        metadata |= KOS_METADATA_TOKEN;
        sel4::ipc_buffer()->caps_or_badges[0] = message->token;
    }
    kos_slot_t const slot = prepare_receive(connection);
    sel4::Message const answer = sel4::call(target, Tag::make(message->label, 4, message->token ? 1 : 0),
                                            Words{{message->param, metadata, message->words[0], message->words[1]}});
    return take_answer(answer, connection, slot, message);
}

}  // namespace

kos_status_t kos_msg_call(kos_slot_t target, kos_msg_t* message) { return call_by(target, message, KOS_FOREVER); }

kos_status_t kos_msg_ping(kos_slot_t target) {
    uint64_t param = 0;
    uint64_t words[2] = {};
    return kos_msg_call_words(target, KOS_LABEL_PING, &param, words);
}

namespace {

// Root ends the call if it is still going on then. The cookie keeps a late order away from the next call.
template <class Call>
kos_status_t with_deadline(uint64_t deadline_ticks, Call call) {
    static uint64_t cookie;
    Word const own = __atomic_add_fetch(&cookie, 1, __ATOMIC_RELAXED);
    if (deadline_ticks == 0) deadline_ticks = 1;  // 0 would be none
    kos_status_t const armed = call_root_as_self(KOS_ROOT_DEADLINE, deadline_ticks, own).status;
    if (!kos_status_is_ok(armed)) return armed;
    kos_status_t const status = call();
    call_root_as_self(KOS_ROOT_DEADLINE, 0, own);
    return status;
}

}  // namespace

kos_status_t kos_msg_call_until(kos_slot_t target, kos_msg_t* message, uint64_t deadline_ticks) {
    return with_deadline(deadline_ticks, [&] { return call_by(target, message, deadline_ticks); });
}

kos_status_t kos_msg_call_words_until(kos_slot_t target, uint64_t label, uint64_t* param, uint64_t words[2],
                                      uint64_t deadline_ticks) {
    if (label > KOS_LABEL_PING) return KOS_STATUS_INVALID_ARGUMENT;
    return with_deadline(deadline_ticks, [&] { return kos_msg_call_words(target, label, param, words); });
}

kos_status_t kos_msg_send(kos_slot_t target, uint64_t label, const void* bytes, size_t size_bytes) {
    const kos_startup_connection_t* const connection = connection_for(target);
    if (!connection || !connection->queue || size_bytes > KOS_QUEUE_INLINE_BYTES) return KOS_STATUS_INVALID_ARGUMENT;
    auto* const queue = reinterpret_cast<kos_queue_t*>(connection->queue);
    ConnectionLock const lock(queue_locks, connection, true);
    // Only this domain writes `written`; `read` is the server's and may be anything.
    uint32_t const written = __atomic_load_n(&queue->written, __ATOMIC_RELAXED);
    uint32_t const read = __atomic_load_n(&queue->read, __ATOMIC_ACQUIRE);
    if (written - read >= KOS_QUEUE_ENTRIES) return KOS_STATUS_FULL;
    kos_queue_entry_t& entry = queue->entries[written % KOS_QUEUE_ENTRIES];
    entry.label = label;
    entry.bytes = size_bytes;
    memcpy(entry.data, bytes, size_bytes);
    // Release: the entry is complete before the server can count it (its acquire is in server.cpp).
    __atomic_store_n(&queue->written, written + 1, __ATOMIC_RELEASE);
    sel4::signal(connection->queue_signal);
    return KOS_STATUS_OK;
}
