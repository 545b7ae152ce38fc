# A bus with I2C devices.
@0xd1f0a7c3925be846;

using Kos = import "/kos.capnp";

interface I2c {
  # One transaction at a time on the bus; which addresses a client may use says the driver's manifest.

  transfer @0 (address :UInt16, read :UInt16, write :Data $Kos.maxBytes(2048)) -> (data :Data $Kos.maxBytes(2048))
      $Kos.errors([unauthorized, notFound, invalidArgument, timeout]);
  # Writes `write`, if there is any, then reads `read` (0..2048) bytes behind a repeated start, if that is not 0. NOT_FOUND: nobody
  # acknowledges the address (7 bits). INVALID_ARGUMENT: neither is to be done, or too much. TIMEOUT: the bus hangs.
}
