// The pump and its lease: a controller that dies or hangs leaves a pump that stops by itself.
#include "pump.h"

#include <kos/idl/pump.h>

static basin_t* basin;
static struct {
    uint64_t token;  // number of the lease, 0: nobody has one
    uint16_t holder;
    uint64_t hold_us, until_us;
} lease;
static uint64_t leases, run_us, started_us;
static uint32_t starts;

static void set_percent(uint8_t percent) {
    if (basin->pump_percent == 0 && percent != 0) ++starts, started_us = basin->time_us;
    if (basin->pump_percent != 0 && percent == 0) run_us += basin->time_us - started_us;
    basin->pump_percent = percent;
}

static kos_status_t end_lease(void) {
    uint64_t const token = lease.token;
    lease.token = 0;
    set_percent(0);
    return token ? kos_msg_token_revoke("pump", token) : KOS_STATUS_OK;
}

static kos_status_t status(kos_pump_server_t* self, const kos_caller_t* caller, kos_pump_state_t* state,
                           uint8_t* percent, uint32_t* run_seconds, uint32_t* start_count) {
    (void)self, (void)caller;
    uint64_t const now_running = basin->pump_percent ? basin->time_us - started_us : 0;
    *state = basin->pump_percent ? KOS_PUMP_STATE_RUNNING : KOS_PUMP_STATE_STOPPED;
    *percent = basin->pump_percent;
    *run_seconds = (uint32_t)((run_us + now_running) / 1000000);
    *start_count = starts;
    return KOS_STATUS_OK;
}

// A holder that was restarted takes its lease again; the old one is void, and the pump runs on meanwhile.
static kos_status_t take(kos_pump_server_t* self, const kos_caller_t* caller, uint32_t hold_ms,
                         kos_pump_lease_client_t* client) {
    (void)self;
    if (hold_ms < 100 || hold_ms > 60000) return KOS_STATUS_INVALID_ARGUMENT;
    if (lease.token && lease.holder != caller->domain) return KOS_STATUS_CONFLICT;
    if (lease.token) kos_msg_token_revoke("pump", lease.token);
    lease.token = 0;
    kos_status_t const created = kos_pump_lease_token_create("pump", leases + 1, caller->domain, client);
    if (!kos_status_is_ok(created)) return created;
    lease.token = ++leases;
    lease.holder = caller->domain;
    lease.hold_us = hold_ms * 1000ull;
    lease.until_us = basin->time_us + lease.hold_us;
    return KOS_STATUS_OK;
}

static kos_status_t set_speed(kos_pump_lease_server_t* self, const kos_caller_t* caller, uint8_t percent) {
    (void)self, (void)caller;
    if (percent > 100) return KOS_STATUS_INVALID_ARGUMENT;
    set_percent(percent);
    return KOS_STATUS_OK;
}

// This pump never fails.
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

kos_status_t pump_call(basin_t* of, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    basin = of;
    if (!caller->token) return kos_pump_dispatch(&pump, caller, request, answer);
    if (caller->token != lease.token) return KOS_STATUS_INVALID_TOKEN;
    lease.until_us = basin->time_us + lease.hold_us;
    return kos_pump_lease_dispatch(&leased, caller, request, answer);
}

void pump_check_lease(basin_t* of) {
    basin = of;
    if (lease.token && basin->time_us >= lease.until_us) end_lease();
}
