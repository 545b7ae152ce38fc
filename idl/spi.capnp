# A device on an SPI bus.
@0xa94be27d6103cf58;

using Kos = import "/kos.capnp";

interface Spi {
  # A port is one device: its chip select belongs to the driver's client.

  struct Config {
    speedHz @0 :UInt32;
    delayUs @1 :UInt32;
    # Between two transfers.
    mode @2 :UInt8;
    # 0..3: clock polarity and phase.
    bitsPerWord @3 :UInt8;
    lsbFirst @4 :Bool;
    reserved @5 :UInt8;
    # 0
    reserved2 @6 :UInt32;
    # 0
  }

  transfer @0 (send :Data $Kos.maxBytes(4000)) -> (data :Data $Kos.maxBytes(4000))
      $Kos.errors([unauthorized, invalidArgument]);
  # Sends the bytes with the device selected; the answer are those that came back, as many.

  config @1 () -> (config :Config);
  # What the driver's manifest says about the device.
}
