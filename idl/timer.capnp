# Time: deadlines on the machine's counter, and the wall clock.
@0xd4a3f9217c06be58;

using Kos = import "/kos.capnp";

interface Timer {
  # Ticks are those of the counter that every domain can read (kos_time_ticks). Its server answers sleepers later, so it
  # has CPU time of its own.

  enum WallSource {
    unset @0;
    # Nobody has set the clock since boot.
    rtc @1;
    # From the board's real-time clock.
    set @2;
    # By a domain with the right to.
  }

  now @0 () -> (ticks :UInt64, hz :UInt64);
  # The counter, and its ticks per second.

  alarm @1 (bit :UInt8, deadline :UInt64) -> ()
      $Kos.errors([invalidArgument, full]);
  # Signals bit KOS_SIGNAL_USER_0 + `bit` (0..15) of the caller when the counter reaches `deadline`. Replaces an earlier
  # alarm of the same bit; 0 cancels it. A deadline that has passed signals at once.

  sleepUntil @2 (deadline :UInt64) -> ()
      $Kos.deferred $Kos.errors([full]);
  # Answers when the counter reaches `deadline`.

  wallGet @3 () -> (ns :UInt64, source :WallSource)
      $Kos.errors([unavailable]);
  # Nanoseconds since 1970-01-01 UTC, now. UNAVAILABLE while the clock is unset.

  wallSet @4 (ns :UInt64) -> ()
      $Kos.errors([unauthorized]);
  # Sets the wall clock, and the real-time clock if there is one. Needs the right "time".
}
