/*
 * The prompts of several applications: each client of the port "devlink_shell" has a Shell of its own, and the
 * interface "console" over it.
 */
#ifndef KOS_SERVICES_DEVLINK_SHELLS_H_
#define KOS_SERVICES_DEVLINK_SHELLS_H_

#include <kos/app.h>
#include <kos/idl/console.hpp>

#include <string.h>
#include <optional>
#include <string_view>

#include "client_signals.h"
#include "console_service.h"
#include "shell.h"

namespace kos::devlink {

constexpr unsigned kMaxShells = 16;

// What one application waits for, in the domain's persistent memory.
class ShellWaker final : public driver::ConsoleWaker {
public:
    ShellWaker(driver::ConsoleWishes* kept, driver::ClientSignals& signals) : ConsoleWaker(kept), signals_(signals) {}
    void signal(unsigned domain) override { signals_.signal(domain); }

private:
    driver::ClientSignals& signals_;
};

class Shells final : public idl::console::Server<Shells> {
public:
    using Caller = idl::Caller;
    using Bytes = std::span<const uint8_t>;
    template <typename T>
    using Result = idl::Result<T>;

    // Of the domain's clients, at most kMaxShells: the rest are answered FULL.
    Shells(const kos_startup_t* startup, driver::ClientSignals& signals) {
        const auto* at = reinterpret_cast<const uint8_t*>(startup) + startup->clients.offset;
        const auto* clients = reinterpret_cast<const kos_startup_client_t*>(at);
        auto* const kept = reinterpret_cast<driver::ConsoleWishes*>(startup->persistent_base);
        const bool is_kept = startup->persistent_bytes >= kMaxShells * sizeof *kept;
        for (uint32_t i = 0; i < startup->clients.count && count_ < kMaxShells; ++i, ++count_) {
            shells_[count_].emplace(clients[i], is_kept ? kept + count_ : wishes_ + count_, signals);
        }
    }

    unsigned count() const { return count_; }
    std::string_view name(unsigned i) const { return shells_[i]->name; }
    Shell* find(std::string_view name) {
        for (unsigned i = 0; i < count_; ++i) {
            if (shells_[i]->name == name) return &shells_[i]->shell;
        }
        return nullptr;
    }
    // Keys were typed at this prompt: who waits for them is told.
    void typed(const Shell& shell) {
        for (unsigned i = 0; i < count_; ++i) {
            if (&shells_[i]->shell == &shell) shells_[i]->console.interrupt();
        }
    }

    bool accepts(const Caller& caller) const { return caller.token == 0; }
    Result<void> write(const Caller& caller, Bytes data) {
        Console* const console = of(caller);
        return console ? console->write(caller, data) : idl::Failure{KOS_STATUS_FULL};
    }
    Result<uint64_t> write_some(const Caller& caller, Bytes data) {
        Console* const console = of(caller);
        if (!console) return idl::Failure{KOS_STATUS_FULL};
        return console->write_some(caller, data);
    }
    Result<Bytes> read(const Caller& caller, uint64_t most) {
        Console* const console = of(caller);
        if (!console) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        return console->read(caller, most);
    }
    Result<kos_console_status_t> status(const Caller& caller) {
        Console* const console = of(caller);
        if (!console) return idl::Failure{KOS_STATUS_FULL};
        return console->status(caller);
    }
    Result<void> wake(const Caller& caller, uint64_t events) {
        Console* const console = of(caller);
        return console ? console->wake(caller, events) : idl::Failure{KOS_STATUS_UNAUTHORIZED};
    }

private:
    using Console = driver::ConsoleService<Shell>;

    struct One {
        One(const kos_startup_client_t& client, driver::ConsoleWishes* kept, driver::ClientSignals& signals)
            : name(client.name, strnlen(client.name, sizeof client.name)),
              domain(client.domain),
              waker(kept, signals),
              console(shell, only(client.domain), waker) {}

        static driver::DomainSet only(unsigned domain) {
            driver::DomainSet set;
            set.add(domain);
            return set;
        }

        std::string_view name;
        unsigned domain;
        Shell shell;
        ShellWaker waker;
        Console console;
    };

    Console* of(const Caller& caller) {
        for (unsigned i = 0; i < count_; ++i) {
            if (shells_[i]->domain == caller.domain) return &shells_[i]->console;
        }
        return nullptr;
    }

    std::optional<One> shells_[kMaxShells];
    driver::ConsoleWishes wishes_[kMaxShells];  // without persistent memory
    unsigned count_ = 0;
};

}  // namespace kos::devlink

#endif
