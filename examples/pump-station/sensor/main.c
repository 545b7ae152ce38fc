// The driver of the level transmitter: measures at its interval, serves what it measured, and passes each reading on to
// the interlock as it came.
#include "../common/hostile.h"
#include "../common/part.h"

#include <kos/app.h>
#include <kos/idl/interlock.h>
#include <kos/idl/sensor.h>
#include <kos/idl/transmitter.h>
#include <kos/time.h>

enum { kMeasure = 0, kHistory = 128, kLieMs = 4000 };  // user bit of the alarm; samples that are kept

static kos_transmitter_client_t transmitter;
static kos_interlock_client_t interlock;
static kos_sensor_sample_t samples[kHistory];
static uint64_t measured, hostile_since_us;
static uint32_t interval_ms;

static void keep(int32_t level_mm, int32_t flow_ml_per_s) {
    samples[measured++ % kHistory] = (kos_sensor_sample_t){.ticks = kos_time_ticks(),
                                                           .level_mm = level_mm,
                                                           .flow_ml_per_s = flow_ml_per_s,
                                                           .temperature_milli_c = 12500,
                                                           .health = KOS_SENSOR_HEALTH_GOOD};
}

static void measure(void) {
    int32_t level_mm, flow_ml_per_s;
    uint64_t time_ms, stamp;
    if (!kos_status_is_ok(kos_transmitter_client_read(transmitter, &level_mm, &flow_ml_per_s, &time_ms, &stamp))) {
        return;  // the next one
    }
    keep(level_mm, flow_ml_per_s);
    // A queue that is full has readings enough.
    (void)kos_interlock_client_reading(interlock, level_mm, time_ms, stamp);
}

// First it lies: much water, so that the controller pumps with all it has; readings of its own making for the
// interlock. Then it attacks.
static void turn_hostile(void) {
    static const char* const foreign[] = {"actuators", "pump", "appman", "console", NULL};
    static const char* const own[] = {"transmitter", "timer", NULL};
    uint64_t const now_us = kos_time_us();
    if (!hostile_since_us) hostile_since_us = now_us;
    keep(950, 0);
    (void)kos_interlock_client_reading(interlock, 950, now_us / 1000, now_us * 0x9e3779b97f4a7c15);
    if (now_us - hostile_since_us > kLieMs * 1000ull) hostile_run(foreign, own, "interlock");
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
    if (part_is_port(caller, "sensor")) return kos_sensor_dispatch(&sensor, caller, request, answer);
    return part_call(caller, request, answer);
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (!(bits & 1ull << kMeasure)) return;
    kos_assert_ok(kos_time_alarm(kMeasure, kos_time_after_us(interval_ms * 1000ull)));
    part_check_trial() == kPartHostile ? turn_hostile() : measure();
}

int main(void) {
    kos_server_t server = {.call = call, .signalled = signalled};
    part_begin("sensor");
    interval_ms = (uint32_t)kos_app_parameter_number("interval_ms", 50);
    kos_assert_ok(kos_transmitter_connect("transmitter", &transmitter));
    kos_assert_ok(kos_interlock_connect("interlock", &interlock));
    signalled(&server, 1ull << kMeasure);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
