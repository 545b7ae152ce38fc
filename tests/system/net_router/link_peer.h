// What a link_peer understands: requests on its port.
#pragma once

enum {
    kLinkSend = 1,     // payload: a record, param: its tag, word 0: how many times (0: once) -> status of the ring
    kLinkReceive = 2,  // -> payload, param: tag; EMPTY
    kLinkBreak = 3,    // breaks the rules of the ring to the router
};
