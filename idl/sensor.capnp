# A sensor of the pump station: level and flow, as measured.
@0x95f3c8d06a7e41b2;

using Kos = import "/kos.capnp";

interface Sensor {
  enum Health {
    good @0;
    stale @1;
    # The device has not given a new value for longer than its interval.
    broken @2;
  }

  struct Sample {
    ticks @0 :UInt64;
    # The counter, when it was measured.
    levelMm @1 :Int32;
    # Of the water, against the station's zero.
    flowMlPerS @2 :Int32;
    # Positive: into the basin.
    temperatureMilliC @3 :Int32;
    health @4 :Health;
  }

  latest @0 () -> (sample :Sample)
      $Kos.errors([unavailable]);
  # The last measurement. UNAVAILABLE before the first.

  setInterval @1 (ms :UInt32) -> ()
      $Kos.errors([invalidArgument]);
  # Between measurements, 10..60000.

  history @2 (most :UInt32) -> (samples :List(Sample) $Kos.maxCount(128));
  # The last measurements, at most `most`, the oldest first.
}
