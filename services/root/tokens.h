// Tokens: badged capabilities to a server's endpoint that the server hands out (kos/msg.h).
//
// Root mints each once, in a slot of its own, and copies it to the server; revoking root's deletes every copy, wherever
// it has been passed on to.
#pragma once

#include "domain.h"

namespace root {

kos_status_t create_token(Domain& server, Word port, Word number, Word holder, Word slot);
kos_status_t revoke_token(Domain& server, Word port, Word number);
void revoke_tokens_of(Word server);  // all of a domain that ends
unsigned tokens_in_use();

}  // namespace root
