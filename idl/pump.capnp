# A pump of the pump station.
@0xdb02e57fa1c69438;

using Kos = import "/kos.capnp";

interface Pump {
  enum State {
    stopped @0;
    running @1;
    failed @2;
    # Stopped by itself: blocked, dry or too hot. `Lease.reset` first.
  }

  status @0 () -> (state :State, percent :UInt8, runSeconds :UInt32, starts :UInt32);

  take @1 (holdMs :UInt32) -> (lease :Lease)
      $Kos.errors([conflict, invalidArgument]);
  # The right to control the pump. Each request through the lease extends it by `holdMs` milliseconds (100..60000); when it
  # runs out, the pump stops and the lease is INVALID_TOKEN. CONFLICT: another domain has it.

  interface Lease {
    setSpeed @0 (percent :UInt8) -> ()
        $Kos.errors([invalidArgument, unavailable]);
    # 0 stops it. UNAVAILABLE while the pump has failed.

    reset @1 () -> ()
        $Kos.errors([unavailable]);
    # Leaves `failed` if the cause is gone.

    giveBack @2 () -> ();
    # Stops the pump.
  }
}
