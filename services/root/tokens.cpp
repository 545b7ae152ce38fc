// The table of tokens (tokens.h).
#include "tokens.h"

namespace root {

using namespace kos::sel4;

namespace {

constexpr unsigned kMaxTokens = 2048;

struct Token {
    Word number = 0;  // 0: free
    uint16_t server = 0;
    uint8_t port = 0;
    CPtr slot = 0;  // taken at first use, kept
};
Token tokens[kMaxTokens];
unsigned in_use_of[KOS_MAX_DOMAINS];

Token* find_token(Word server, Word port, Word number) {
    for (Token& token : tokens) {
        if (token.number == number && token.server == server && token.port == port) return &token;
    }
    return nullptr;
}

void revoke(Token& token) {
    cnode_revoke(path(token.slot));
    // Calls that are still waiting in the endpoint are made again by the kernel, and find the capability gone.
    cnode_cancel_badged_sends(path(token.slot));
    cnode_delete(path(token.slot));
    token.number = 0;
    --in_use_of[token.server];
}

bool is_port_of(const Domain& server, Word port) {
    return port < KOS_MAX_PORTS && the_system.manifest.ports[port].name &&
           the_system.manifest.ports[port].server == server.number;
}

// Whom the manifest connects to this port; a token may not make new connections.
bool may_hold(Word holder, Word port) {
    const Manifest& manifest = the_system.manifest;
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        if (manifest.connections[i].port == port && manifest.connections[i].client == holder) return true;
    }
    return false;
}

}  // namespace

kos_status_t create_token(Domain& server, Word port, Word number, Word holder, Word slot) {
    if (!is_port_of(server, port)) return KOS_STATUS_NOT_FOUND;
    if (number == 0 || number > KOS_BADGE_TOKEN_MASK || slot < KOS_SLOT_FIRST_LISTED ||
        slot >= Word{1} << server.cspace_bits) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    if (!the_system.manifest.ports[port].tokens || !may_hold(holder, port)) return KOS_STATUS_UNAUTHORIZED;
    if (find_token(server.number, port, number)) return KOS_STATUS_CONFLICT;
    if (in_use_of[server.number] >= KOS_MAX_TOKENS) return KOS_STATUS_AT_TOKEN_LIMIT;
    for (Token& token : tokens) {
        if (token.number) continue;
        if (!token.slot) token.slot = new_slot();
        Word const badge = holder << KOS_BADGE_DOMAIN_SHIFT | port << KOS_BADGE_PORT_SHIFT | number;
        constexpr seL4_CapRights_t kRights = seL4_CanWrite | seL4_CanGrant | seL4_CanGrantReply;
        // Root's has all rights: without them the kernel cancels nothing.
        if (!cnode_mint(path(token.slot), path(server.endpoint), seL4_AllRights, badge).ok()) {
            return KOS_STATUS_INTERNAL_ERROR;
        }
        SlotPath const to{domain_cap(server.number, kSlotCSpace), slot, 64};
        if (!cnode_copy(to, path(token.slot), kRights).ok()) {
            cnode_delete(path(token.slot));
            return KOS_STATUS_CONFLICT;  // the slot is not empty
        }
        token.number = number;
        token.server = server.number;
        token.port = static_cast<uint8_t>(port);
        ++in_use_of[server.number];
        return KOS_STATUS_CREATED;
    }
    return KOS_STATUS_AT_TOKEN_LIMIT;
}

kos_status_t revoke_token(Domain& server, Word port, Word number) {
    Token* const token = number ? find_token(server.number, port, number) : nullptr;
    if (!token) return KOS_STATUS_NOT_FOUND;
    revoke(*token);
    return KOS_STATUS_OK;
}

void revoke_tokens_of(Word server) {
    if (in_use_of[server] == 0) return;
    for (Token& token : tokens) {
        if (token.number && token.server == server) revoke(token);
    }
}

unsigned tokens_in_use() {
    unsigned count = 0;
    for (unsigned of_domain : in_use_of) count += of_domain;
    return count;
}

}  // namespace root
