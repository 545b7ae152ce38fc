// The port "pump": one client at a time controls the motor, by a token that it has to keep using. What it wants is not
// what the motor gets: that is the interlock's.
#pragma once

#include <kos/server.h>

#include <stdint.h>

typedef struct {
    uint8_t wanted_percent;  // by the holder; 0 without one
    uint8_t is_held;
    // Of the motor, kept by main.c.
    uint8_t percent;
    uint64_t run_us;
    uint32_t starts;
} lease_motor_t;

kos_status_t lease_call(lease_motor_t* motor, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer);
// Ends a lease that nobody has used for longer than it holds.
void lease_check(lease_motor_t* motor);
