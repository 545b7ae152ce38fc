// The pump's lease: a controller that dies or hangs leaves a pump that stops by itself.
#include "lease.h"

#include <kos/idl/pump.h>
#include <kos/time.h>

static lease_motor_t* motor;
static struct {
    uint64_t token;  // number of the lease, 0: nobody has one
    uint16_t holder;
    uint64_t hold_us, until_us;
} lease;
static uint64_t leases;

static kos_status_t end_lease(void) {
    uint64_t const token = lease.token;
    lease.token = 0;
    motor->wanted_percent = 0, motor->is_held = 0;
    return token ? kos_msg_token_revoke("pump", token) : KOS_STATUS_OK;
}

static kos_status_t status(kos_pump_server_t* self, const kos_caller_t* caller, kos_pump_state_t* state,
                           uint8_t* percent, uint32_t* run_seconds, uint32_t* start_count) {
    (void)self, (void)caller;
    *state = motor->percent ? KOS_PUMP_STATE_RUNNING : KOS_PUMP_STATE_STOPPED;
    *percent = motor->percent;
    *run_seconds = (uint32_t)(motor->run_us / 1000000);
    *start_count = motor->starts;
    return KOS_STATUS_OK;
}

// A holder that was restarted takes its lease again; the old one is void, and the pump runs on meanwhile.
static kos_status_t take(kos_pump_server_t* self, const kos_caller_t* caller, uint32_t hold_ms,
                         kos_pump_lease_client_t* client) {
    (void)self;
    if (hold_ms < 100 || hold_ms > 60000) return KOS_STATUS_INVALID_ARGUMENT;
    if (lease.token && lease.holder != caller->domain) return KOS_STATUS_CONFLICT;
    if (lease.token) kos_msg_token_revoke("pump", lease.token);
    lease.token = 0, motor->is_held = 0;
    kos_status_t const created = kos_pump_lease_token_create("pump", leases + 1, caller->domain, client);
    if (!kos_status_is_ok(created)) return created;
    lease.token = ++leases;
    lease.holder = caller->domain;
    lease.hold_us = hold_ms * 1000ull;
    lease.until_us = kos_time_us() + lease.hold_us;
    motor->is_held = 1;
    return KOS_STATUS_OK;
}

static kos_status_t set_speed(kos_pump_lease_server_t* self, const kos_caller_t* caller, uint8_t percent) {
    (void)self, (void)caller;
    if (percent > 100) return KOS_STATUS_INVALID_ARGUMENT;
    motor->wanted_percent = percent;
    return KOS_STATUS_OK;
}

// This pump never fails by itself.
static kos_status_t reset(kos_pump_lease_server_t* self, const kos_caller_t* caller) {
    (void)self, (void)caller;
    return KOS_STATUS_OK;
}

static kos_status_t give_back(kos_pump_lease_server_t* self, const kos_caller_t* caller) {
    (void)self, (void)caller;
    return end_lease();
}

static kos_pump_server_t pump = {.status = status, .take = take};
static kos_pump_lease_server_t leased = {.set_speed = set_speed, .reset = reset, .give_back = give_back};

kos_status_t lease_call(lease_motor_t* of, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    motor = of;
    if (!caller->token) return kos_pump_dispatch(&pump, caller, request, answer);
    if (caller->token != lease.token) return KOS_STATUS_INVALID_TOKEN;
    lease.until_us = kos_time_us() + lease.hold_us;
    return kos_pump_lease_dispatch(&leased, caller, request, answer);
}

void lease_check(lease_motor_t* of) {
    motor = of;
    if (lease.token && kos_time_us() >= lease.until_us) end_lease();
}
