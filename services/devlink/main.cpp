/*
 * The domain `devlink`: signed commands of a developer's machine over the port "virtio_console" (session.h), and the
 * prompts of applications, served as the port "devlink_shell". What is pushed goes to root, which checks it.
 */
#include <kos/app.h>
#include <kos/log.h>
#include <kos/ports.h>
#include <kos/push.h>
#include <kos/random.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/time.h>
#include <kos/idl/appman.hpp>
#include <kos/idl/console.hpp>
#include <kos/idl/log.hpp>

#include <sodium/crypto_sign_ed25519.h>
#include <string.h>
#include <bit>
#include <utility>

#include "session.h"
#include "shells.h"

namespace {

using namespace kos::devlink;
using kos::idl::appman::Client;

constexpr uint64_t kInput = 1, kRoom = 2;  // idl/console.capnp, wake
constexpr size_t kPiece = 4096;
constexpr unsigned kHashBytes = 32, kShownHashBytes = 8;
constexpr uint64_t kMostHashes = 1024;  // in the window

uint64_t microseconds(uint64_t ticks) {
    const uint64_t hz = kos_time_hz();
    return ticks / hz * 1000000 + ticks % hz * 1000000 / hz;
}

class System final : public Backend {
public:
    explicit System(Shells& shells) : shells_(shells) {
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

    kos_status_t shells(Answer& answer) override {
        for (unsigned i = 0; i < shells_.count(); ++i) answer.add("shell ").add(shells_.name(i)).add("\n");
        return KOS_STATUS_OK;
    }

    kos_status_t shell(std::string_view name, std::span<const uint8_t> keys, std::span<uint8_t> to,
                       size_t* count) override {
        Shell* const shell = shells_.find(name);
        if (shell == nullptr) return KOS_STATUS_NOT_FOUND;
        if (!shell->type(keys)) return KOS_STATUS_FULL;
        shells_.typed(*shell);
        *count = shell->take_output(to);
        return KOS_STATUS_OK;
    }

    kos_status_t push(std::span<const uint8_t> package, uint64_t (&values)[4]) override {
        if (!fill_window(package)) return KOS_STATUS_UNAVAILABLE;
        return push_request(KOS_PUSH_BEGIN, values);
    }

    // Data of any size, in the pieces that root takes: of an image hashes and whole pages apart.
    kos_status_t push_data(std::span<const uint8_t> bytes, uint64_t (&values)[4]) override {
        if (!fill_window(bytes)) return KOS_STATUS_UNAVAILABLE;
        values[0] = bytes.size();
        return push_request(KOS_PUSH_DATA, values);
    }

    kos_status_t push_copy(uint64_t first, uint64_t count, uint64_t (&values)[4]) override {
        kos_status_t status = KOS_STATUS_OK;
        for (uint64_t done = 0; done < count && kos_status_is_ok(status); done += KOS_PUSH_PAGES) {
            values[0] = first + done;
            values[1] = std::min<uint64_t>(count - done, KOS_PUSH_PAGES);
            status = push_request(KOS_PUSH_COPY, values);
        }
        return status;
    }

    kos_status_t push_hashes(uint64_t file, uint64_t first, Answer& answer, uint64_t (&values)[4]) override {
        uint64_t words[4] = {file, first, 0, 0};
        const kos_status_t status = push_request(KOS_PUSH_HASHES, words);
        if (!kos_status_is_ok(status)) return status;
        answer.add("hash ");
        const uint64_t count = std::min(words[1], kMostHashes);
        for (uint64_t i = 0; i < count; ++i) answer.add_hex({window() + i * kHashBytes, kShownHashBytes});
        answer.add("\n");
        values[0] = words[0];
        values[1] = count;
        return KOS_STATUS_OK;
    }

    kos_status_t push_commit(uint64_t (&values)[4]) override {
        const kos_status_t status = push_request(KOS_PUSH_COMMIT, values);
        if (!kos_status_is_ok(status)) return status;
        return restart(values[0]);
    }

    kos_status_t push_drop(std::string_view name) override {
        const auto domain = appman_.status(name);
        if (!domain.ok()) return domain.status();
        uint64_t words[4] = {domain->domain, 0, 0, 0};
        const kos_status_t status = push_request(KOS_PUSH_DROP, words);
        return kos_status_is_ok(status) ? restart(domain->domain) : status;
    }

    bool random(std::span<uint8_t> to) override { return kos_status_is_ok(kos_random(to.data(), to.size())); }

    bool verify(std::span<const uint8_t> message, const uint8_t (&signature)[kSignatureBytes],
                const uint8_t (&key)[kKeyBytes]) override {
        return crypto_sign_ed25519_verify_detached(signature, message.data(), message.size(), key) == 0;
    }

private:
    static kos_status_t push_request(kos_push_label label, uint64_t (&words)[4]) {
        return kos_root_request(static_cast<kos_root_label>(label), words);
    }
    static uint8_t* find_window() {
        const kos_startup_t* const startup = kos_app_startup();
        const auto* const at = reinterpret_cast<const uint8_t*>(startup) + startup->rings.offset;
        const auto* const rings = reinterpret_cast<const kos_startup_ring_t*>(at);
        for (uint32_t i = 0; i < startup->rings.count; ++i) {
            if (std::string_view(rings[i].name) == KOS_PUSH_WINDOW) return reinterpret_cast<uint8_t*>(rings[i].address);
        }
        return nullptr;
    }
    static uint8_t* window() {
        static uint8_t* const found = find_window();
        return found;
    }
    // False: the manifest gives no staging.
    static bool fill_window(std::span<const uint8_t> bytes) {
        if (window() == nullptr || bytes.size() > KOS_PUSH_WINDOW_BYTES) return false;
        memcpy(window(), bytes.data(), bytes.size());
        return true;
    }

    // By the supervisor, whatever state it is in: one that was stopped is started.
    kos_status_t restart(uint64_t number) {
        uint64_t first = 0;
        do {
            const auto page = appman_.list(first);
            if (!page.ok()) return page.status();
            for (const kos_appman_domain_t& domain : page->entries) {
                if (domain.domain != number) continue;
                char name[KOS_MAX_NAME + 1] = {};
                memcpy(name, domain.name, KOS_MAX_NAME);
                return control("restart", name);
            }
            if (page->next <= first) break;
            first = page->next;
        } while (first != 0);
        return KOS_STATUS_NOT_FOUND;
    }

    static void add(const kos_appman_domain_t& domain, Answer& answer) {
        answer.add("domain ").add({domain.name, strnlen(domain.name, sizeof domain.name)});
        answer.add(" ")
            .add(static_cast<uint64_t>(domain.state))
            .add(" ")
            .add(static_cast<uint64_t>(domain.last_reason));
        answer.add(" ").add(uint64_t{domain.instance}).add(" ").add(uint64_t{domain.restarts});
        uint64_t words[4] = {domain.domain, 0, 0, 0};
        const bool is_known = kos_status_is_ok(push_request(KOS_PUSH_STATUS, words));
        answer.add(" ").add(is_known ? words[0] : 0).add("\n");
    }
    // The log has made its text printable, in one line.
    static void add(const kos_log_line_t& line, std::string_view text, Answer& answer) {
        answer.add("line ").add(line.sequence).add(" ").add(microseconds(line.ticks));
        answer.add(" ").add(uint64_t{line.level}).add(" ").add({line.name, strnlen(line.name, sizeof line.name)});
        answer.add(" ").add(uint64_t{line.instance}).add(" ").add(text).add("\n");
    }

    kos::idl::log::Client log_;
    Client appman_;
    Shells& shells_;
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

    static kos::driver::ClientSignals signals(kos_app_startup());
    static Shells shells(kos_app_startup(), signals);
    static System system(shells);
    static Session session(system, key);
    static Link link(*console, session);
    shells.server()->signalled = [](kos_server_t*, uint64_t bits) {
        if ((bits & KOS_SIGNAL_CONSOLE) != 0) link.pump();
    };
    kos_log_warning("a DEVELOPMENT LINK is open: who has the development key controls this device");
    link.pump();
    return shells.run().ok() ? 0 : 1;
}
