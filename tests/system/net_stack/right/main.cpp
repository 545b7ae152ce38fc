// The other side: echo on TCP and UDP, a port that resets, one that says what its stack holds. In a server loop, by
// call-backs.
#include "../services.h"

#include <kos/cpp/all.h>
#include <kos/cpp/net.h>
#include <kos/mem.h>

#include <stdio.h>
#include <string.h>
#include <new>

namespace {

// One echo connection; it ends itself.
class Echo {
public:
    explicit Echo(kos::TcpConnection connection) : connection_(std::move(connection)) {
        connection_.watch<&Echo::ready>(*this);
    }
    void ready() {
        for (;;) {
            while (sent_ < count_) {
                const kos::Result<size_t> done = connection_.send({bytes_ + sent_, count_ - sent_});
                if (!done.ok()) return done.status() == KOS_STATUS_FULL ? void() : end();
                sent_ += done.value();
            }
            const kos::Result<size_t> done = connection_.receive(bytes_);
            if (!done.ok()) return done.status() == KOS_STATUS_EMPTY ? void() : end();
            if (done.value() == 0) return end();
            count_ = done.value();
            sent_ = 0;
        }
    }

private:
    void end() { delete this; }

    kos::TcpConnection connection_;
    unsigned char bytes_[4096];
    size_t count_ = 0, sent_ = 0;
};

class Right : public kos::Server<Right> {
public:
    Right()
        : echo_(listen(kEchoPort)),
          reset_(listen(kResetPort)),
          report_(listen(kReportPort)),
          udp_(kos::UdpSocket::open(kos::net_any(kEchoPort)).value()) {
        echo_.watch<&Right::accept_echo>(*this);
        reset_.watch<&Right::accept_reset>(*this);
        report_.watch<&Right::accept_report>(*this);
        udp_.watch<&Right::answer_udp>(*this);
    }

    kos::Status call(const kos::Caller&, const kos::Message&, kos::Reply&) { return KOS_STATUS_BAD_REQUEST; }
    void signalled(uint64_t bits) {
        if (bits & kos_net_signals()) kos_net_work();
    }

private:
    static kos::TcpListener listen(uint16_t port) { return kos::TcpListener::open(kos::net_any(port), 128).value(); }

    void accept_echo() {
        for (auto made = echo_.accept(); made.ok(); made = echo_.accept()) {
            if (new (std::nothrow) Echo(std::move(made).value()) == nullptr) kos::log_info("right: no memory");
        }
    }
    void accept_reset() {
        for (auto made = reset_.accept(); made.ok(); made = reset_.accept()) std::move(made).value().abort();
    }
    void accept_report() {
        for (auto made = report_.accept(); made.ok(); made = report_.accept()) {
            Report report{};
            kos_net_counters_t counters;
            kos_net_counters(&counters);
            kos_mem_status_t memory;
            kos_assert_ok(kos_mem_status(&memory));
            // Without the connection that asks.
            report.connections = counters.connections - 1;
            report.sockets = counters.sockets - 1;
            report.link_resets = counters.link_resets;
            report.memory_bytes = counters.memory_used;
            report.quota_bytes = memory.used_bytes;
            kos::TcpConnection connection = std::move(made).value();
            const auto* const bytes = reinterpret_cast<const unsigned char*>(&report);
            if (!connection.send({bytes, sizeof report}).ok()) kos::log_info("right: nobody wants the report");
        }
    }
    void answer_udp() {
        static unsigned char bytes[8192];
        for (auto got = udp_.receive(bytes); got.ok(); got = udp_.receive(bytes)) {
            udp_.send(got.value().from, got.value().payload).ignore();
        }
    }

    kos::TcpListener echo_, reset_, report_;
    kos::UdpSocket udp_;
};

}  // namespace

int main() {
    kos_net_options_t options{};
    options.connections = 512;
    options.ring_out = kos_app_parameter("ring_out");
    options.ring_in = kos_app_parameter("ring_in");
    kos_assert_ok(kos::net_open(options).code());
    static Right right;
    return right.run().ok() ? 0 : 1;
}
