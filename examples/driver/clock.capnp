# A clock with an alarm.
@0xe1947b20f8d3c65a;

using Kos = import "/kos.capnp";

interface Clock {
  seconds @0 () -> (now :UInt32);

  waitUntil @1 (time :UInt32) -> (now :UInt32)
      $Kos.deferred $Kos.errors([conflict, full]);
  # Answered when the clock reaches `time`. CONFLICT: somebody waits already.
}
