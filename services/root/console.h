// Where root's own lines go: the board's UART directly during boot and while there is nobody else to show them, and the
// ring of the log service once that runs.
#pragma once

#include "text.h"

#include <stddef.h>
#include <stdint.h>

namespace root {

// Maps the UART. Before, and if there is none, lines are dropped.
void start_console();

enum class Level : uint8_t { kError = 1, kWarning = 2, kInfo = 3 };

// One line, without its end; `domain`: the one it is about, 0: root itself. Into the ring, and on the UART as long as
// there is no log service to show it.
void log(Level level, const Text& line, uint16_t domain = 0, uint32_t instance = 0);

// A domain is being started.
void log_start(uint16_t domain, uint32_t instance, const char* name);

// Where lines are kept for the log service, from boot on (services/log/root_ring.h).
void start_log_ring(void* memory, size_t bytes);

// From now on `signal` is signalled for each line, and nothing goes to the UART; 0: back to the UART.
void log_to_service(uint64_t signal);

// On the UART, whoever else uses it: for what must be seen.
void print_directly(const char* text);

inline uint64_t ticks() {
    uint64_t value;
    asm volatile("isb\n mrs %0, cntpct_el0" : "=r"(value));
    return value;
}

inline uint64_t ticks_per_second() {
    uint64_t value;
    asm("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

}  // namespace root
