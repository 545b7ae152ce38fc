# A serial line: bytes in and out. Also the console's interface.
@0xa86f10d3e52b97c4;

using Kos = import "/kos.capnp";

interface Uart {
  # The server keeps what comes in until somebody reads it, and drops the newest bytes when its buffer is full.

  struct Counters {
    received @0 :UInt64;
    # Bytes since the driver started, as are the others.
    sent @1 :UInt64;
    dropped @2 :UInt64;
    # Received while the buffer was full.
    overruns @3 :UInt32;
    # The device lost bytes.
    lineErrors @4 :UInt32;
    # Framing and parity errors, breaks.
  }

  write @0 (data :Data $Kos.maxBytes(4096)) -> (written :UInt32)
      $Kos.errors([full, unavailable]);
  # Sends bytes; `written` of them have been taken, the others have to be sent again.

  read @1 (most :UInt32) -> (data :Data $Kos.maxBytes(4096))
      $Kos.errors([empty, unavailable]);
  # Takes what has come in, at most `most` bytes. EMPTY if there is nothing.

  readWait @2 (most :UInt32) -> (data :Data $Kos.maxBytes(4096))
      $Kos.deferred $Kos.errors([full, unavailable]);
  # As `read`, but waits until something comes in.

  status @3 () -> (counters :Counters, readable :UInt32, writable :UInt32);
  # Counters, and bytes that can be read and written now.
}
