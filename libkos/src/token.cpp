// Tokens for the own ports (kos/msg.h). Root mints and revokes; this finds ports and slots.
#include "runtime.h"

using namespace kos::runtime;

namespace {

// Which token root has put into a slot of ours, so that the slot is free again when the token is revoked or used up.
struct Own {
    uint64_t number;  // 0: none
    uint32_t port;
};
Own own[1u << KOS_CSPACE_BITS];

const kos_startup_port_t* find_port(const char* name) {
    for (const kos_startup_port_t& port : entries<kos_startup_port_t>(startup->ports)) {
        if (same_name(port.name, name)) return &port;
    }
    return nullptr;
}

}  // namespace

void kos::runtime::forget_token(uint32_t port, uint64_t number) {
    for (Own& token : own) {
        if (token.port != port || __atomic_load_n(&token.number, __ATOMIC_ACQUIRE) != number) continue;
        uint64_t expected = number;
        if (!__atomic_compare_exchange_n(&token.number, &expected, uint64_t{0}, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED)) {
            continue;
        }
        free_slot(static_cast<kos_slot_t>(&token - own));
        return;
    }
}

kos_status_t kos_msg_token_create(const char* port, uint64_t number, uint32_t flags, uint16_t holder,
                                  kos_token_t* token) {
    const kos_startup_port_t* const found = find_port(port);
    if (!found) return KOS_STATUS_NOT_FOUND;
    if (number == 0 || number >= KOS_TOKEN_NUMBER_SINGLE_USE || flags & ~static_cast<uint32_t>(KOS_TOKEN_SINGLE_USE)) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    if (flags & KOS_TOKEN_SINGLE_USE) number |= KOS_TOKEN_NUMBER_SINGLE_USE;
    kos_slot_t const slot = allocate_slot();
    if (!slot) return KOS_STATUS_AT_TOKEN_LIMIT;
    kos_status_t const status = call_root(KOS_ROOT_TOKEN_CREATE, found->port, number, holder, slot).status;
    if (!kos_status_is_ok(status)) {
        free_slot(slot);
        return status;
    }
    own[slot].port = found->port;
    __atomic_store_n(&own[slot].number, number, __ATOMIC_RELEASE);
    *token = slot;
    return status;
}

kos_status_t kos_msg_token_revoke(const char* port, uint64_t number) {
    const kos_startup_port_t* const found = find_port(port);
    if (!found) return KOS_STATUS_NOT_FOUND;
    if (number == 0 || number >= KOS_TOKEN_NUMBER_SINGLE_USE) return KOS_STATUS_INVALID_ARGUMENT;
    kos_status_t const plain = call_root(KOS_ROOT_TOKEN_REVOKE, found->port, number).status;
    kos_status_t const single =
        call_root(KOS_ROOT_TOKEN_REVOKE, found->port, number | KOS_TOKEN_NUMBER_SINGLE_USE).status;
    if (kos_status_is_ok(plain)) forget_token(found->port, number);
    if (kos_status_is_ok(single)) forget_token(found->port, number | KOS_TOKEN_NUMBER_SINGLE_USE);
    return kos_status_is_ok(plain) ? plain : single;
}

kos_status_t kos_msg_token_delete(kos_token_t token) {
    if (token >= sizeof own / sizeof own[0]) return KOS_STATUS_INVALID_TOKEN;
    __atomic_store_n(&own[token].number, uint64_t{0}, __ATOMIC_RELEASE);
    free_slot(token);
    return KOS_STATUS_OK;
}
