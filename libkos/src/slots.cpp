// Capability slots that the domain fills itself, and which connection's window a slot's target uses (runtime.h).
#include "runtime.h"

#include <kos/sel4/objects.h>

namespace kos::runtime {

namespace {

constexpr unsigned kSlots = 1u << KOS_CSPACE_BITS;
constexpr unsigned kWordBits = 64;

uint64_t taken[kSlots / kWordBits];
// Index of the connection + 1; 0: none. kKept: the connection itself, which stays for the domain's life.
uint16_t connections[kSlots];
constexpr uint16_t kKept = 0x8000;

bool take(unsigned slot) {
    uint64_t const bit = 1ull << (slot % kWordBits);
    return !(__atomic_fetch_or(&taken[slot / kWordBits], bit, __ATOMIC_ACQ_REL) & bit);
}

bool is_free_slot(kos_slot_t slot) { return slot >= startup->free_slot_first && slot < startup->free_slot_end; }

}  // namespace

kos_slot_t allocate_slot() {
    for (uint64_t slot = startup->free_slot_first; slot < startup->free_slot_end; ++slot) {
        if (take(static_cast<unsigned>(slot))) return slot;
    }
    return KOS_SLOT_NULL;
}

void free_slot(kos_slot_t slot) {
    if (!is_free_slot(slot) || (slot < kSlots && connections[slot] & kKept)) return;
    sel4::cnode_delete({KOS_SLOT_CNODE, slot, 64});
    release_slot(slot);
}

void release_slot(kos_slot_t slot) {
    connections[slot] = 0;
    __atomic_fetch_and(&taken[slot / kWordBits], ~(1ull << (slot % kWordBits)), __ATOMIC_RELEASE);
}

void receive_into(kos_slot_t slot) {
    seL4_IPCBuffer* const buffer = sel4::ipc_buffer();
    buffer->receiveCNode = slot ? Word{KOS_SLOT_CNODE} : 0;
    buffer->receiveIndex = slot;
    buffer->receiveDepth = 64;  // guard and index
}

int connection_of(kos_slot_t target) {
    if (target >= kSlots) return -1;
    if (connections[target]) return (connections[target] & ~kKept) - 1;
    // Those of the startup block have their slots from the start.
    int index = 0;
    for (const kos_startup_connection_t& connection : entries<kos_startup_connection_t>(startup->connections)) {
        if (connection.slot == target) {
            connections[target] = static_cast<uint16_t>(index + 1);
            return index;
        }
        ++index;
    }
    return -1;
}

void set_connection_of(kos_slot_t target, int connection) {
    if (target < kSlots) connections[target] = static_cast<uint16_t>(connection + 1);
}

void keep_connection(kos_slot_t slot, int connection) {
    if (slot < kSlots) connections[slot] = static_cast<uint16_t>((connection + 1) | kKept);
}

const kos_startup_connection_t* find_connection(const char* port, int* index) {
    int at = 0;
    for (const kos_startup_connection_t& connection : entries<kos_startup_connection_t>(startup->connections)) {
        if (same_name(connection.name, port)) {
            if (index) *index = at;
            return &connection;
        }
        ++at;
    }
    return nullptr;
}

}  // namespace kos::runtime
