// The field side of the pump station: measures the basin at its interval, and drives the pump for whoever has the
// lease.
#include "basin.h"
#include "pump.h"

#include <kos/app.h>
#include <kos/idl/sensor.h>
#include <kos/time.h>

#include <string.h>

enum { kMeasure = 0, kHistory = 128 };  // user bit of the alarm; samples that are kept

static basin_t basin;
static kos_sensor_sample_t samples[kHistory];
static uint64_t measured;
static uint32_t interval_ms;
static uint32_t pump_port;

static void measure(void) {
    kos_sensor_sample_t* const sample = &samples[measured++ % kHistory];
    sample->ticks = kos_time_ticks();
    sample->level_mm = basin_level_mm(&basin);
    sample->flow_ml_per_s = basin_flow_ml_per_s(&basin);
    sample->temperature_milli_c = 12500;
    sample->health = KOS_SENSOR_HEALTH_GOOD;
}

static kos_status_t latest(kos_sensor_server_t* self, const kos_caller_t* caller, kos_sensor_sample_t* sample) {
    (void)self, (void)caller;
    if (measured == 0) return KOS_STATUS_UNAVAILABLE;
    *sample = samples[(measured - 1) % kHistory];
    return KOS_STATUS_OK;
}

static kos_status_t set_interval(kos_sensor_server_t* self, const kos_caller_t* caller, uint32_t ms) {
    (void)self, (void)caller;
    if (ms < 10 || ms > 60000) return KOS_STATUS_INVALID_ARGUMENT;
    interval_ms = ms;
    return KOS_STATUS_OK;
}

static kos_status_t history(kos_sensor_server_t* self, const kos_caller_t* caller, uint32_t most,
                            const kos_sensor_sample_t** list, size_t* count) {
    static kos_sensor_sample_t copy[kHistory];
    (void)self, (void)caller;
    uint64_t const kept = measured < kHistory ? measured : kHistory;
    *count = most < kept ? most : kept;
    for (size_t i = 0; i < *count; ++i) copy[i] = samples[(measured - *count + i) % kHistory];
    *list = copy;
    return KOS_STATUS_OK;
}

static kos_sensor_server_t sensor = {.latest = latest, .set_interval = set_interval, .history = history};

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    basin_advance(&basin, kos_time_us());
    if (caller->port == pump_port) return pump_call(&basin, caller, request, answer);
    return kos_sensor_dispatch(&sensor, caller, request, answer);
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (!(bits & 1ull << kMeasure)) return;
    basin_advance(&basin, kos_time_us());
    pump_check_lease(&basin);
    measure();
    kos_assert_ok(kos_time_alarm(kMeasure, kos_time_after_us(interval_ms * 1000ull)));
}

// Number of the own port `name`, as it is in kos_caller_t.
static uint32_t port_number(const char* name) {
    const kos_startup_t* const startup = kos_app_startup();
    const kos_startup_port_t* const ports = (const void*)((const char*)startup + startup->ports.offset);
    for (uint32_t i = 0; i < startup->ports.count; ++i) {
        if (!strcmp(ports[i].name, name)) return ports[i].port;
    }
    kos_stop("the manifest lacks a port of this driver");
}

int main(void) {
    kos_server_t server = {.call = call, .signalled = signalled};
    interval_ms = (uint32_t)kos_app_parameter_number("interval_ms", 50);
    pump_port = port_number("pump");
    // Half full. A real driver resets its device here.
    basin = (basin_t){.time_us = kos_time_us(), .volume_ul = 500 * 20000};
    signalled(&server, 1ull << kMeasure);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
