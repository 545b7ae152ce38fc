// What the parts of libkos know of each other and nobody else does: the startup block, slots, calls to root.
#pragma once

#include "libc/thread_area.h"

#include <kos/abi.h>
#include <kos/app.h>
#include <kos/msg.h>

#include <kos/sel4/syscalls.h>

namespace kos::runtime {

using sel4::CPtr;
using sel4::Tag;
using sel4::Word;
using sel4::Words;

extern const kos_startup_t* startup;  // set before anything else runs

// Table `table` of the startup block. Root has written it: trusted.
template <typename T>
const T* table(const kos_startup_table_t& where) {
    return reinterpret_cast<const T*>(reinterpret_cast<uintptr_t>(startup) + where.offset);
}

template <typename T>
struct Entries {
    const T* first;
    uint32_t count;
    const T* begin() const { return first; }
    const T* end() const { return first + count; }
};
template <typename T>
Entries<T> entries(const kos_startup_table_t& where) {
    return {table<T>(where), where.count};
}

bool same_name(const char* a, const char* b);

// The text that a startup block's reference names; zero-terminated.
inline const char* text(const kos_startup_text_t& where) {
    return reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(startup) + where.offset);
}

inline kos_life_t* life() { return reinterpret_cast<kos_life_t*>(startup->life_page); }

// Answer of a call in which everything travels in registers.
struct Answer {
    kos_status_t status;
    Word words[4];
};

// Errors of the kernel's own come as labels below KOS_STATUS_OK: there was no capability to send through.
inline kos_status_t status_of_label(Word label) {
    return label < KOS_STATUS_OK ? KOS_STATUS_INVALID_TOKEN : static_cast<kos_status_t>(label);
}

inline Answer call_registers(CPtr target, Word label, Word w0 = 0, Word w1 = 0, Word w2 = 0, Word w3 = 0) {
    sel4::Message const answer = sel4::call(target, Tag::make(label, 4), Words{{w0, w1, w2, w3}});
    return {status_of_label(answer.label()), {answer.words[0], answer.words[1], answer.words[2], answer.words[3]}};
}

inline Answer call_root(Word label, Word w0 = 0, Word w1 = 0, Word w2 = 0, Word w3 = 0) {
    return call_registers(KOS_SLOT_ROOT, label, w0, w1, w2, w3);
}

// As call_root, in the name of the calling thread: for requests that are about it. Needs its thread pointer.
inline Answer call_root_as_self(Word label, Word w0 = 0, Word w1 = 0) {
    return call_registers(KOS_SLOT_THREADS + thread_number(), label, w0, w1);
}

// A thread ends or begins again: whom it was serving is told, its reply object is free again (server.cpp).
void server_thread_gone(unsigned thread);

// KOS_PAYLOAD_MAX bytes of the calling thread for payloads of answers (thread.cpp); null without memory.
void* payload_buffer();

// Signals that kos_signal_wait received and that were not for it (signal.cpp); the server loop serves them.
Word take_kept_signals();
extern bool is_serving;  // the server loop runs (further up the main thread's stack)

// An interrupt that the call-back of the server loop has acknowledged, and that the loop acknowledges in the same step
// in which it receives (device.cpp); 0: none. Main thread only.
extern CPtr acknowledged_later;
extern bool is_in_signalled;       // ... which runs now
void acknowledge_what_was_left();  // before the thread waits for anything else

// --- Slots for tokens (slots.cpp). Thread-safe.
kos_slot_t allocate_slot();          // 0 if none is free
void free_slot(kos_slot_t slot);     // empties it, too
void release_slot(kos_slot_t slot);  // of allocate_slot, and nothing has come into it

// Tells the kernel where a capability that comes with the next message goes; 0: nowhere.
void receive_into(kos_slot_t slot);

// The token `number` of the own `port` is gone: so is the slot of its maker.
void forget_token(uint32_t port, uint64_t number);

// Which connection's window a target uses: index into the startup block's connections, or -1.
int connection_of(kos_slot_t target);
void set_connection_of(kos_slot_t target, int connection);

// As set_connection_of for the connection itself (kos_dir_request), whose slot is never freed: who gives it away in an
// answer, or deletes it like a token, gives away a copy.
void keep_connection(kos_slot_t slot, int connection);

// Connection by port name; null if the manifest has none.
const kos_startup_connection_t* find_connection(const char* port, int* index = nullptr);

}  // namespace kos::runtime
