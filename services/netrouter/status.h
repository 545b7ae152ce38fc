/*
 * The port "net_status" (idl/net.capnp): hands out what the router has counted. Changes nothing. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_STATUS_H_
#define KOS_SERVICES_NETROUTER_STATUS_H_

#include <kos/idl/net.hpp>

#include "router.h"

namespace kos::netrouter {

class Status : public idl::net::Server<Status> {
public:
    using Caller = idl::Caller;

    explicit Status(const Router& router) : router_(router) {}

    // A request received at `now_us`. `answer` as in kos_server_t; its payload stays valid until the next call.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now_us, kos_msg_t& answer);

    // The interface.
    bool accepts(const Caller& caller) const { return caller.token == 0; }
    idl::Result<kos_net_uplink_t> uplink(const Caller& caller);
    idl::Result<idl::net::LinksAnswer> links(const Caller& caller, uint64_t first);
    idl::Result<idl::net::RulesAnswer> rules(const Caller& caller, uint64_t first);
    idl::Result<idl::net::DenialsAnswer> denials(const Caller& caller, uint64_t sequence);
    idl::Result<std::span<const uint64_t>> counters(const Caller& caller, uint64_t link);

private:
    const Router& router_;
    uint64_t now_us_ = 0;
    union {
        kos_net_link_t links_[KOS_NET_LINKS_ANSWER_ENTRIES_MAX];
        kos_net_rule_t rules_[KOS_NET_RULES_ANSWER_ENTRIES_MAX];
        kos_net_denial_t denials_[KOS_NET_DENIALS_ANSWER_ENTRIES_MAX];
    };
};

}  // namespace kos::netrouter

#endif
