// Orders to the wire (port "wire"), whose answers have no content.
#pragma once

enum {
    // param: packets lost of 1000; words: delay in microseconds, and up to so much more, at random
    kWireWeather = 1,
    // param: so many packets of nonsense to either side, half of them real ones with a few changed bytes
    kWireJunk = 2,
    // The wire ends, with all that is on it, and is begun again.
    kWireBreak = 3,
};
