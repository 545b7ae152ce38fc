// What the checks of left do with right.
#pragma once

#include "../services.h"

#include <kos/cpp/net.h>

kos::NetAddress right4(uint16_t port);
kos::NetAddress right6(uint16_t port);

// Sends `total` bytes to the echo at `to`, finishes, and compares what comes back up to the end. The result is the
// number of bytes that came back right, or 0 and why.
size_t echo(const kos::NetAddress& to, size_t total, uint64_t timeout_ms, kos::Status* why);
// A connection that has said "x" and got it back.
kos::Result<kos::TcpConnection> greeted(uint64_t timeout_ms);
kos::Status greet(kos::TcpConnection& connection, uint64_t timeout_ms);
kos::Result<Report> report();
