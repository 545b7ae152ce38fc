// The port NAME_part of a native part.
#include "part.h"

#include <kos/app.h>
#include <kos/idl/part.h>
#include <kos/mem.h>

#include <string.h>

static int is_allowed, is_wanted, is_hostile;
static kos_part_how_t wanted;

static kos_status_t memory(kos_part_server_t* self, const kos_caller_t* caller, uint64_t* quota_bytes,
                           uint64_t* used_bytes) {
    (void)self, (void)caller;
    kos_mem_status_t status;
    kos_status_t const got = kos_mem_status(&status);
    if (!kos_status_is_ok(got)) return got;
    *quota_bytes = status.quota_bytes, *used_bytes = status.used_bytes;
    return KOS_STATUS_OK;
}

static kos_status_t trial(kos_part_server_t* self, const kos_caller_t* caller, kos_part_how_t how) {
    (void)self, (void)caller;
    if (!is_allowed) return KOS_STATUS_UNAVAILABLE;
    is_wanted = 1, wanted = how;
    return KOS_STATUS_OK;
}

static kos_part_server_t part = {.memory = memory, .trial = trial};
static const char* part_name;

void part_begin(const char* name) {
    part_name = name;
    is_allowed = kos_app_parameter_number("trials", 0) != 0;
}

int part_is_port(const kos_caller_t* caller, const char* name) {
    return !strcmp(kos_server_port_name(caller->port), name);
}

kos_status_t part_call(const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return kos_part_dispatch(&part, caller, request, answer);
}

int part_check_trial(void) {
    if (is_hostile) return kPartHostile;
    if (!is_wanted) return kPartGood;
    is_wanted = 0;
    static volatile uintptr_t nowhere = 8;  // the compiler knows better than to write to a constant
    switch (wanted) {
        case KOS_PART_HOW_CRASH: *(volatile uint32_t*)nowhere = 0; break;
        case KOS_PART_HOW_HANG:
            for (;;) __asm__ volatile("");
        case KOS_PART_HOW_COMPROMISE: is_hostile = 1; break;
    }
    return is_hostile ? kPartHostile : kPartGood;
}

stamp_key_t stamp_key(void) {
    return (stamp_key_t){.low = kos_app_parameter_number("key_low", 0),
                         .high = kos_app_parameter_number("key_high", 0)};
}
