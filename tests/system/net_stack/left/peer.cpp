// Talking to right.
#include "peer.h"

#include <string.h>

namespace {

kos::NetAddress address(const char* parameter, uint16_t port) {
    const char* const text = kos_app_parameter(parameter);
    kos_assert(text != nullptr);
    return kos::net_address(text, port).value();
}

unsigned char pattern(size_t at) { return static_cast<unsigned char>(at * 7 + (at >> 8) * 13 + (at >> 16)); }

}  // namespace

kos::NetAddress right4(uint16_t port) { return address("peer4", port); }
kos::NetAddress right6(uint16_t port) { return address("peer6", port); }

size_t echo(const kos::NetAddress& to, size_t total, uint64_t timeout_ms, kos::Status* why) {
    const kos::Deadline deadline = kos::Deadline::after_ms(timeout_ms);
    kos::Result<kos::TcpConnection> made = kos::TcpConnection::connect(to, deadline);
    *why = made.status();
    if (!made.ok()) return 0;
    kos::TcpConnection connection = std::move(made).value();
    static unsigned char bytes[8192];
    size_t sent = 0;
    size_t received = 0;
    for (;;) {
        while (sent < total) {
            const size_t count = total - sent < sizeof bytes ? total - sent : sizeof bytes;
            for (size_t i = 0; i < count; ++i) bytes[i] = pattern(sent + i);
            const kos::Result<size_t> done = connection.send({bytes, count});
            if (!done.ok() && done.status() == KOS_STATUS_FULL) break;
            *why = done.status();
            if (!done.ok()) return 0;
            sent += done.value();
            if (sent == total) *why = connection.finish();
            if (!why->ok()) return 0;
        }
        uint32_t events = KOS_NET_READABLE;
        if (sent < total) events |= KOS_NET_WRITABLE;
        *why = connection.wait(events, deadline);
        if (!why->ok()) return 0;
        for (;;) {
            const kos::Result<size_t> done = connection.receive(bytes);
            if (!done.ok() && done.status() == KOS_STATUS_EMPTY) break;
            *why = done.status();
            if (!done.ok()) return 0;
            if (done.value() == 0) return received;
            for (size_t i = 0; i < done.value(); ++i) {
                if (bytes[i] != pattern(received++)) return 0;
            }
        }
    }
}

kos::Status greet(kos::TcpConnection& connection, uint64_t timeout_ms) {
    const kos::Deadline deadline = kos::Deadline::after_ms(timeout_ms);
    unsigned char byte = 'x';
    KOS_TRY(connection.send_all({&byte, 1}, deadline));
    byte = 0;
    const size_t count = KOS_TRY(connection.receive({&byte, 1}, deadline));
    return count == 1 && byte == 'x' ? KOS_STATUS_OK : KOS_STATUS_PEER_INVALID;
}

kos::Result<kos::TcpConnection> greeted(uint64_t timeout_ms) {
    kos::TcpConnection connection =
        KOS_TRY(kos::TcpConnection::connect(right4(kEchoPort), kos::Deadline::after_ms(timeout_ms)));
    KOS_TRY(greet(connection, timeout_ms));
    return connection;
}

kos::Result<Report> report() {
    const kos::Deadline deadline = kos::Deadline::after_ms(10000);
    kos::TcpConnection connection = KOS_TRY(kos::TcpConnection::connect(right4(kReportPort), deadline));
    unsigned char bytes[sizeof(Report) + 1];
    size_t count = 0;
    for (;;) {
        const size_t more = KOS_TRY(connection.receive(std::span(bytes).subspan(count), deadline));
        if (more == 0) break;
        count += more;
        if (count == sizeof bytes) return KOS_STATUS_PEER_INVALID;
    }
    if (count != sizeof(Report)) return KOS_STATUS_PEER_INVALID;
    Report result;
    memcpy(&result, bytes, sizeof result);
    return result;
}
