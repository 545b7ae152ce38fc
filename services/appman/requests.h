/*
 * The port "appman": checks who may ask for what, and hands requests to the supervisor.
 */
#ifndef KOS_SERVICES_APPMAN_REQUESTS_H_
#define KOS_SERVICES_APPMAN_REQUESTS_H_

#include <kos/idl/appman.hpp>

#include <string_view>

#include "access.h"
#include "changes.h"
#include "supervisor.h"

namespace kos::appman {

class Requests : public idl::appman::Server<Requests> {
public:
    using Caller = idl::Caller;
    // Asks root for its books.
    using ReadAccounts = kos_status_t (*)(kos_appman_accounts_t& accounts);

    Requests(const manifest::Manifest& manifest, const Access& access, Supervisor& supervisor,
             ReadAccounts read_accounts, Changes& changes)
        : manifest_(manifest),
          access_(access),
          supervisor_(supervisor),
          read_accounts_(read_accounts),
          changes_(changes) {}

    // A request of the interface "appman", received at `now`. `answer` as in kos_server_t; its payload stays valid
    // until the next call. What was asked for is done by the supervisor's next `run`.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer);

    // The interface (idl/appman.capnp).
    bool accepts(const Caller& caller) const { return caller.token == 0; }
    idl::Result<idl::appman::ListAnswer> list(const Caller& caller, uint64_t first);
    idl::Result<kos_appman_domain_t> status(const Caller& caller, std::string_view name);
    idl::Result<void> start(const Caller& caller, std::string_view name);
    idl::Result<void> stop(const Caller& caller, std::string_view name);
    idl::Result<void> restart(const Caller& caller, std::string_view name);
    idl::Result<uint64_t> mode(const Caller& caller, std::string_view name);
    idl::Result<kos_appman_accounts_t> accounts(const Caller& caller);
    idl::Result<idl::appman::WatchAnswer> watch(const Caller& caller, uint64_t since);

    // The domains whose clients wait for a change that has come; they do not wait any more. After every request and
    // event.
    DomainMask take_due();

private:
    // The domain `name`, if the caller may do `verb` to it.
    idl::Result<unsigned> find(const Caller& caller, Verb verb, std::string_view name) const;
    kos_appman_domain_t entry(unsigned domain) const;
    // What `caller` may see.
    DomainMask visible(unsigned caller) const;

    const manifest::Manifest& manifest_;
    const Access& access_;
    Supervisor& supervisor_;
    ReadAccounts read_accounts_;
    Changes& changes_;
    uint64_t now_ = 0;  // of the present request
    kos_appman_domain_t entries_[KOS_APPMAN_LIST_ANSWER_ENTRIES_MAX];
};

}  // namespace kos::appman

#endif
