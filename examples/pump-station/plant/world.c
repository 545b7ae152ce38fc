// The physics of world.h, and the judge.
#include "world.h"

// 0.02 square metres.
enum {
    kMicrolitresPerMm = 20000,
    kPumpMlPerS = 1000,
    kReliefMlPerS = 1500,
    kInflowLeast = 250,
    kInflowMost = 550,
    kInflowPeriodMs = 40000,
    kStaticPa = 60000,    // of the column of water behind the pump
    kDynamicPa = 120000,  // at full flow
};

int32_t world_level_mm(const world_t* world) { return (int32_t)(world->volume_ul / kMicrolitresPerMm); }

static int is_driven(const world_t* world) { return world->time_ms - world->driven_ms <= kDropOutMs; }

uint8_t world_motor_percent(const world_t* world) { return is_driven(world) ? world->percent : 0; }

int world_valve_open(const world_t* world) { return !(is_driven(world) && world->valve_closed); }

// Up and down in a triangle.
int32_t world_inflow(const world_t* world) {
    int64_t const phase = (int64_t)(world->time_ms % kInflowPeriodMs), half = kInflowPeriodMs / 2;
    int64_t const up = phase < half ? phase : kInflowPeriodMs - phase;
    return kInflowLeast + (int32_t)((kInflowMost - kInflowLeast) * up / half);
}

int32_t world_outflow(const world_t* world) {
    return world->volume_ul > 0 ? kPumpMlPerS * world_motor_percent(world) / 100 : 0;
}

int32_t world_relief(const world_t* world) {
    return world_valve_open(world) && world_level_mm(world) >= kReliefMm ? kReliefMlPerS : 0;
}

int32_t world_pressure_pa(const world_t* world) {
    int64_t const flow = world_outflow(world);
    return flow ? kStaticPa + (int32_t)(kDynamicPa * flow * flow / ((int64_t)kPumpMlPerS * kPumpMlPerS)) : 0;
}

static void judge(world_t* world) {
    int32_t const level = world_level_mm(world);
    ++world->steps;
    if (level >= kBrimMm) ++world->overflow;
    if (level > world->highest_mm) world->highest_mm = level;
    if (!world_motor_percent(world)) return;
    uint64_t const age = world->time_ms - world->read_ms;
    if (level < kMinimumMm) ++world->dry;
    if (age > kBlindMs) ++world->blind;
    if (level < world->lowest_running_mm) world->lowest_running_mm = level;
    if (age > world->longest_blind_ms) world->longest_blind_ms = age > UINT32_MAX ? UINT32_MAX : (uint32_t)age;
}

static void step(world_t* world, uint64_t ms) {
    int64_t const most = (int64_t)kMicrolitresPerMm * kBrimMm;
    // A millilitre per second is a microlitre per millisecond.
    int64_t const flow = world_inflow(world) - world_outflow(world) - world_relief(world);
    int64_t const volume = world->volume_ul + flow * (int64_t)ms;
    world->volume_ul = volume < 0 ? 0 : volume > most ? most : volume;
    world->time_ms += ms;
    judge(world);
}

void world_begin(world_t* world, uint64_t now_ms) {
    *world = (world_t){.time_ms = now_ms,
                       .volume_ul = (int64_t)500 * kMicrolitresPerMm,
                       .driven_ms = now_ms,
                       .read_ms = now_ms,
                       .lowest_running_mm = kBrimMm};
}

void world_advance(world_t* world, uint64_t now_ms) {
    while (world->time_ms < now_ms) {
        uint64_t const left = now_ms - world->time_ms;
        step(world, left < kStepMs ? left : kStepMs);
    }
}

void world_drive(world_t* world, uint8_t percent, uint8_t valve_closed) {
    world->percent = percent > 100 ? 100 : percent;
    world->valve_closed = valve_closed;
    world->driven_ms = world->time_ms;
}
