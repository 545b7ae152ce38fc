// The physics of basin.h.
#include "basin.h"

// 0.02 square metres, a metre deep.
enum { kMicrolitresPerMm = 20000, kDepthMm = 1000 };

int32_t basin_flow_ml_per_s(const basin_t* basin) {
    return kBasinInflowMlPerS - kBasinPumpMlPerS * basin->pump_percent / 100;
}

// A millilitre per second is a microlitre per millisecond.
void basin_advance(basin_t* basin, uint64_t now_us) {
    int64_t const most = (int64_t)kMicrolitresPerMm * kDepthMm;
    int64_t const volume = basin->volume_ul + (int64_t)(now_us - basin->time_us) * basin_flow_ml_per_s(basin) / 1000;
    basin->volume_ul = volume < 0 ? 0 : volume > most ? most : volume;
    basin->time_us = now_us;
}

int32_t basin_level_mm(const basin_t* basin) { return (int32_t)(basin->volume_ul / kMicrolitresPerMm); }
