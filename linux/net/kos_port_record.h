/* Records of the sockets below /run/kos: how Linux programs talk to the ports and rings of KOS.
 *
 * A socket is AF_UNIX, SOCK_SEQPACKET. A program connects to /run/kos/port/NAME to call the server of port NAME, or
 * binds and listens on /run/kos/bind/NAME to serve it; then each client domain is one connection that it accepts. Each
 * record is this header, little endian, followed by up to KOS_PORT_PAYLOAD_MAX bytes of payload; its length is the
 * record's.
 *
 * HELLO   to programs: first of every connection, what the port can do.
 * CALL    a program that has connected calls the server; to one that has accepted: a client calls.
 * REPLY   answers the call `call_id`: of a program that has accepted, or of the server.
 * STATUS  to programs: `call_id` has ended without an answer, or its record was refused.
 * CAST    one way, at most 48 bytes: of a program that has connected; to one that has accepted.
 * GONE    to who has connected: the server has ended while it had a call; once per end.
 * NOTICE  to who has connected: the server has signalled, as the call before asked it to (appman, watch). Ask again.
 * REVOKE  of a program that has accepted: the token `token` is void.
 *
 * A record that is not understood is answered by STATUS with KOS_STATUS_BAD_REQUEST and its call_id (0 if it has no
 * whole header); the connection goes on. Calls of one connection may be carried out and answered in any order: wait for
 * the answer where order counts. A socket whose buffer is full takes no more (EAGAIN, POLLOUT), which is how a slow
 * server is felt. Numbers of calls are the sender's choice.
 *
 * Plain C, so that programs may include it as it is.
 */
#pragma once

#include <stdint.h>

enum { KOS_PORT_VERSION = 1, KOS_PORT_PAYLOAD_MAX = 4096, KOS_PORT_CAST_MAX = 48 };

enum kos_port_kind {
    KOS_PORT_CALL = 1,
    KOS_PORT_REPLY = 2,
    KOS_PORT_STATUS = 3,
    KOS_PORT_CAST = 4,
    KOS_PORT_HELLO = 5,
    KOS_PORT_GONE = 6,
    KOS_PORT_REVOKE = 7,
    KOS_PORT_NOTICE = 8,
};

enum kos_port_flag {
    KOS_PORT_WORDS = 1,      /* `words` are part of the message */
    KOS_PORT_TOKEN = 2,      /* a token goes with it: one descriptor (SCM_RIGHTS) of a connection to what it names.
                                CALL in both directions, REPLY to a program */
    KOS_PORT_NEW_TOKEN = 4,  /* REPLY of a program: makes token number `token` of its port and gives it to the caller */
    KOS_PORT_SINGLE_USE = 8, /* with NEW_TOKEN: good for one request */
    KOS_PORT_SMALL = 64,     /* CALL to KOS: neither it nor the answer has payload or token (else PEER_INVALID) */
    KOS_PORT_HAS_QUEUE = 16, /* HELLO: CAST works */
    KOS_PORT_HAS_TOKENS = 32, /* HELLO: TOKEN works */
};

typedef struct {
    uint16_t version; /* KOS_PORT_VERSION */
    uint16_t kind;
    uint32_t label;    /* CALL, CAST: of the message. REPLY, STATUS: a kos_status_t. GONE: 0. HELLO: most payload */
    uint64_t call_id;  /* of the CALL that a REPLY or STATUS is about */
    uint64_t param;    /* HELLO: calls of this connection that can be under way at once */
    uint64_t words[2]; /* HELLO to an acceptor: word 0 is the client's domain number */
    uint32_t flags;    /* kos_port_flag; others are refused */
    uint32_t time_ms;  /* CALL to KOS: how long the answer may take; 0: KOS_PORT_TIME_MS */
    uint64_t token;    /* CALL to a program: number of the token that was called, 0: the port. NEW_TOKEN, REVOKE */
} kos_port_record_t;   /* HELLO's payload: name of the port; to an acceptor: of the client's domain */

enum { KOS_PORT_TIME_MS = 5000, KOS_PORT_TIME_MAX_MS = 3600000 };
