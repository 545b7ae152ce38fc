// The physical side of the pump station, simulated: QEMU has neither water nor pumps. Time is given from outside.
//
// Water flows in, now more, now less. A pump takes it out; above 700 mm, so does a relief pipe if its valve is open.
// The motor and the valve's coil drop out when nobody drives them, as contactors with a monitored field bus do.
#pragma once

#include <stdint.h>

enum {
    kMinimumMm = 200,   // the motor must not run with less: it would run dry
    kBlindMs = 1000,    // nor with a reading older than this
    kBrimMm = 1000,     // the basin overflows
    kReliefMm = 700,    // inlet of the relief pipe
    kFloatLowMm = 240,  // switches
    kFloatHighMm = 900,
    kDropOutMs = 200,
    kStepMs = 10,
};

typedef struct {
    uint64_t time_ms;
    int64_t volume_ul;
    uint64_t driven_ms, read_ms;  // last times
    uint8_t percent;              // wanted of the motor
    uint8_t valve_closed;
    // The judge's.
    uint64_t steps;
    uint32_t dry, blind, overflow;
    int32_t lowest_running_mm, highest_mm;
    uint32_t longest_blind_ms;
} world_t;

void world_begin(world_t* world, uint64_t now_ms);
// Steps of at most kStepMs up to now; each is judged.
void world_advance(world_t* world, uint64_t now_ms);
void world_drive(world_t* world, uint8_t percent, uint8_t valve_closed);

int32_t world_level_mm(const world_t* world);
int32_t world_inflow(const world_t* world);   // these in millilitres per second
int32_t world_outflow(const world_t* world);  // through the pump
int32_t world_relief(const world_t* world);
uint8_t world_motor_percent(const world_t* world);  // that it runs with
int world_valve_open(const world_t* world);
int32_t world_pressure_pa(const world_t* world);
