# A real-time clock that goes on while the machine is off.
@0xe19a74c5d3b2086f;

using Kos = import "/kos.capnp";

interface Rtc {
  get @0 () -> (seconds :UInt64);
  # Seconds since 1970-01-01 UTC.

  set @1 (seconds :UInt64) -> ()
      $Kos.errors([unauthorized, invalidArgument]);
  # INVALID_ARGUMENT: the device cannot hold it. For domains that the driver's parameter names.

  alarm @2 (seconds :UInt64) -> (now :UInt64)
      $Kos.deferred $Kos.errors([invalidArgument, full, conflict]);
  # Answers when the time has come, at once if it has passed. FULL: too many wait. CONFLICT: another alarm of the same client
  # has taken its place.
}
