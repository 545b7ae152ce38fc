# A disk: numbered sectors of 512 bytes.
@0x8d2b6f4071e9c5a3;

using Kos = import "/kos.capnp";

interface Block {
  # Requests are answered when the device has finished, in any order. A request that was answered PEER_GONE may have been
  # carried out; all of them may be repeated.

  geometry @0 () -> (sectors :UInt64, blockBytes :UInt32, requestBytes :UInt32, readOnly :Bool)
      $Kos.errors([unavailable]);
  # Sectors of 512 bytes. Requests are multiples of `blockBytes`, start at one, and have at most `requestBytes`.

  read @1 (sector :UInt64, bytes :UInt64) -> (data :Data $Kos.maxBytes(4096))
      $Kos.deferred $Kos.errors([invalidArgument, full, unavailable, internalError]);

  write @2 (sector :UInt64, data :Data $Kos.maxBytes(4096)) -> ()
      $Kos.deferred $Kos.errors([invalidArgument, unauthorized, full, unavailable, internalError]);
  # Durable after the next `flush`. UNAUTHORIZED: the device is read-only.

  flush @3 () -> ()
      $Kos.deferred $Kos.errors([full, unavailable, internalError]);
  # All writes that were answered before the request are durable when it is answered.
}
