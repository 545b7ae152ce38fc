/*
 * The domain `devlink`: signed commands of a developer's machine over the port "virtio_console" (session.h), and the
 * prompt of one application, served as the port "devlink_shell".
 */
#include <kos/app.h>
#include <kos/log.h>
#include <kos/ports.h>
#include <kos/random.h>
#include <kos/server.h>
#include <kos/time.h>
#include <kos/idl/appman.hpp>
#include <kos/idl/console.hpp>
#include <kos/idl/log.hpp>

#include <sodium/crypto_sign_ed25519.h>
#include <string.h>
#include <bit>
#include <utility>

#include "client_signals.h"
#include "console_service.h"
#include "session.h"
#include "shell.h"

namespace {

using namespace kos::devlink;
using kos::idl::appman::Client;
using Service = kos::driver::ConsoleService<Shell>;

constexpr uint64_t kInput = 1, kRoom = 2;  // idl/console.capnp, wake
constexpr size_t kPiece = 1024;

uint64_t microseconds(uint64_t ticks) {
    const uint64_t hz = kos_time_hz();
    return ticks / hz * 1000000 + ticks % hz * 1000000 / hz;
}

class System final : public Backend {
public:
    System(Service& service, Shell& shell) : service_(service), shell_(shell) {
        const auto log = kos::idl::log::Client::connect("log");
        const auto appman = Client::connect("appman");
        kos_assert(log.ok() && appman.ok());
        log_ = *log;
        appman_ = *appman;
    }

    kos_status_t list(Answer& answer) override {
        uint64_t first = 0;
        do {
            const auto page = appman_.list(first);
            if (!page.ok()) return page.status();
            for (const kos_appman_domain_t& domain : page->entries) add(domain, answer);
            // The list does not get longer while it is read.
            if (page->next <= first) break;
            first = page->next;
        } while (first != 0);
        return KOS_STATUS_OK;
    }

    kos_status_t control(std::string_view verb, std::string_view name) override {
        kos_log_warning("%.*s of %.*s, by the development link", static_cast<int>(verb.size()), verb.data(),
                        static_cast<int>(name.size()), name.data());
        if (verb == "start") return appman_.start(name).status();
        return verb == "stop" ? appman_.stop(name).status() : appman_.restart(name).status();
    }

    kos_status_t logs(uint64_t sequence, Answer& answer, uint64_t* next, uint64_t* lost) override {
        const auto page = log_.read(sequence);
        if (!page.ok()) return page.status() == KOS_STATUS_EMPTY ? KOS_STATUS_OK : page.status();
        *next = page->next;
        *lost = page->lost;
        size_t at = 0;
        for (uint64_t i = 0; i < page->lines && at + sizeof(kos_log_line_t) <= page->records.size(); ++i) {
            kos_log_line_t line;
            memcpy(&line, page->records.data() + at, sizeof line);
            at += sizeof line;
            if (line.bytes > page->records.size() - at) return KOS_STATUS_PEER_INVALID;
            add(line, {reinterpret_cast<const char*>(page->records.data() + at), line.bytes}, answer);
            at += (line.bytes + size_t{7}) & ~size_t{7};
        }
        return KOS_STATUS_OK;
    }

    kos_status_t shell(std::span<const uint8_t> keys, std::span<uint8_t> to, size_t* count) override {
        if (!shell_.type(keys)) return KOS_STATUS_FULL;
        service_.interrupt();  // who waits for keys is told
        *count = shell_.take_output(to);
        return KOS_STATUS_OK;
    }

    bool random(std::span<uint8_t> to) override { return kos_status_is_ok(kos_random(to.data(), to.size())); }

    bool verify(std::span<const uint8_t> message, const uint8_t (&signature)[kSignatureBytes],
                const uint8_t (&key)[kKeyBytes]) override {
        return crypto_sign_ed25519_verify_detached(signature, message.data(), message.size(), key) == 0;
    }

private:
    static void add(const kos_appman_domain_t& domain, Answer& answer) {
        answer.add("domain ").add({domain.name, strnlen(domain.name, sizeof domain.name)});
        answer.add(" ")
            .add(static_cast<uint64_t>(domain.state))
            .add(" ")
            .add(static_cast<uint64_t>(domain.last_reason));
        answer.add(" ").add(uint64_t{domain.instance}).add(" ").add(uint64_t{domain.restarts}).add("\n");
    }
    // The log has made its text printable, in one line.
    static void add(const kos_log_line_t& line, std::string_view text, Answer& answer) {
        answer.add("line ").add(line.sequence).add(" ").add(microseconds(line.ticks));
        answer.add(" ").add(uint64_t{line.level}).add(" ").add({line.name, strnlen(line.name, sizeof line.name)});
        answer.add(" ").add(uint64_t{line.instance}).add(" ").add(text).add("\n");
    }

    kos::idl::log::Client log_;
    Client appman_;
    Service& service_;
    Shell& shell_;
};

// Bytes between the console and the session. An answer leaves before the next line is looked at, so a developer who
// does not read makes nobody wait but himself.
class Link {
public:
    Link(kos::idl::console::Client console, Session& session) : console_(console), session_(session) {}

    void pump() {
        while (send() && receive()) {
        }
        const uint64_t events = sent_ < session_.answer().text().size() ? kRoom : kInput;
        // The driver is restarting: it tells those who waited when it is there again.
        (void)console_.wake(events);
    }

private:
    // True: everything has left.
    bool send() {
        const std::string_view text = session_.answer().text();
        while (sent_ < text.size()) {
            const size_t count = std::min(text.size() - sent_, kPiece);
            const auto taken = console_.write_some({reinterpret_cast<const uint8_t*>(text.data()) + sent_, count});
            if (!taken.ok() || *taken == 0) return false;
            sent_ += std::min<size_t>(*taken, count);
        }
        session_.answer().clear();
        sent_ = 0;
        return true;
    }
    // True: something was received.
    bool receive() {
        if (taken_ == have_) {
            const auto data = console_.read(sizeof input_);
            if (!data.ok() || data->empty() || data->size() > sizeof input_) return false;
            memcpy(input_, data->data(), data->size());
            have_ = data->size();
            taken_ = 0;
        }
        taken_ += session_.receive({input_ + taken_, have_ - taken_});
        return true;
    }

    const kos::idl::console::Client console_;
    Session& session_;
    size_t sent_ = 0;
    uint8_t input_[kPiece];
    size_t have_ = 0;
    size_t taken_ = 0;
};

}  // namespace

int main() {
    uint8_t key[kKeyBytes];
    const char* const text = kos_app_parameter("development_key");
    if (text == nullptr || !from_hex(text, key)) kos_stop("parameter development_key: kos-manifest gives it");
    const auto console = kos::idl::console::Client::connect("virtio_console");
    kos_assert(console.ok());

    static Shell shell;
    static kos::driver::ClientSignals signals(kos_app_startup());
    kos::driver::DomainSet readers;
    readers.add_all();  // whoever has the connection is the application of the prompt
    static Service service(shell, readers, signals);
    static System system(service, shell);
    static Session session(system, key);
    static Link link(*console, session);
    service.server()->signalled = [](kos_server_t*, uint64_t bits) {
        if ((bits & KOS_SIGNAL_CONSOLE) != 0) link.pump();
    };
    kos_log_warning("a DEVELOPMENT LINK is open: who has the development key controls this device");
    link.pump();
    return service.run().ok() ? 0 : 1;
}
