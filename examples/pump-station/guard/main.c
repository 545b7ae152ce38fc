// The guard (app.toml): hears each BEAM on a port of its own, and has the supervisor restart the one that is silent. It
// holds the right to restart these two, and no other.
#include <kos/app.h>
#include <kos/idl/appman.h>
#include <kos/idl/guard.h>
#include <kos/log.h>
#include <kos/server.h>
#include <kos/time.h>

#include <string.h>

enum { kLook = 0, kLookMs = 1000, kBeams = 2 };  // kLook: user bit of the alarm

typedef struct {
    const char *name, *port;
    uint32_t instance;
    uint64_t heard_by_ms;  // restarted when this has passed
} beam_t;

static beam_t beams[kBeams] = {{.name = "station", .port = "station_guard"},
                               {.name = "history", .port = "history_guard"}};
static uint64_t silence_ms, start_ms;
static kos_appman_client_t appman;

static uint64_t now_ms(void) { return kos_time_us() / 1000; }

static kos_status_t alive(kos_guard_server_t* self, const kos_caller_t* caller) {
    (void)self;
    for (unsigned i = 0; i < kBeams; ++i) {
        if (strcmp(kos_server_port_name(caller->port), beams[i].port) != 0) continue;
        beams[i].heard_by_ms = now_ms() + silence_ms;
    }
    return KOS_STATUS_OK;
}

static void look_at(beam_t* beam) {
    kos_appman_domain_t domain;
    kos_status_t const got = kos_appman_client_status(appman, beam->name, strlen(beam->name), &domain);
    if (!kos_status_is_ok(got)) return;  // the supervisor is being restarted: asked again in a second
    if (domain.instance != beam->instance || domain.state != KOS_APPMAN_STATE_READY) {
        beam->instance = domain.instance;
        beam->heard_by_ms = now_ms() + start_ms;
        return;
    }
    if (now_ms() < beam->heard_by_ms) return;
    kos_status_t const ended = kos_appman_client_restart(appman, beam->name, strlen(beam->name));
    kos_log_warning("nothing was heard of %s: restart: %s", beam->name, kos_status_name(ended));
    beam->heard_by_ms = now_ms() + start_ms;
}

static kos_guard_server_t guard = {.alive = alive};

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    return kos_guard_dispatch(&guard, caller, request, answer);
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (!(bits & 1ull << kLook)) return;
    kos_assert_ok(kos_time_alarm(kLook, kos_time_after_us(kLookMs * 1000ull)));
    for (unsigned i = 0; i < kBeams; ++i) look_at(&beams[i]);
}

int main(void) {
    kos_server_t server = {.call = call, .signalled = signalled};
    silence_ms = kos_app_parameter_number("silence_ms", 15000);
    start_ms = kos_app_parameter_number("start_ms", 90000);
    for (unsigned i = 0; i < kBeams; ++i) beams[i].heard_by_ms = now_ms() + start_ms;
    kos_assert_ok(kos_appman_connect("appman", &appman));
    signalled(&server, 1ull << kLook);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
