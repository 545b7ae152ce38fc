/*
 * The domain `log`: the port "log" on its callers' time, root's records on its own, the console on a thread of its own.
 */
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>
#include <kos/idl/console.hpp>

#include "../common/startup.h"
#include "console_feed.h"
#include "service.h"

namespace {

using kos::log::ConsoleFeed;
using kos::log::RootRing;
using kos::log::Service;
using kos::service::entries;

constexpr char kConsolePort[] = "console";
constexpr char kRootRing[] = "root_log";
constexpr unsigned kLinesPerPeriod = 16;

const RootRing* root_ring = nullptr;
size_t root_ring_bytes = 0;

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Service*>(server->context)->call(*caller, *request, kos_time_ticks(), *answer);
}

void queued(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t size_bytes) {
    static_cast<Service*>(server->context)->queued(*caller, label, bytes, size_bytes, kos_time_ticks());
}

void signalled(kos_server_t* server, uint64_t) {
    auto* service = static_cast<Service*>(server->context);
    if (root_ring != nullptr) service->follow_root(root_ring, root_ring_bytes, kos_time_ticks());
    service->tick(kos_time_ticks());
}

// Never serves anyone: a console that does not answer stops this thread only.
void feed_console(void* context) {
    auto* feed = static_cast<ConsoleFeed*>(context);
    kos_slot_t console = 0;
    uint64_t woken_at = kos_time_ticks();
    uint64_t root_seen = 0;
    while (true) {
        kos_thread_yield();
        const uint64_t now = kos_time_ticks();
        const uint64_t root_written = root_ring == nullptr ? 0 : __atomic_load_n(&root_ring->written, __ATOMIC_ACQUIRE);
        if (root_written != root_seen || now - woken_at > kos_time_hz()) {
            root_seen = root_written;
            woken_at = now;
            kos_thread_signal_server();
        }
        if (console == 0 && !kos_status_is_ok(kos_dir_request_until(kConsolePort, 0, &console))) {
            console = 0;
            continue;
        }
        feed->run(
            [console](const char* bytes, size_t size) -> size_t {
                const auto taken =
                    kos::idl::console::Client(console).write_some({reinterpret_cast<const uint8_t*>(bytes), size});
                // Whatever goes wrong (the driver restarts, its buffer is full): the same bytes again in the next
                // period.
                return taken.ok() ? *taken : 0;
            },
            kLinesPerPeriod);
    }
}

kos::log::Names make_names(const kos_startup_t* startup) {
    kos::log::Names names;
    for (const auto& client : entries<kos_startup_client_t>(startup, startup->clients)) {
        if (client.domain < KOS_MAX_DOMAINS) names.of[client.domain] = client.name;
    }
    names.of[0] = "root";
    names.of[startup->domain] = startup->name;
    return names;
}

uint8_t level_parameter(const char* key, uint64_t otherwise) {
    const uint64_t level = kos_app_parameter_number(key, otherwise);
    if (level < KOS_LOG_ERROR || level > KOS_LOG_DEBUG) kos_stop("parameters keep_level, console_level: expected 1..4");
    return static_cast<uint8_t>(level);
}

}  // namespace

int main(int, char**) {
    const kos_startup_t* startup = kos_app_startup();
    static kos::log::Store store;
    if (!store.open(reinterpret_cast<void*>(startup->persistent_base), startup->persistent_bytes)) {
        kos_stop("persistent: expected 8K to 16M");
    }
    const uint64_t per_second = kos_app_parameter_number("lines_per_second", 50);
    const uint64_t burst = kos_app_parameter_number("burst_lines", 100);
    if (per_second == 0 || burst == 0) kos_stop("parameters lines_per_second, burst_lines: expected at least 1");
    static kos::log::RateLimit rate(kos_time_hz(), per_second, burst);
    static const kos::log::Names kNames = make_names(startup);

    kos::log::Settings settings;
    settings.own_domain = startup->domain;
    settings.keep_level = level_parameter("keep_level", KOS_LOG_DEBUG);
    if (const char* readers = kos_app_parameter("readers")) {
        std::string_view unknown;
        settings.readers =
            kos::service::clients_named(entries<kos_startup_client_t>(startup, startup->clients), readers, &unknown);
        if (!unknown.empty()) kos_stop("parameter readers: expected names of clients of the port log");
    }
    static Service service(store, rate, kNames, settings);

    for (const auto& ring : entries<kos_startup_ring_t>(startup, startup->rings)) {
        if (std::string_view(ring.name) != kRootRing) continue;
        root_ring = reinterpret_cast<const RootRing*>(ring.address);
        root_ring_bytes = ring.bytes;
        service.follow_root(root_ring, root_ring_bytes, kos_time_ticks());
    }
    store.set_instance(startup->domain, startup->instance);

    if (kos::service::find_connection(startup, kConsolePort) != nullptr) {
        static ConsoleFeed feed(store, kNames, kos_time_hz(), level_parameter("console_level", KOS_LOG_INFO));
        kos_thread_t* thread = nullptr;
        if (kos_thread_create(feed_console, &feed, 0, &thread) != KOS_STATUS_CREATED ||
            !kos_status_is_ok(kos_thread_start(thread))) {
            kos_stop("threads: expected 2, the second feeds the console");
        }
    }

    kos_server_t server = {.call = call, .queued = queued, .signalled = signalled, .context = &service};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
