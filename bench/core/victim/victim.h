// What the victim understands.
#pragma once

enum {
    kVictimFault = 1,  // writes to address 0
    kVictimTimes = 2,  // -> param: ticks when it last was about to fault; words: ticks at main, instance
};
