// Tokens for the own ports (kos/msg.h). Root mints and revokes; this finds ports and slots.
#include "runtime.h"

using namespace kos::runtime;

namespace {

const kos_startup_port_t* find_port(const char* name) {
    for (const kos_startup_port_t& port : entries<kos_startup_port_t>(startup->ports)) {
        if (same_name(port.name, name)) return &port;
    }
    return nullptr;
}

}  // namespace

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
    return kos_status_is_ok(plain) ? plain : single;
}

kos_status_t kos_msg_token_delete(kos_token_t token) {
    free_slot(token);
    return KOS_STATUS_OK;
}
