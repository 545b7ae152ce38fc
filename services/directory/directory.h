/*
 * What the directory decides: who may bind and look up which port, who waits for what, when they are answered. No I/O:
 * main.cpp connects it to libkos, tests to a fake.
 *
 * Rights come from root's table of introductions, which root makes from the signed manifest; the directory adds none.
 */
#ifndef KOS_SERVICES_DIRECTORY_DIRECTORY_H_
#define KOS_SERVICES_DIRECTORY_DIRECTORY_H_

#include <kos/abi.h>
#include <kos/idl/directory.hpp>

#include <stddef.h>
#include <stdint.h>
#include <span>

#include "../common/saved.h"

namespace kos::directory {

// What survives a restart of the directory. What is bound and who has died meanwhile comes through the queues.
struct State {
    uint64_t bound[KOS_MAX_PORTS / 64];
    uint32_t changes[KOS_MAX_PORTS];   // how often each port has been bound or unbound
    uint32_t instance[KOS_MAX_PORTS];  // of the domain that has bound it
};
using SavedState = service::Saved<State, 0x32524944>;

// A later answer: an error, the connection (`request`), or what has changed (`subscribe`).
struct Answer {
    kos_status_t status = KOS_STATUS_OK;
    kos_slot_t connection = 0;
    uint64_t changes = 0;
    bool bound = false;
};

// Keeps callers that are answered later; libkos or a fake.
class Callers {
public:
    // Keeps the caller of the request that is being served as number `waiter`. False: no room.
    virtual bool defer(unsigned waiter) = 0;
    // Answers the caller kept as `waiter`, once. A caller that has gone is no error.
    virtual void answer(unsigned waiter, const Answer& answer) = 0;

protected:
    ~Callers() = default;
};

class Directory : public idl::directory::Server<Directory> {
public:
    using Caller = idl::Caller;
    using Connection = idl::Owned<idl::AnyClient>;

    static constexpr unsigned kMostWaiters = KOS_MAX_REPLIES;
    // Of one domain: nobody can take all the room.
    static constexpr unsigned kMostWaitersOfDomain = 4;

    Directory(std::span<const kos_startup_introduction_t> introductions, SavedState& saved, Callers& callers);

    // A request of the interface "directory", received at `now`. NO_REPLY: the caller is kept.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer);

    // A one-way message. False if it was not understood or not allowed.
    [[nodiscard]] bool queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size);

    // Answers those whose deadline has passed.
    void expire(uint64_t now);
    uint64_t next_deadline() const;  // UINT64_MAX: none

    // The interface (idl/directory.capnp).
    bool accepts(const Caller& caller) const { return caller.token == 0; }
    idl::Result<void> bind(const Caller& caller, uint64_t port, uint64_t instance);
    idl::Result<void> unbind(const Caller& caller, uint64_t port);
    idl::Result<void> query(const Caller& caller, uint64_t port);
    idl::Result<Connection> request(const Caller& caller, uint64_t port, uint64_t deadline);
    idl::Result<idl::directory::SubscribeAnswer> subscribe(const Caller& caller, uint64_t port, uint64_t known);
    void domain_down(const Caller& caller, uint32_t domain, uint32_t instance);
    void queue_bind(const Caller& caller, uint32_t port, uint32_t instance);
    void queue_unbind(const Caller& caller, uint32_t port);

    bool is_bound(uint32_t port) const { return (state_.bound[port / 64] >> port % 64 & 1) != 0; }

private:
    struct Waiter {
        bool used = false;
        bool is_subscriber = false;
        uint16_t domain = 0;
        uint32_t port = 0;
        uint64_t deadline = UINT64_MAX;
        kos_slot_t token = 0;
    };

    const kos_startup_introduction_t* find(uint32_t port, uint16_t client) const;
    bool serves(uint16_t domain, uint32_t port) const;
    idl::Failure wait(const Waiter& waiter);
    kos_status_t check(uint16_t domain, uint64_t port) const;
    kos_status_t set_bound(uint16_t domain, uint64_t port, uint64_t instance);
    kos_status_t set_unbound(uint16_t domain, uint64_t port);
    void change(uint32_t port, bool bound);
    void end_of(uint16_t domain, uint32_t instance);

    std::span<const kos_startup_introduction_t> introductions_;
    SavedState& saved_;
    Callers& callers_;
    State state_ = {};
    uint16_t appman_ = 0;        // server of the port "appman"; 0: none
    uint64_t now_ = 0;           // of the present request
    bool is_queued_ok_ = false;  // the present queue message has done something
    Waiter waiters_[kMostWaiters];
};

}  // namespace kos::directory

#endif
