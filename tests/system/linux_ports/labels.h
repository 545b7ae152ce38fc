// What the caller asks of the Linux program that serves "greeter".
#pragma once

enum GreeterLabel {
    kGreetEcho = 1,     // param + 1, words and payload as they came
    kGreetLater = 2,    // as kGreetEcho, 20 ms later
    kGreetLeave = 3,    // closes the connection instead of an answer
    kGreetWrong = 4,    // an answer that is none
    kGreetNever = 5,    // no answer until the time is over
    kGreetToken = 6,    // -> token number 77; called: param 77
    kGreetRevoke = 7,   // it is void from now on
    kGreetCasts = 8,    // -> param: how many casts have come, word 0: the last one's value
    kGreetPause = 9,    // answers, and does not serve for so many milliseconds
    kGreetDie = 10,     // the domain ends in the middle of it
    kGreetReport = 11,  // param: checks of the caller that failed, word 0: that passed
    kGreetCast = 12,    // one way, 8 bytes
};
