// The field side of the pump station: ports in the place of a field bus, and the judge who watches whether the rule
// holds.
#include "world.h"

#include "../common/part.h"

#include <kos/app.h>
#include <kos/idl/actuators.h>
#include <kos/idl/judge.h>
#include <kos/idl/transmitter.h>
#include <kos/log.h>
#include <kos/time.h>

enum { kStep = 0 };  // user bit of the alarm

static world_t world;
static stamp_key_t key;

static uint64_t now_ms(void) { return kos_time_us() / 1000; }

static kos_status_t read_level(kos_transmitter_server_t* self, const kos_caller_t* caller, int32_t* level_mm,
                               int32_t* flow_ml_per_s, uint64_t* time_ms, uint64_t* stamp) {
    (void)self, (void)caller;
    world.read_ms = world.time_ms;
    *level_mm = world_level_mm(&world);
    *flow_ml_per_s = world_inflow(&world) - world_outflow(&world) - world_relief(&world);
    *time_ms = world.time_ms;
    *stamp = stamp_of(key, *level_mm, *time_ms);
    return KOS_STATUS_OK;
}

static kos_status_t drive(kos_actuators_server_t* self, const kos_caller_t* caller, uint8_t percent, bool valve_closed,
                          bool* float_low, bool* float_high) {
    (void)self, (void)caller;
    world_drive(&world, percent, valve_closed);
    *float_low = world_level_mm(&world) < kFloatLowMm;
    *float_high = world_level_mm(&world) > kFloatHighMm;
    return KOS_STATUS_OK;
}

static kos_status_t state(kos_judge_server_t* self, const kos_caller_t* caller, kos_judge_state_t* state) {
    (void)self, (void)caller;
    uint64_t const age = world.time_ms - world.read_ms;
    *state = (kos_judge_state_t){.steps = world.steps,
                                 .level_mm = world_level_mm(&world),
                                 .inflow_ml_per_s = world_inflow(&world),
                                 .outflow_ml_per_s = world_outflow(&world),
                                 .relief_ml_per_s = world_relief(&world),
                                 .pressure_pa = world_pressure_pa(&world),
                                 .reading_age_ms = age > UINT32_MAX ? UINT32_MAX : (uint32_t)age,
                                 .dry = world.dry,
                                 .blind = world.blind,
                                 .overflow = world.overflow,
                                 .lowest_running_mm = world.lowest_running_mm,
                                 .longest_blind_ms = world.longest_blind_ms,
                                 .highest_mm = world.highest_mm,
                                 .motor_percent = world_motor_percent(&world),
                                 .valve_open = world_valve_open(&world)};
    return KOS_STATUS_OK;
}

static kos_transmitter_server_t transmitter = {.read = read_level};
static kos_actuators_server_t actuators = {.drive = drive};
static kos_judge_server_t judge = {.state = state};

static void advance(void) {
    uint32_t const before = world.dry + world.blind + world.overflow;
    world_advance(&world, now_ms());
    if (!before && world.dry + world.blind + world.overflow) {
        kos_log_error("the safety rule was broken: %u steps dry, %u blind, %u full to the brim", world.dry, world.blind,
                      world.overflow);
    }
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    advance();
    if (part_is_port(caller, "transmitter")) return kos_transmitter_dispatch(&transmitter, caller, request, answer);
    if (part_is_port(caller, "actuators")) return kos_actuators_dispatch(&actuators, caller, request, answer);
    if (part_is_port(caller, "judge")) return kos_judge_dispatch(&judge, caller, request, answer);
    return part_call(caller, request, answer);
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (!(bits & 1ull << kStep)) return;
    advance();
    part_check_trial();
    kos_assert_ok(kos_time_alarm(kStep, kos_time_after_us(50000)));
}

int main(void) {
    kos_server_t server = {.call = call, .signalled = signalled};
    part_begin("plant");
    key = stamp_key();
    world_begin(&world, now_ms());
    signalled(&server, 1ull << kStep);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
