/*
 * The domain `timer`: requests and interrupts of the physical timer on the main thread; a second thread that looks
 * after it on scheduled time, so that nobody who writes the timer's registers can stop anything; a third that asks the
 * real-time clock once and may wait for it as long as it likes.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/log.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>
#include <kos/idl/log.hpp>
#include <kos/idl/rtc.hpp>

#include "../common/startup.h"
#include "../common/text.h"
#include "generic_timer.h"
#include "service.h"
#include "timer_registers.h"

namespace {

using kos::driver::GenericTimer;
using kos::driver::TimerRegisters;
using kos::driver::TimerTampering;
using kos::service::entries;
using kos::timer::Alarms;
using kos::timer::Host;
using kos::timer::kNever;
using kos::timer::Service;
using kos::timer::Sleepers;

constexpr char kDevice[] = "timer";
constexpr char kClockPort[] = "rtc";
constexpr uint64_t kNsPerSecond = 1000000000;
constexpr uint64_t kLookAfterUs = 100000;
// The wall clock comes first in the persistent memory, the alarms follow.
constexpr size_t kWallBytes = 256;
static_assert(kos::timer::SavedWall::kBytes <= kWallBytes);

class MachineHost final : public Host {
public:
    explicit MachineHost(const kos_startup_t* startup) : timer_(registers_) {
        for (const auto& signal : entries<kos_startup_signal_t>(startup, startup->signals)) {
            if (signal.domain < KOS_MAX_DOMAINS) signals_[signal.domain] = signal.slot;
        }
        timer_.reset();
    }
    void begin(kos_server_t* server, const kos_caller_t* caller) {
        server_ = server;
        caller_ = caller;
    }
    bool defer(unsigned place) override {
        return kos_status_is_ok(kos_server_defer(server_, caller_, &deferred_[place]));
    }
    void wake(unsigned place) override { kos_server_answer(&deferred_[place], KOS_STATUS_OK, nullptr); }
    void signal(unsigned domain) override {
        if (signals_[domain] != 0) kos_root_signal(signals_[domain]);
    }
    void arm(uint64_t time) override {
        __atomic_store_n(&next_, time, __ATOMIC_RELEASE);
        if (time == kNever) {
            if (timer_.armed()) timer_.disarm();
        } else if (!timer_.armed() || timer_.deadline() != time) {
            timer_.arm(time);
        }
    }
    uint64_t alterations() override { return timer_.alterations(); }

    bool check() { return timer_.check() != TimerTampering::kNone; }
    uint64_t next() const { return __atomic_load_n(&next_, __ATOMIC_ACQUIRE); }

private:
    TimerRegisters registers_;
    GenericTimer<TimerRegisters> timer_;
    uint64_t next_ = kNever;
    kos_slot_t signals_[KOS_MAX_DOMAINS] = {};
    kos_server_t* server_ = nullptr;
    const kos_caller_t* caller_ = nullptr;
    kos_deferred_t deferred_[Sleepers::kMost] = {};
};

// What the clock's thread has found out for the main thread.
struct Clock {
    uint64_t ns = 0;
    uint64_t ticks = 0;
    uint32_t is_known = 0;
};

struct Context {
    Service& service;
    MachineHost& host;
    Clock& clock;
    const kos_startup_connection_t* log;
    kos_interrupt_t interrupt;
    uint64_t reported_at = 0;
};

// At most one line per second, however often somebody writes the registers.
void look_after_device(Context& context) {
    if (!context.host.check()) return;
    const uint64_t now = kos_time_ticks();
    if (context.log == nullptr || (context.reported_at != 0 && now - context.reported_at < kos_time_hz())) return;
    context.reported_at = now;
    kos::service::Text<KOS_QUEUE_INLINE_BYTES> text;
    text.add("timer registers altered, times: ").add_number(context.host.alterations());
    // A full queue loses the line; the number is in the next one.
    (void)kos::idl::log::Client(context.log->slot).queue_warning({text.data(), text.size()});
}

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    auto* context = static_cast<Context*>(server->context);
    context->host.begin(server, caller);
    look_after_device(*context);
    return context->service.call(*caller, *request, kos_time_ticks(), *answer);
}

void queued(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t size_bytes) {
    // A message that is wrong has no effect; its sender does not wait for an answer.
    (void)static_cast<Context*>(server->context)->service.queued(*caller, label, bytes, size_bytes, kos_time_ticks());
}

void signalled(kos_server_t* server, uint64_t bits) {
    auto* context = static_cast<Context*>(server->context);
    look_after_device(*context);
    if (__atomic_exchange_n(&context->clock.is_known, 0u, __ATOMIC_ACQUIRE) != 0 && !context->service.has_wall()) {
        context->service.set_wall(context->clock.ns, context->clock.ticks);
    }
    context->service.expire(kos_time_ticks());
    // Only now: `expire` has moved the deadline on, so the line is low again.
    if ((bits & context->interrupt.signal) != 0) kos_dev_interrupt_acknowledge(&context->interrupt);
}

// On scheduled time: goes on even if the timer's interrupt never comes.
void look_after(void* param) {
    auto* host = static_cast<MachineHost*>(param);
    const uint64_t every = kos_time_us_to_ticks(kLookAfterUs);
    uint64_t looked_at = kos_time_ticks();
    while (true) {
        kos_thread_yield();
        const uint64_t now = kos_time_ticks();
        const bool is_late = now >= host->next();
        if (!is_late && now - looked_at < every) continue;
        looked_at = now;
        kos_thread_signal_server();
    }
}

// Asks the real-time clock until it has answered once.
void ask_clock(void* param) {
    auto* clock = static_cast<Clock*>(param);
    const auto rtc = kos::idl::rtc::Client::connect(kClockPort);
    if (!rtc.ok()) return;
    while (true) {
        const auto seconds = rtc->get();
        if (seconds.ok()) {
            clock->ns = *seconds * kNsPerSecond;
            clock->ticks = kos_time_ticks();
            __atomic_store_n(&clock->is_known, 1u, __ATOMIC_RELEASE);
            kos_thread_signal_server();
            return;
        }
        // The driver restarts or its device does not work: again a period later.
        kos_thread_yield();
    }
}

void start_thread(kos_thread_fn_t fn, void* param) {
    kos_thread_t* thread = nullptr;
    const bool is_made = kos_thread_create(fn, param, 0, &thread) == KOS_STATUS_CREATED;
    if (!is_made || !kos_status_is_ok(kos_thread_start(thread))) kos_stop("threads: expected 3");
}

}  // namespace

int main(int, char**) {
    const kos_startup_t* startup = kos_app_startup();
    auto* persistent = reinterpret_cast<uint8_t*>(startup->persistent_base);
    static Alarms alarms;
    static kos::timer::SavedWall saved;
    const bool fits = startup->persistent_bytes >= kWallBytes && saved.open(persistent, kWallBytes) &&
                      alarms.open(persistent + kWallBytes, startup->persistent_bytes - kWallBytes);
    if (!fits) kos_stop("persistent: expected at least 12K");

    uint64_t setters = 0;
    if (const char* names = kos_app_parameter("may_set")) {
        std::string_view unknown;
        setters =
            kos::service::clients_named(entries<kos_startup_client_t>(startup, startup->clients), names, &unknown);
        if (!unknown.empty()) kos_stop("parameter may_set: expected names of clients of the port timer");
    }

    kos_interrupt_t interrupt;
    if (!kos_status_is_ok(kos_dev_interrupt(kDevice, &interrupt))) kos_stop("device timer: expected interrupts = [30]");
    static MachineHost host(startup);
    static Service service(alarms, saved, host, kos_time_hz(), setters);
    static Clock clock;
    Context context{service, host, clock, kos::service::find_connection(startup, "log"), interrupt};

    service.expire(kos_time_ticks());
    kos_dev_interrupt_acknowledge(&interrupt);
    start_thread(look_after, &host);
    const bool has_clock = kos::service::find_connection(startup, kClockPort) != nullptr;
    if (has_clock && !service.has_wall()) start_thread(ask_clock, &clock);

    kos_server_t server = {.call = call, .queued = queued, .signalled = signalled, .context = &context};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
