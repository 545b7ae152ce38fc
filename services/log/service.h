/*
 * What the log does with requests: check, keep. No I/O: main.cpp connects it to libkos, tests to fakes.
 *
 * All methods run on the thread that serves; ConsoleFeed (console_feed.h) reads the store from another one.
 */
#ifndef KOS_SERVICES_LOG_SERVICE_H_
#define KOS_SERVICES_LOG_SERVICE_H_

#include <kos/ports.h>
#include <kos/idl/log.hpp>

#include <stddef.h>
#include <stdint.h>
#include <string_view>

#include "rate_limit.h"
#include "root_ring.h"
#include "store.h"

namespace kos::log {

// Names of the domains that the log knows: root (0), itself and its clients.
struct Names {
    const char* of[KOS_MAX_DOMAINS] = {};  // null: unknown

    const char* operator[](uint16_t domain) const {
        return domain < KOS_MAX_DOMAINS && of[domain] != nullptr ? of[domain] : "?";
    }
};

struct Settings {
    uint16_t own_domain = 0;
    uint8_t keep_level = KOS_LOG_DEBUG;  // lines of a higher number are not kept
    uint64_t readers = 0;                // bit n: domain n may read
};

class Service : public idl::log::Server<Service> {
public:
    using Caller = idl::Caller;
    using Level = idl::log::Level;

    Service(Store& store, RateLimit& rate, const Names& names, const Settings& settings)
        : store_(store), rate_(rate), names_(names), settings_(settings) {}

    // A request of the interface "log", received at `now`. `answer` as in kos_server_t.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer);

    // A one-way line. Wrong ones are counted and reported by `tick`, since nobody waits for an answer.
    void queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now);

    // Takes root's records over, at most as many as the ring has entries.
    void follow_root(const RootRing* ring, size_t ring_bytes, uint64_t now);

    // Reports what has been suppressed, where the domain may write again. To be called about once a second.
    void tick(uint64_t now);

    // A line of the log itself.
    void note(uint8_t level, const char* text, size_t bytes, uint64_t now);

    // The interface (idl/log.capnp).
    bool accepts(const Caller& caller) const { return caller.token == 0; }
    idl::Result<void> write(const Caller& caller, Level level, std::string_view text);
    idl::Result<idl::log::ReadAnswer> read(const Caller& caller, uint64_t cursor);
    idl::Result<idl::log::StatusAnswer> status(const Caller& caller);
    // A line above the rate is counted there; nobody waits for an answer.
    void queue_error(const Caller& caller, std::string_view text) { (void)write(caller, Level::kError, text); }
    void queue_warning(const Caller& caller, std::string_view text) { (void)write(caller, Level::kWarning, text); }
    void queue_info(const Caller& caller, std::string_view text) { (void)write(caller, Level::kInfo, text); }
    void queue_debug(const Caller& caller, std::string_view text) { (void)write(caller, Level::kDebug, text); }

private:
    void keep(uint16_t domain, uint8_t level, uint32_t instance, uint64_t ticks, const char* text, size_t bytes);
    void report_suppressed(uint16_t domain, uint64_t now);

    Store& store_;
    RateLimit& rate_;
    const Names& names_;
    Settings settings_;
    uint64_t now_ = 0;  // of the present request
    uint64_t malformed_[KOS_MAX_DOMAINS] = {};
    alignas(8) uint8_t buffer_[KOS_PAYLOAD_MAX];
};

}  // namespace kos::log

#endif
