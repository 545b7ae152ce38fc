// Messages between domains: calls, answers, tokens, one-way sends.
//
// A client has a *target*: a capability slot with a connection (from kos_dir_request) or a token. A server has ports
// and a loop (server.h). A message is a label, a param, two words and up to KOS_PAYLOAD_MAX bytes of payload, and may
// carry one token. Generated bindings (idl/) do all of this; use this header for what they do not cover.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t kos_slot_t;  // capability slot of this domain; 0 is none
typedef kos_slot_t kos_token_t;

// Who made a request, or for whom a token was made, as the kernel says it.
typedef struct {
    uint16_t domain;  // number of the caller (for tokens: of the domain that the token was made for)
    uint32_t port;    // number of the port; kos_server_port_name
    uint64_t token;   // number of the token, 0 for the connection itself
} kos_caller_t;

// Label apart, what a message has that travels in registers.
typedef struct {
    uint64_t param;
    uint64_t words[2];
} kos_words_t;

// A message. `payload` of a request or answer to be sent: payload_bytes bytes of the sender. Of one that was received:
// a private copy, valid until the next call or receive of this thread, so it may be checked and then used.
typedef struct {
    uint64_t label;  // request: what to do (0..0xffef). Answer: a kos_status_t
    uint64_t param;
    uint64_t words[2];  // sent if has_words
    const void* payload;
    uint32_t payload_bytes;
    uint8_t has_words;
    uint8_t reserved[3];
    kos_token_t token;  // 0: none. Received: in this slot; the receiver owns it now
    // Of a received request: the token that came is one of the receiver's own ports, which the kernel tells instead of
    // handing it over. `own` says which it is, and `token` is 0; port 0: none came. Unused otherwise.
    kos_caller_t own;
} kos_msg_t;

// Calls `target` and waits for the answer, which replaces *message. The payload travels through the connection's
// window, also for tokens of that connection. Returns the answer's label. Errors of its own: INVALID_ARGUMENT (payload
// larger than the port's, no window, token on a connection without tokens), PEER_GONE, PEER_INVALID. A slot without a
// capability is INVALID_TOKEN. Blocks until answered. *message is unchanged on errors of its own.
kos_status_t kos_msg_call(kos_slot_t target, kos_msg_t* message);

// As kos_msg_call, for label, param and words only; the fast path. *param and words[2] are replaced on success.
kos_status_t kos_msg_call_words(kos_slot_t target, uint64_t label, uint64_t* param, uint64_t words[2]);

// For bindings (idl.h): the status that an answer of words only tells, by its tag and its metadata as they arrived.
kos_status_t kos_msg_words_status(uint64_t tag, uint64_t metadata);

// As kos_msg_call, ends with TIMEOUT when the counter (time.h) reaches `deadline_ticks`, or one period later: also if
// another thread of the domain has the connection's window by then. Active threads only (UNAVAILABLE otherwise). The
// server may still carry out the request.
kos_status_t kos_msg_call_until(kos_slot_t target, kos_msg_t* message, uint64_t deadline_ticks);

// As kos_msg_call_words, with a deadline. Keeps nobody else from the connection.
kos_status_t kos_msg_call_words_until(kos_slot_t target, uint64_t label, uint64_t* param, uint64_t words[2],
                                      uint64_t deadline_ticks);

// One way: puts label and up to KOS_QUEUE_INLINE_BYTES bytes into the connection's queue. Never blocks. Errors: FULL,
// INVALID_ARGUMENT (no queue, too long). The server may be restarted meanwhile: what it has not taken stays.
kos_status_t kos_msg_send(kos_slot_t connection, uint64_t label, const void* bytes, size_t size_bytes);

// PONG if the server answers.
kos_status_t kos_msg_ping(kos_slot_t target);

// --- Tokens. A token names something that a server has made for a client.

enum { KOS_TOKEN_SINGLE_USE = 1 << 5 };

// Makes a token for one of this domain's own ports, to be sent to domain `holder`. Requests through it arrive with
// `number` (1..2^39-1, the server's choice). The slot is the maker's until the token is sent in an answer, which gives
// it away, revoked, used up (SINGLE_USE) or deleted; the number stays in use until the token is revoked or used up.
// Sent in a request, the token stays the sender's as well. Sent to its maker, it comes as kos_msg_t.own. SINGLE_USE:
// the second request through it is answered INVALID_TOKEN by the server loop. Errors: AT_TOKEN_LIMIT, NOT_FOUND (no
// such port), CONFLICT (number in use), INVALID_ARGUMENT.
kos_status_t kos_msg_token_create(const char* port, uint64_t number, uint32_t flags, uint16_t holder,
                                  kos_token_t* token);

// Makes every copy of the token `number` of `port` invalid, wherever it is; if the maker has its slot still, it is free
// again, and must not be used any more. Calls that wait with it are answered INVALID_TOKEN.
kos_status_t kos_msg_token_revoke(const char* port, uint64_t number);

// Gives the slot back. The thing behind the token is not told.
kos_status_t kos_msg_token_delete(kos_token_t token);

#ifdef __cplusplus
}
#endif
