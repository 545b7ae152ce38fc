# A stream of bytes to a device and from it: UART, virtio-console.
@0xa86f10d3e52b97c4;

using Kos = import "/kos.capnp";

interface Console {
  # Nothing waits: what does not fit is refused, what has not arrived is not waited for.

  struct Status {
    # Bytes since the driver started, unless said otherwise.
    sent @0 :UInt64;
    # Accepted from clients.
    refused @1 :UInt64;
    # Not taken from clients, for lack of room.
    received @2 :UInt64;
    dropped @3 :UInt64;
    # Received without room for them.
    lineErrors @4 :UInt64;
    # Characters damaged on the line, dropped.
    deviceOverruns @5 :UInt64;
    # Times that the device itself lost something.
    interrupts @6 :UInt64;
    transmitQueued @7 :UInt64;
    # Bytes now.
    receiveQueued @8 :UInt64;
  }

  write @0 (data :Data $Kos.maxBytes(4096)) -> ()
      $Kos.errors([full]);
  # Sends all of it. FULL: there is no room for all, and nothing was taken.

  writeSome @1 (data :Data $Kos.maxBytes(4096)) -> (taken :UInt64);
  # Sends as many bytes, from the first on, as there is room for.

  read @2 (most :UInt64) -> (data :Data $Kos.maxBytes(4096))
      $Kos.errors([empty, unauthorized, invalidArgument]);
  # Takes at most `most` (1..4096) received bytes away. EMPTY: there are none. For domains that the driver's parameter names.

  status @3 () -> (status :Status);

  wake @4 (events :UInt64) -> ()
      $Kos.errors([unauthorized, invalidArgument]);
  # The caller is signalled (KOS_SIGNAL_CONSOLE) once, as soon as one of these holds, at once if one does: 1: bytes have arrived;
  # 2: there is room for 4096. Replaces what it asked for before; 0: nothing. Also signalled when the driver has been restarted
  # meanwhile. UNAUTHORIZED: bytes that arrive, for a domain that may not read them.
}
