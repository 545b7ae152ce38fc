// Client of the directory (kos/dir.h).
#include "runtime.h"

#include <kos/dir.h>

#include <string.h>

using namespace kos::runtime;

namespace {

// Labels of idl/directory.capnp.
enum DirectoryLabel : Word { kBind = 1, kUnbind = 2, kQuery = 3, kRequest = 4 };

// Names travel as three words: param and words, zero-padded. 31 bytes do not fit: the first 24 do not tell all names
// apart, so a port travels by its number in the manifest instead.
kos_status_t call_directory(Word label, Word port, Word argument, kos_slot_t* token) {
    const kos_startup_connection_t* const directory = find_connection("directory");
    if (!directory) return KOS_STATUS_UNAUTHORIZED;
    kos_msg_t message{};
    message.label = label;
    message.param = port;
    message.words[0] = argument;
    message.has_words = 1;
    kos_status_t status;
    do {
        kos_msg_t attempt = message;
        status = kos_msg_call(directory->slot, &attempt);
        // A directory that was restarted meanwhile is asked again: none of these requests does harm when repeated.
        if (status != KOS_STATUS_PEER_GONE && kos_status_is_ok(status) && token) *token = attempt.token;
        if (status != KOS_STATUS_PEER_GONE && attempt.token && !token) kos_msg_token_delete(attempt.token);
    } while (status == KOS_STATUS_PEER_GONE);
    return status;
}

const kos_startup_port_t* own_port(const char* name) {
    for (const kos_startup_port_t& port : entries<kos_startup_port_t>(startup->ports)) {
        if (same_name(port.name, name)) return &port;
    }
    return nullptr;
}

}  // namespace

kos_status_t kos_dir_bind(const char* name) {
    const kos_startup_port_t* const port = own_port(name);
    return port ? call_directory(kBind, port->port, startup->instance, nullptr) : KOS_STATUS_UNAUTHORIZED;
}

kos_status_t kos_dir_unbind(const char* name) {
    const kos_startup_port_t* const port = own_port(name);
    return port ? call_directory(kUnbind, port->port, 0, nullptr) : KOS_STATUS_UNAUTHORIZED;
}

kos_status_t kos_dir_query(const char* name) {
    const kos_startup_connection_t* const connection = find_connection(name);
    return connection ? call_directory(kQuery, connection->port, 0, nullptr) : KOS_STATUS_UNAUTHORIZED;
}

kos_status_t kos_dir_request_until(const char* name, uint64_t deadline_ticks, kos_slot_t* slot) {
    static kos_slot_t known[KOS_MAX_CONNECTIONS];  // by index; 0: not asked yet
    int index = 0;
    const kos_startup_connection_t* const connection = find_connection(name, &index);
    if (!connection) return KOS_STATUS_UNAUTHORIZED;
    kos_slot_t found = connection->slot ? connection->slot : __atomic_load_n(&known[index], __ATOMIC_ACQUIRE);
    if (!found && connection->flags & KOS_CONNECTION_SEND_ONLY) {
        // Its queue is there from the start. The slot stays empty: it only names the connection.
        found = allocate_slot();
        if (!found) return KOS_STATUS_AT_TOKEN_LIMIT;
        keep_connection(found, index);
        __atomic_store_n(&known[index], found, __ATOMIC_RELEASE);
    }
    if (!found) {
        kos_status_t const status = call_directory(kRequest, connection->port, deadline_ticks, &found);
        if (!kos_status_is_ok(status)) return status;
        if (!found) return KOS_STATUS_PEER_INVALID;
        keep_connection(found, index);
        __atomic_store_n(&known[index], found, __ATOMIC_RELEASE);
    }
    *slot = found;
    return KOS_STATUS_OK;
}

kos_status_t kos_dir_request(const char* name, kos_slot_t* slot) {
    return kos_dir_request_until(name, KOS_FOREVER, slot);
}
