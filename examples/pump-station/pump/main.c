// The driver of the pump and its interlock: every 20 ms the motor gets what the controller wants, or nothing if the
// interlock says so. When this domain is gone or stands still, contactor and valve drop out by themselves
// (plant/world.h).
#include "interlock.h"
#include "lease.h"

#include "../common/hostile.h"
#include "../common/part.h"

#include <kos/app.h>
#include <kos/idl/actuators.h>
#include <kos/idl/interlock.h>
#include <kos/log.h>
#include <kos/time.h>

enum { kDrive = 0, kDriveMs = 20 };  // user bit of the alarm

static kos_actuators_client_t actuators;
static interlock_t lock;
static lease_motor_t motor;
static uint32_t trips;
static uint64_t driven_us;
static verdict_t last_verdict;
static uint8_t valve_closed;

static uint64_t now_ms(void) { return kos_time_us() / 1000; }

static void count_motor(uint8_t percent) {
    uint64_t const now_us = kos_time_us();
    if (motor.percent) motor.run_us += now_us - driven_us;
    if (!motor.percent && percent) ++motor.starts;
    driven_us = now_us;
    motor.percent = percent;
}

static void drive(void) {
    static const char* const names[] = {"it may run", "too little water", "no fresh reading", "the float switch"};
    bool float_low, float_high;
    lease_check(&motor);
    verdict_t const verdict = interlock_verdict(&lock, now_ms());
    uint8_t const percent = verdict == kVerdictRun ? motor.wanted_percent : 0;
    if (verdict != last_verdict) {
        if (motor.percent && verdict != kVerdictRun) ++trips;
        kos_log_warning("interlock: %s", names[verdict]);
        last_verdict = verdict;
    }
    valve_closed = (uint8_t)interlock_closes_valve(&lock, now_ms());
    count_motor(percent);
    if (kos_status_is_ok(kos_actuators_client_drive(actuators, percent, valve_closed, &float_low, &float_high))) {
        lock.float_low = float_low, lock.float_high = float_high;
    }
}

static void reading(kos_interlock_server_t* self, const kos_caller_t* caller, int32_t level_mm, uint64_t time_ms,
                    uint64_t stamp) {
    (void)self, (void)caller;
    interlock_reading(&lock, level_mm, time_ms, stamp, now_ms());
}

static kos_status_t state(kos_interlock_server_t* self, const kos_caller_t* caller, kos_interlock_state_t* state) {
    (void)self, (void)caller;
    uint64_t const age = now_ms() - lock.time_ms;
    *state = (kos_interlock_state_t){.age_ms = age > UINT32_MAX ? UINT32_MAX : (uint32_t)age,
                                     .level_mm = lock.level_mm,
                                     .accepted = lock.accepted,
                                     .refused = lock.refused,
                                     .trips = trips,
                                     .starts = motor.starts,
                                     .run_seconds = (uint32_t)(motor.run_us / 1000000),
                                     .percent = motor.percent,
                                     .wanted = motor.wanted_percent,
                                     .verdict = (kos_interlock_verdict_t)interlock_verdict(&lock, now_ms()),
                                     .valve_closed = valve_closed,
                                     .leased = motor.is_held};
    return KOS_STATUS_OK;
}

static kos_interlock_server_t interlock = {.reading = reading, .state = state};

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    if (part_is_port(caller, "pump")) return lease_call(&motor, caller, request, answer);
    if (part_is_port(caller, "interlock")) return kos_interlock_dispatch(&interlock, caller, request, answer);
    return part_call(caller, request, answer);
}

static void queued(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes,
                   size_t size_bytes) {
    (void)server;
    if (!kos_interlock_dispatch_queued(&interlock, caller, label, bytes, size_bytes)) ++lock.refused;
}

static void signalled(kos_server_t* server, uint64_t bits) {
    static const char* const foreign[] = {"transmitter", "sensor", "appman", "console", NULL};
    static const char* const own[] = {"timer", NULL};
    (void)server;
    if (!(bits & 1ull << kDrive)) return;
    kos_assert_ok(kos_time_alarm(kDrive, kos_time_after_us(kDriveMs * 1000ull)));
    // A hostile driver that drives is beyond this interlock: it is the interlock. README.md says who watches then.
    if (part_check_trial() == kPartHostile) hostile_run(foreign, own, NULL);
    drive();
}

int main(void) {
    kos_server_t server = {.call = call, .queued = queued, .signalled = signalled};
    part_begin("pump");
    lock.key = stamp_key();
    last_verdict = kVerdictRun;
    kos_assert_ok(kos_actuators_connect("actuators", &actuators));
    driven_us = kos_time_us();
    signalled(&server, 1ull << kDrive);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
