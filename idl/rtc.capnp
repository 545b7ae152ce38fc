# A real-time clock that goes on while the machine is off.
@0xe19a74c5d3b2086f;

using Kos = import "/kos.capnp";

interface Rtc {
  # Times are seconds since 1970-01-01 UTC.

  get @0 () -> (seconds :UInt64);

  set @1 (seconds :UInt64) -> ()
      $Kos.errors([unauthorized, invalidArgument]);
  # For domains that the driver's parameter names. INVALID_ARGUMENT: the device cannot hold it.

  alarm @2 (time :UInt64) -> (now :UInt64)
      $Kos.deferred $Kos.errors([invalidArgument, full, conflict]);
  # Answered when `time` has come. A later alarm of the same domain ends it with CONFLICT.
}
