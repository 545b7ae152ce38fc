# What the controller aims at.
@0xf18a6c2d93b7e054;

using Kos = import "/kos.capnp";

interface Controller {
  struct State {
    targetMm @0 :Int32;
    levelMm @1 :Int32;
    # As the sensor told it last.
    rounds @2 :UInt32;
    failed @3 :UInt32;
    # Rounds without a level or without the pump.
    percent @4 :UInt8;
    # What it wants of the pump.
  }

  state @0 () -> (state :State);

  setTarget @1 (mm :Int32) -> ()
      $Kos.errors([invalidArgument]);
  # 300..700; anything else is refused.
}
