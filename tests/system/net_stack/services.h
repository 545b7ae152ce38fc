// Ports of right, and what its report is.
#pragma once

#include <stdint.h>

enum { kEchoPort = 7, kResetPort = 2, kReportPort = 5, kNobodysPort = 99 };

struct Report {
    uint64_t connections;  // TCP, without the one that asks
    uint64_t sockets;      // as well
    uint64_t link_resets;
    uint64_t memory_bytes;  // of the stack
    uint64_t quota_bytes;   // of the domain
};
