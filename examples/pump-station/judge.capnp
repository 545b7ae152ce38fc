# The basin as it is, and a record of whether the safety rule has held. Nobody changes anything here.
@0xe90b1c35d7f24a68;

interface Judge {
  struct State {
    steps @0 :UInt64;
    # Of at most 10 ms, each of which was judged.
    levelMm @1 :Int32;
    inflowMlPerS @2 :Int32;
    outflowMlPerS @3 :Int32;
    # Through the pump.
    reliefMlPerS @4 :Int32;
    pressurePa @5 :Int32;
    # Behind the pump.
    readingAgeMs @6 :UInt32;
    # Since the transmitter was last read.
    dry @7 :UInt32;
    # Steps in which the motor ran with less than 200 mm of water: the rule was broken.
    blind @8 :UInt32;
    # Steps in which it ran although nobody had read the transmitter for 1000 ms: the rule was broken.
    overflow @9 :UInt32;
    # Steps in which the basin was full to the brim (1000 mm): the rule was broken.
    lowestRunningMm @10 :Int32;
    # The least water with which the motor ever ran.
    longestBlindMs @11 :UInt32;
    # The oldest reading with which it ever ran.
    highestMm @12 :Int32;
    motorPercent @13 :UInt8;
    valveOpen @14 :Bool;
  }

  state @0 () -> (state :State);
}
