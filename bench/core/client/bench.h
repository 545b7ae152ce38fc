// Measuring and reporting. One instruction takes one nanosecond of virtual time (docs/testing.md), and the counter
// goes up every 16 instructions: rows are loops of many passes.
#pragma once

#include <kos/msg.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Makes `passes` passes. Whatever does not come out as it should is told by expect().
typedef void (*loop_fn)(uint64_t passes);

// Nanoseconds of one pass, without the loop itself: the least of several runs, because the rest of the system (sweep,
// health questions, clocks) works now and then, too.
double time_of(loop_fn loop, uint64_t passes);

void report(const char* row, double value, const char* unit);
void measure(const char* row, loop_fn loop, uint64_t passes);  // time_of and report

// What was measured has not been done: the row fails, and with it the run.
void failed(const char* what, int64_t detail);
static inline void expect(int is_right, const char* what, int64_t detail) {
    if (__builtin_expect(!is_right, 0)) failed(what, detail);
}

kos_slot_t port(const char* name);

void measure_calls(void);      // calls.c
void measure_calls_cpp(void);  // calls_cpp.cpp
void measure_reference(void);  // raw.cpp
void measure_transfers(void);  // transfers.c
void measure_restarts(void);   // restarts.c
void measure_devices(void);    // devices.c
extern double reference_ns;    // of raw.cpp, 0 if it was not measured

#ifdef __cplusplus
}
#endif
