// Accesses to memory that is not the domain's (attacker.h). Each is a fault; whoever returns has got through.
#include "attacker.h"

#include <kos/app.h>

#include "../attacks.h"

void attack_memory(uint64_t which) {
    const kos_startup_t* const startup = kos_app_startup();
    uint64_t const addresses[kAttackAddresses] = {
        0x8,                                  // null
        0xffffff8040000000,                   // the kernel
        0x09000000,                           // the UART's physical address
        startup->heap_base,                   // nothing is mapped there
        reinterpret_cast<uint64_t>(startup),  // read-only
        0x400000,                             // code
        startup->life_page + KOS_PAGE_BYTES,  // guard
        0x0000ffff'fffff000,                  // the end of the address space
    };
    auto* const target = reinterpret_cast<volatile uint64_t*>(addresses[which % kAttackAddresses]);
    *target = 0x5555555555555555;
}
