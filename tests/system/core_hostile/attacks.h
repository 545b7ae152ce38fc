// What the attacker tries, by the label of the request; the answer's param counts what it has got through.
#pragma once

enum Attack {
    kAttackNothing = 1,
    kAttackInvokeSlots,   // param: seed. Calls each slot with labels of the kernel's and others
    kAttackForgeBadges,   // mints other badges and rights from what it has
    kAttackOwnCaps,       // revokes, moves, rotates and cancels what it has been given
    kAttackMemory,        // param: which address. A fault, unless it got through
    kAttackRoot,          // param: seed. Random requests
    kAttackReports,       // forged reports, without end
    kAttackMessages,      // param: seed. Forged metadata, lengths, capabilities
    kAttackQueue,         // rewrites the queue's indices while the server reads
    kAttackWindow,        // rewrites the window while the server reads
    kAttackReceivePath,   // param: seed. Lets tokens arrive anywhere
    kAttackSystemCalls,   // param: number. System calls that are none
    kAttackThreadFaults,  // a thread that faults without end, left to itself
    kAttackLittleTime,    // param: ms. Calls the server with hardly any time
    kAttackMapping,       // param: ms. Has root map and unmap much memory
    kAttackReplies,       // answers through all its reply objects, twice
    kAttackStopsItself,   // a thread that has root stop it, in another thread's name
    kAttackLeavesTime,    // a thread that leaves its time with root; then a fault
};

enum { kAttackAddresses = 8 };
