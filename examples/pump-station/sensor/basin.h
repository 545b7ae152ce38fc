// A basin with an inflow and a pump, simulated: QEMU has neither. With real hardware, registers take its place.
#pragma once

#include <stdint.h>

enum { kBasinInflowMlPerS = 400, kBasinPumpMlPerS = 1000 };

typedef struct {
    uint64_t time_us;   // up to which it is simulated
    int64_t volume_ul;  // microlitres
    uint8_t pump_percent;
} basin_t;

void basin_advance(basin_t* basin, uint64_t now_us);
int32_t basin_level_mm(const basin_t* basin);
int32_t basin_flow_ml_per_s(const basin_t* basin);  // positive: it fills
