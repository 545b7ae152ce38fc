// What a peer understands (peer/main.c): requests on its ports. Numbers only, so that a test needs no bindings.
#pragma once

enum PeerLabel {
    kPeerEcho = 1,       // param + 1, words and payload as they came; words[1]: domain of the caller
    kPeerWrong = 2,      // param: enum FaultKind
    kPeerSpin = 3,       // param: microseconds of CPU time to use up -> OK
    kPeerWho = 4,        // -> param: token, words: domain and port of the caller
    kPeerState = 5,      // -> param: instance, words: persistent counter (counted up by each instance), queue messages
    kPeerQueue = 6,      // -> param: messages taken from the queue, words: the last one's value, values out of order
    kPeerTokenMake = 7,  // param: number, words: flags, holder (0: the caller) -> token, words[0]: its slot; CREATED
    kPeerTokenRevoke = 8,   // param: number
    kPeerTokenKeep = 9,     // token; kept for kPeerTokenCall
    kPeerTokenCall = 10,    // -> param: status of kPeerWho through the kept token, words: token and domain that arrived
    kPeerTokenDrop = 11,    // gives the kept token back
    kPeerDefer = 12,        // answered by kPeerRelease
    kPeerRelease = 13,      // param: status for all who wait -> param: how many there were
    kPeerRelay = 14,        // param: times down the chain, words: label and param for the last one -> its answer
    kPeerMemory = 15,       // maps memory until there is no more, and keeps it -> param: pages
    kPeerFaultThread = 16,  // param: enum FaultKind -> answered, then a thread of the peer has that fault
    kPeerSpinRelay = 19,    // as kPeerRelay to the next in the chain, after words[1] microseconds of its own time
    kPeerBind = 20,         // calls the directory in the middle of the request
    kPeerServe = 21,        // from now on a second, passive thread serves as well
    kPeerTokenOwn = 22,     // a token of the peer's own -> param: its number, words: its port and whom it is for
    kPeerTokenMany = 17,    // param: first number -> param: how many tokens could be made
};

enum { kPeerBadAnswer = 18 };  // an answer with a payload although the port may have none: INTERNAL_ERROR
