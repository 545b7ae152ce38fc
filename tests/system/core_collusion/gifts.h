// Requests to a giver (giver/main.cpp): label kGive with a Gift, whose capability comes with the answer; or kEnd.
#pragma once

enum Request { kGive = 1, kEnd = 2 };

enum Gift {
    kGiftConnection,  // to the port "peer"
    kGiftRoot,        // requests to root in the giver's name
    kGiftThread,      // the same, of its main thread
    kGiftReport,      // its end, as it says
    kGiftNotification,
    kGiftPort,    // what its clients send
    kGiftSignal,  // of the queue to "peer"
    kGiftCount
};
