// Parts of the tester of the core's interface; main.c runs them one after the other.
#pragma once

#include "../../common/peer.h"
#include "../../common/records.h"

#include <kos/msg.h>

extern kos_slot_t peer, active, third;

// One request in registers; *param and words are replaced on success.
kos_status_t ask(kos_slot_t target, uint64_t label, uint64_t param, uint64_t words[2], uint64_t* answer);
// Label and param only.
kos_status_t tell(kos_slot_t target, uint64_t label, uint64_t param);

void test_messages(void);
void test_tokens(void);
void test_queues(void);
void test_portless(void);
void test_deadlines(void);
void test_directory(void);
void test_domain(void);
void test_memory(void);
void test_threads(void);
void test_devices(void);
