// Names, by lwIP's resolver from the gateway's relay.
#include <lwip/dns.h>
#include <string.h>

#include <new>

#include "network.h"

namespace kos::net {

struct Lookup {
    kos_net_resolved_fn_t done;
    void* context;
    kos_status_t status;
    kos_net_address_t address;
    Lookup* next;
};

namespace {

constexpr size_t kNameMost = 253;

void finish(Lookup* lookup, const ip_addr_t* address) {
    if (address != nullptr) {
        lookup->status = KOS_STATUS_OK;
        lookup->address = from_lwip(*address, 0);
    } else {
        // The relay's answer arrives as a packet; that there is none is found out by the clock.
        lookup->status = network->stack().is_in_lookup_timer() ? KOS_STATUS_TIMEOUT : KOS_STATUS_NOT_FOUND;
    }
    network->add_done(lookup);
}

void on_found(const char*, const ip_addr_t* address, void* argument) {
    network->stack().lookup_ends();
    finish(static_cast<Lookup*>(argument), address);
}

u8_t kind_of(unsigned version) {
    switch (version) {
        case 4: return LWIP_DNS_ADDRTYPE_IPV4;
        case 6: return LWIP_DNS_ADDRTYPE_IPV6;
        default: return LWIP_DNS_ADDRTYPE_IPV4_IPV6;
    }
}

// Of kos_net_resolve_wait, whose caller may not be there any more when the answer comes.
struct Waiter {
    kos_net_address_t address;
    kos_status_t status;  // EMPTY until then
    bool is_abandoned;
};

void on_waited(void* context, kos_status_t status, const kos_net_address_t* address) {
    auto* const waiter = static_cast<Waiter*>(context);
    if (waiter->is_abandoned) {
        delete waiter;
        return;
    }
    waiter->status = status;
    waiter->address = *address;
}

}  // namespace

void Network::add_done(Lookup* lookup) {
    lookup->next = done_lookups_;
    done_lookups_ = lookup;
    touched(true);
}

void run_lookups(Lookup* first) {
    while (first != nullptr) {
        Lookup* const lookup = first;
        first = lookup->next;
        lookup->done(lookup->context, lookup->status, &lookup->address);
        delete lookup;
    }
}

}  // namespace kos::net

using namespace kos::net;

kos_status_t kos_net_resolve(const char* name, unsigned version, kos_net_resolved_fn_t done, void* context) {
    if ((version != 0 && version != 4 && version != 6) || name[0] == '\0' || strnlen(name, kNameMost + 1) > kNameMost) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    auto* const lookup = new (std::nothrow)
        Lookup{.done = done, .context = context, .status = KOS_STATUS_OK, .address = {}, .next = nullptr};
    if (lookup == nullptr) return KOS_STATUS_FULL;
    kos_net_address_t literal;
    if (kos_net_address_parse(name, 0, &literal) == KOS_STATUS_OK) {
        const ip_addr_t address = to_lwip(literal);
        finish(lookup, version == 0 || version == literal.version ? &address : nullptr);
        return KOS_STATUS_OK;
    }
    network->stack().lookup_begins();
    ip_addr_t address;
    const err_t error = dns_gethostbyname_addrtype(name, &address, on_found, lookup, kind_of(version));
    network->touched();
    if (error == ERR_INPROGRESS) return KOS_STATUS_OK;
    network->stack().lookup_ends();
    if (error == ERR_OK) {
        finish(lookup, &address);
        return KOS_STATUS_OK;
    }
    if (error == ERR_VAL) {
        finish(lookup, nullptr);  // there is no server to ask
        return KOS_STATUS_OK;
    }
    delete lookup;
    return error == ERR_ARG ? KOS_STATUS_INVALID_ARGUMENT : KOS_STATUS_FULL;
}

kos_status_t kos_net_resolve_wait(const char* name, unsigned version, uint64_t deadline_ticks,
                                  kos_net_address_t* address) {
    auto* const waiter = new (std::nothrow) Waiter{.address = {}, .status = KOS_STATUS_EMPTY, .is_abandoned = false};
    if (waiter == nullptr) return KOS_STATUS_FULL;
    kos_status_t status = kos_net_resolve(name, version, on_waited, waiter);
    if (status == KOS_STATUS_OK) {
        const auto is_there = [](void* argument) {
            return static_cast<const Waiter*>(argument)->status != KOS_STATUS_EMPTY;
        };
        status = network->wait(is_there, waiter, deadline_ticks);
        if (status != KOS_STATUS_OK) {
            waiter->is_abandoned = true;
            return status;
        }
        status = waiter->status;
        if (status == KOS_STATUS_OK) *address = waiter->address;
    }
    delete waiter;
    return status;
}
