# Readings for the interlock, and what it makes of them.
@0xa4c7e1f05b2d8396;

using Kos = import "/kos.capnp";

interface Interlock {
  enum Verdict {
    run @0;
    # The motor may run.
    low @1;
    # Less than 250 mm of water; from then on, less than 300.
    stale @2;
    # No good reading for 500 ms.
    switch @3;
    # The float switch says that there is too little water.
  }

  struct State {
    ageMs @0 :UInt32;
    # Of the last good reading.
    levelMm @1 :Int32;
    accepted @2 :UInt32;
    # Readings, since the start.
    refused @3 :UInt32;
    # Readings whose stamp is wrong, or that are older than one that was there before.
    trips @4 :UInt32;
    # Times that it has stopped a running motor.
    starts @5 :UInt32;
    # Of the motor.
    runSeconds @6 :UInt32;
    percent @7 :UInt8;
    # What the motor is given.
    wanted @8 :UInt8;
    # What the controller wants.
    verdict @9 :Verdict;
    valveClosed @10 :Bool;
    leased @11 :Bool;
    # Somebody controls the pump.
  }

  reading @0 (levelMm :Int32, timeMs :UInt64, stamp :UInt64) $Kos.oneWay;
  # A reading of the transmitter, as it was made.

  state @1 () -> (state :State);
}
