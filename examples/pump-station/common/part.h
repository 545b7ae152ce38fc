// What all native parts of the plant have in common: the port NAME_part (part.capnp), and going wrong on demand.
#pragma once

#include "stamp.h"

#include <kos/server.h>

// Asks the parameters; `name` is the part's. Before anything else here.
void part_begin(const char* name);
// Whether a call came through the port `name`.
int part_is_port(const kos_caller_t* caller, const char* name);
// A call through NAME_part.
kos_status_t part_call(const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer);
// For the part's own interval: goes wrong now if that was asked for. Crash and hang do not return. `kPartHostile`: its
// code has turned, and does what it likes from now on, until it calls hostile_end.
enum { kPartGood, kPartHostile };
int part_check_trial(void);
