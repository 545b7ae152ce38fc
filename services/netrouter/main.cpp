/*
 * The domain `netrouter`: connects the router to the rings of domains, to the network driver, the clock and the log.
 *
 * One thread serves everything. Packets come in batches, a few of each link in turn, so that none can keep the others
 * waiting; between the batches the server loop answers requests and the watchdog.
 */
#include <kos/app.h>
#include <kos/log.h>
#include <kos/random.h>
#include <kos/ring.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>
#include <kos/idl/timer.hpp>

#include "link_ring.h"
#include "manifest_policy.h"
#include "net_link_router.h"
#include "report.h"
#include "router.h"
#include "status.h"

namespace {

using namespace kos::netrouter;
using kos::net::LinkRing;
using DriverLink = kos::net::RouterLink<LinkRing>;

constexpr unsigned kPacketsOfLink = 16;  // in one round
constexpr unsigned kPacketsOfWire = 64;
constexpr unsigned kRounds = 8;  // until the server loop has its turn
constexpr unsigned kAlarmBit = 0;
constexpr uint32_t kChecksumDone = 1;  // tag of records, see docs/manifest.md: in: verified ...
constexpr uint32_t kChecksumLeft = 1;  // ... out: not filled in

kos::manifest::Manifest manifest;
Policy policy;

struct LinkRings {
    kos_ring_t out;  // from the domain
    kos_ring_t in;   // to it
};
LinkRings rings[kMaxLinks];

class MachineHost final : public Host {
public:
    uint8_t* reserve(Interface to, size_t bytes) override {
        if (to == kWire) {
            const auto buffer = driver->transmit_buffer();
            return buffer.size() < bytes ? nullptr : buffer.data();
        }
        void* room = nullptr;
        kos_ring_t* ring = &rings[to - 1].in;
        if (!ring->is_held) {
            kos_ring_hold(ring);
            held_[held_count_++] = ring;
        }
        kos_status_t status = kos_ring_reserve(ring, bytes, &room);
        // The domain was restarted, which is said once: its new instance may take the packet.
        if (status == KOS_STATUS_PEER_GONE) status = kos_ring_reserve(ring, bytes, &room);
        // A domain that broke its ring begins anew; this packet is lost.
        if (status == KOS_STATUS_PEER_INVALID) kos_ring_reset(ring);
        return kos_status_is_ok(status) ? static_cast<uint8_t*>(room) : nullptr;
    }
    void commit(Interface to, size_t bytes, const Offload& offload) override {
        if (to == kWire) {
            if (offload.is_partial) return driver->send(bytes, offload.start, offload.offset);
            return driver->send(bytes);
        }
        // Fails only if the domain has just been restarted.
        (void)kos_ring_commit(&rings[to - 1].in, bytes, offload.is_verified ? kChecksumDone : 0);
    }
    // Wakes the domains that packets have been put into the rings of. After each round, so before any sleep.
    void wake_domains() {
        while (held_count_ != 0) kos_ring_wake(held_[--held_count_]);
    }
    bool wire_takes_partial() const override { return driver->offers_checksum(); }
    bool random(uint64_t* value) override {
        if (left_ == 0) {
            if (!kos_status_is_ok(kos_random(pool_, sizeof pool_))) return false;
            left_ = sizeof pool_ / sizeof pool_[0];
        }
        *value = pool_[--left_];
        pool_[left_] = 0;
        return true;
    }
    void denied(const Denial& denial, uint64_t suppressed) override {
        Line line;
        const char* name = denial.domain == 0 ? "-" : manifest.domains[denial.domain].name;
        write_denial(denial, name == nullptr ? "-" : name, suppressed, line);
        // A log that takes no more loses the line; ring and counters have it.
        (void)kos_log_warning("%.*s", static_cast<int>(line.size()), line.data());
    }
    void set_wall(const Ntp::Time& time) override {
        const auto timer = kos::idl::timer::Client::connect("timer");
        const bool is_set = timer.ok() && timer->set_wall(time.ns, kos_time_us_to_ticks(time.at_us)).ok();
        if (!is_set && !has_failed_)
            kos_log_warning("wall clock: the timer refused; expected netrouter in its may_set");
        if (is_set && !has_set_) kos_log_info("wall clock set from the network");
        has_failed_ = !is_set;
        has_set_ = is_set;
    }
    void uplink_changed() override { has_changed = true; }

    DriverLink* driver = nullptr;
    bool has_changed = false;

private:
    kos_ring_t* held_[kMaxLinks] = {};  // each once at most
    unsigned held_count_ = 0;
    uint64_t pool_[32];
    unsigned left_ = 0;
    bool has_failed_ = false;
    bool has_set_ = false;
};

MachineHost host;

struct Context {
    Router& router;
    Status& status;
    DriverLink& driver;
    uint64_t now_us = 0;
    uint64_t alarm_us = 0;

    // Of the driver's link.
    void begin(const uint8_t* mac, uint16_t mtu) { router.start_wire(load_mac(mac), mtu, now_us); }
    void link(bool is_up) {
        router.set_carrier(is_up, now_us);
        kos_log_info(is_up ? "uplink: signal" : "uplink: no signal");
    }
    void frame(std::span<const uint8_t> frame, kos::net::LinkFlags flags) {
        router.from_wire(frame.data(), frame.size(), (flags & kos::net::kChecksumGood) != 0,
                         (flags & kos::net::kChecksumPartial) != 0, now_us);
    }
};

// At most kPacketsOfLink packets of a link. True: there may be more.
bool read_packets(Context& context, unsigned link, kos_ring_t* ring) {
    for (unsigned i = 0; i < kPacketsOfLink; ++i) {
        const void* packet = nullptr;
        size_t length = 0;
        uint32_t tag = 0;
        const kos_status_t status = kos_ring_peek(ring, &packet, &length, &tag);
        if (status == KOS_STATUS_PEER_GONE) continue;  // restarted: said once
        if (status == KOS_STATUS_PEER_INVALID) {
            kos_log_warning("%s broke the rules of its link", manifest.domains[policy.links[link].domain].name);
            kos_ring_reset(ring);
            return false;
        }
        if (!kos_status_is_ok(status)) return false;
        context.router.from_link(link, static_cast<const uint8_t*>(packet), length, (tag & kChecksumLeft) != 0,
                                 context.now_us);
        (void)kos_ring_release(ring);  // it was peeked at
    }
    return true;
}

bool read_link(Context& context, unsigned link) {
    kos_ring_t* ring = &rings[link].out;
    kos_ring_hold(ring);
    const bool is_busy = read_packets(context, link, ring);
    kos_ring_wake(ring);
    return is_busy;
}

void report_uplink(const Router& router) {
    Line line;
    line.add("uplink: ");
    const bool has_address = !router.own4().is_none() || !router.own6().is_none();
    if (!has_address) line.add("no address");
    if (!router.own4().is_none()) add_ip(line, router.own4()).add(' ');
    if (!router.own6().is_none()) add_ip(line, router.own6());
    (void)kos_log_info("%.*s", static_cast<int>(line.size()), line.data());
}

void set_alarm(Context& context) {
    const uint64_t next = context.router.next_us();
    if (next == context.alarm_us && context.alarm_us > context.now_us) return;
    context.alarm_us = next;
    if (!kos_status_is_ok(kos_time_alarm(kAlarmBit, kos_time_us_to_ticks(next)))) kos_stop("uses: expected timer");
}

// Moves packets until there are none, or the server loop should have its turn.
void advance(Context& context) {
    bool is_busy = true;
    for (unsigned round = 0; round < kRounds && is_busy; ++round) {
        context.now_us = kos_time_us();
        is_busy = context.driver.poll(context, kPacketsOfWire) == kPacketsOfWire;
        for (unsigned link = 0; link < policy.link_count; ++link) is_busy |= read_link(context, link);
        context.driver.flush();
        host.wake_domains();
    }
    if (context.now_us >= context.router.next_us()) {
        context.router.tick(context.now_us);
        context.driver.flush();
        host.wake_domains();
    }
    if (host.has_changed) {
        host.has_changed = false;
        report_uplink(context.router);
    }
    set_alarm(context);
    for (unsigned link = 0; link < policy.link_count && !is_busy; ++link) {
        is_busy = kos_ring_prepare_wait(&rings[link].out, 1) != 0;
    }
    if (is_busy || context.driver.prepare_wait() != 0) kos_thread_signal_server();
}

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Context*>(server->context)->status.call(*caller, *request, kos_time_us(), *answer);
}

void signalled(kos_server_t* server, uint64_t) { advance(*static_cast<Context*>(server->context)); }

void open_rings() {
    for (unsigned link = 0; link < policy.link_count; ++link) {
        kos::service::Text<KOS_MAX_NAME> name;
        const auto open = [&](const char* end, kos_ring_t* ring) {
            name.clear();
            name.add("net_").add(policy.links[link].name.data(), policy.links[link].name.size()).add(end).add('\0');
            if (!kos_status_is_ok(kos_ring_open(name.data(), ring))) kos_stop("a link of the manifest has no rings");
        };
        open("_out", &rings[link].out);
        open("_in", &rings[link].in);
    }
}

}  // namespace

int main(int, char**) {
    const kos_startup_t* startup = kos_app_startup();
    const auto read =
        kos::manifest::read(reinterpret_cast<const void*>(startup->manifest_base), startup->manifest_bytes, manifest);
    if (!read.ok()) kos_stop("rights: expected \"manifest\", and a manifest that can be read");
    if (!make_policy(manifest, policy)) kos_stop("the manifest has no [network]");

    kos_ring_memory_t area;
    if (!kos_status_is_ok(kos_ring_memory(kos::net::kFramesRing, &area))) kos_stop("expected the ring net_frames");
    static LinkRing from_driver(area);
    static LinkRing to_driver(area);
    static DriverLink driver({static_cast<uint8_t*>(area.address), area.size_bytes}, from_driver, to_driver);
    host.driver = &driver;

    static Router router(policy, host);
    unsigned restored = 0;
    if (!router.open(reinterpret_cast<void*>(startup->persistent_base), startup->persistent_bytes, kos_time_us(),
                     &restored)) {
        kos_stop("expected persistent = \"576K\" and the port entropy");
    }
    if (restored != 0) kos_log_info("%u connections go on", restored);
    open_rings();
    if (!kos_status_is_ok(driver.open())) kos_stop("the ring net_frames is too small");
    static Status status(router);
    static Context context{router, status, driver};
    advance(context);

    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
