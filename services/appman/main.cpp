/*
 * The domain `appman`: connects the supervisor to root (orders, events), to the life pages, the directory and the log.
 *
 * It calls nobody but root. Whatever it has to tell other domains goes into queues, because it is the one that restarts
 * those domains and must not wait for them.
 */
#include <kos/app.h>
#include <kos/log.h>
#include <kos/ports.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>

#include "../common/pulse.h"
#include "../common/saved.h"
#include "../common/startup.h"
#include "../common/text.h"
#include "requests.h"

namespace {

using namespace kos::appman;

using SavedSnapshot = kos::service::Saved<Snapshot, 0x314d5041>;

// Log levels and texts of Incident, in its order.
constexpr struct {
    uint64_t level;
    const char* text;
    bool has_domain;
} kIncidents[] = {
    {KOS_LOG_WARNING, "ended, reason ", true},
    {KOS_LOG_WARNING, "hung, killed ", true},
    {KOS_LOG_ERROR, "not started: ", true},
    {KOS_LOG_WARNING, "not ready in time ", true},
    {KOS_LOG_WARNING, "not ended in time, killed ", true},
    {KOS_LOG_ERROR, "too often: group ", true},
    {KOS_LOG_ERROR, "too often: waits ", true},
    {KOS_LOG_WARNING, "mode ", false},
    {KOS_LOG_ERROR, "reboot for group ", true},
    {KOS_LOG_ERROR, "root refused: ", true},
};

kos::manifest::Manifest manifest;

struct RootAnswer {
    kos_status_t status;
    uint64_t words[4];
};

RootAnswer call_root(kos_root_label label, uint64_t first = 0, uint64_t second = 0) {
    RootAnswer answer{0, {first, second, 0, 0}};
    answer.status = kos_root_request(label, answer.words);
    return answer;
}

DomainStatus status_of(unsigned domain) {
    const RootAnswer answer = call_root(KOS_ROOT_DOMAIN_STATUS, domain);
    if (!kos_status_is_ok(answer.status)) return {};
    return {static_cast<kos_domain_state>(answer.words[0]), static_cast<uint32_t>(answer.words[1]),
            static_cast<uint8_t>(answer.words[2])};
}

class RootActions final : public Actions {
public:
    explicit RootActions(const kos_startup_t* startup)
        : directory_(kos::service::find_connection(startup, "directory")),
          log_(kos::service::find_connection(startup, "log")) {
        for (const auto& entry : kos::service::entries<kos_startup_signal_t>(startup, startup->signals)) {
            if (entry.domain < KOS_MAX_DOMAINS) clients_[entry.domain] = entry.slot;
        }
        for (const auto& life : kos::service::entries<kos_startup_life_t>(startup, startup->lives)) {
            if (life.domain < KOS_MAX_DOMAINS) lives_[life.domain] = reinterpret_cast<kos_life_t*>(life.address);
        }
    }

    kos_status_t start(unsigned domain, unsigned mode, uint32_t* instance) override {
        tell_directory();
        const kos_status_t status = call_root(KOS_ROOT_DOMAIN_START, domain, mode).status;
        if (kos_status_is_ok(status)) *instance = status_of(domain).instance;
        return status;
    }
    kos_status_t kill(unsigned domain, uint8_t reason) override {
        const kos_status_t status = call_root(KOS_ROOT_DOMAIN_KILL, domain, reason).status;
        // It has ended by itself at this very moment.
        return status == KOS_STATUS_NOT_FOUND ? kos_status_t{KOS_STATUS_OK} : status;
    }
    void request_stop(unsigned domain) override { signal(domain, KOS_SIGNAL_STOP); }
    void ask(unsigned domain, uint32_t question) override {
        if (lives_[domain] == nullptr) return;
        __atomic_store_n(&lives_[domain]->question, question, __ATOMIC_RELEASE);
        signal(domain, KOS_SIGNAL_HEALTH);
    }
    uint32_t answer(unsigned domain, uint32_t* alive) override {
        if (lives_[domain] == nullptr) return 0;
        *alive = __atomic_load_n(&lives_[domain]->alive, __ATOMIC_RELAXED);
        return __atomic_load_n(&lives_[domain]->answer, __ATOMIC_ACQUIRE);
    }
    void domain_down(unsigned domain, uint32_t instance) override {
        untold_ |= bit(domain);
        untold_instance_[domain] = instance;
    }
    // The log is lost with the machine: it gets time to show why on the console.
    kos_status_t reboot() override {
        constexpr uint64_t kLastWordsUs = 200000;
        const uint64_t until = kos_time_after_us(kLastWordsUs);
        while (kos_time_ticks() < until) kos_thread_yield();
        return call_root(KOS_ROOT_REBOOT).status;
    }
    void report(Incident incident, unsigned domain, uint64_t number) override {
        const auto& kind = kIncidents[static_cast<unsigned>(incident)];
        kos::service::Text<KOS_QUEUE_INLINE_BYTES> text;
        if (kind.has_domain) text.add(manifest.domains[domain].name).add(": ");
        text.add(kind.text).add_number(number);
        // A full queue loses the line, not the supervisor: the log is dead for longer than 63 lines.
        if (log_ != nullptr) (void)kos_msg_send(log_->slot, KOS_LOG_WRITE | kind.level << 8, text.data(), text.size());
    }

    // A client finds out by asking what it is.
    void tell_clients(DomainMask due) {
        for (unsigned client = 1; due != 0 && client < KOS_MAX_DOMAINS; ++client) {
            if ((due & bit(client)) != 0 && clients_[client] != 0) kos_root_signal(clients_[client]);
        }
    }

    // Tells the directory who has ended; what does not fit into its queue is told later. True if nothing is left.
    bool tell_directory() {
        for (uint32_t domain = 0; untold_ != 0 && domain < KOS_MAX_DOMAINS; ++domain) {
            if ((untold_ & bit(domain)) == 0) continue;
            if (directory_ != nullptr) {
                const uint32_t words[2] = {domain, untold_instance_[domain]};
                const kos_status_t status = kos_msg_send(directory_->slot, KOS_DIR_DOMAIN_DOWN, words, sizeof words);
                if (status == KOS_STATUS_FULL) return false;
            }
            untold_ &= ~bit(domain);
        }
        return true;
    }

private:
    void signal(unsigned domain, uint64_t bits) {
        // A domain that has just ended cannot be signalled; its event follows.
        (void)call_root(KOS_ROOT_DOMAIN_SIGNAL, domain, bits);
    }

    kos_life_t* lives_[KOS_MAX_DOMAINS] = {};
    kos_slot_t clients_[KOS_MAX_DOMAINS] = {};
    const kos_startup_connection_t* directory_;
    const kos_startup_connection_t* log_;
    DomainMask untold_ = 0;
    uint32_t untold_instance_[KOS_MAX_DOMAINS] = {};
};

struct Context {
    Supervisor& supervisor;
    Requests& requests;
    RootActions& actions;
    SavedSnapshot& saved;
    kos::service::Pulse& pulse;
};

// Everything that is due: events, the supervisor's orders, what has to be kept and told.
void advance(Context& context) {
    // Bounded by the number of domains: root remembers at most two events of each.
    for (unsigned i = 0; i < 2 * KOS_MAX_DOMAINS; ++i) {
        const RootAnswer event = call_root(KOS_ROOT_EVENT);
        if (!kos_status_is_ok(event.status) || event.status == KOS_STATUS_EMPTY) break;
        const auto domain = static_cast<unsigned>(event.words[1]);
        const auto instance = static_cast<uint32_t>(event.words[2] >> 32);
        if (event.words[0] == KOS_EVENT_READY) context.supervisor.ready(domain, instance, kos_time_ticks());
        if (event.words[0] == KOS_EVENT_ENDED) {
            context.supervisor.ended(domain, instance, static_cast<uint8_t>(event.words[2]), kos_time_ticks());
        }
    }
    context.supervisor.run(kos_time_ticks());
    if (context.supervisor.take_changed()) context.saved.store(context.supervisor.snapshot());
    context.actions.tell_clients(context.requests.take_due());
    const bool is_told = context.actions.tell_directory();
    context.pulse.wake_at(is_told ? context.supervisor.next_wake() : 0);
}

kos_status_t read_accounts(kos_appman_accounts_t& accounts) {
    const RootAnswer root = call_root(KOS_ROOT_ACCOUNTS);
    accounts = {root.words[0], root.words[1], root.words[2], root.words[3]};
    return root.status;
}

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    auto* context = static_cast<Context*>(server->context);
    const kos_status_t status = context->requests.call(*caller, *request, kos_time_ticks(), *answer);
    // Carried out after the answer has gone: starting a domain takes time, and it may be the caller who is stopped.
    if (context->supervisor.take_changed()) {
        context->saved.store(context->supervisor.snapshot());
        kos_thread_signal_server();
    }
    context->actions.tell_clients(context->requests.take_due());
    return status;
}

void signalled(kos_server_t* server, uint64_t) { advance(*static_cast<Context*>(server->context)); }

}  // namespace

int main(int, char**) {
    const kos_startup_t* startup = kos_app_startup();
    const auto status =
        kos::manifest::read(reinterpret_cast<const void*>(startup->manifest_base), startup->manifest_bytes, manifest);
    if (!status.ok()) kos_stop("rights: expected \"manifest\", and a manifest that can be read");
    static Rules rules;
    make_rules(manifest, startup->domain, kos_time_hz(), rules);
    static Access access;
    std::string_view wrong;
    if (!access.read(manifest, startup->domain, &wrong)) {
        kos_stop(
            "parameter allow: expected \"CALLER WORD...; CALLER WORD...\", words: list, mode[:MODE], "
            "status|start|stop|restart[:DOMAIN]");
    }
    static SavedSnapshot saved;
    if (!saved.open(reinterpret_cast<void*>(startup->persistent_base), startup->persistent_bytes)) {
        kos_stop("persistent: expected at least 32K");
    }

    static RootActions actions(startup);
    static Supervisor supervisor(rules, actions);
    static Changes changes(startup->instance);
    static Requests requests(manifest, access, supervisor, read_accounts, changes);
    static kos::service::Pulse pulse;
    Context context{supervisor, requests, actions, saved, pulse};
    pulse.start();

    static Snapshot snapshot;
    if (saved.load(&snapshot)) {
        static DomainStatus statuses[KOS_MAX_DOMAINS];
        for (unsigned i = 0; i < rules.order_count; ++i) statuses[rules.order[i]] = status_of(rules.order[i]);
        supervisor.take_over(snapshot, statuses, kos_time_ticks());
    } else {
        supervisor.begin(kos_time_ticks());
    }
    advance(context);

    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
