# Time: deadlines on the machine's counter, and the wall clock.
@0xd4a3f9217c06be58;

using Kos = import "/kos.capnp";

interface Timer {
  # Times are ticks of the counter that every domain can read (kos/time.h, which applications use). The server answers
  # sleepers later, so it has CPU time of its own.

  alarm @0 (bit :UInt64, time :UInt64) -> ()
      $Kos.errors([invalidArgument, full]);
  # Signals bit KOS_SIGNAL_USER_0 + `bit` (0..15) of the caller when the counter reaches `time`. Replaces an earlier alarm of the
  # same bit; 0 cancels it. A time that has passed signals at once.

  sleep @1 (time :UInt64) -> ()
      $Kos.deferred $Kos.errors([full]);
  # Answered when the counter reaches `time`. FULL: too many sleep.

  wall @2 () -> (zero :UInt64, ns :UInt64, changes :UInt64)
      $Kos.errors([unavailable]);
  # The wall clock: nanoseconds since 1970-01-01 UTC when the counter was 0 (add the counter's own nanoseconds), and how
  # often it has been set. UNAVAILABLE while nobody has set it. `zero` is 0.

  setWall @3 (ns :UInt64, time :UInt64) -> ()
      $Kos.errors([unauthorized, invalidArgument]);
  # It is or was `ns` when the counter was at `time`. For domains that the timer's parameter may_set names.

  status @4 () -> (alarms :UInt64, sleepers :UInt64, altered :UInt64);
  # Alarms and sleepers now; how often somebody else had altered the device.

  queueAlarm @5 (bit :UInt64, time :UInt64) $Kos.oneWay $Kos.label(1);
  # As `alarm`, for those who must not wait.
}
