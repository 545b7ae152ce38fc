# Random bytes of a device, for the entropy service, which is the one to ask for anything that must be secret.
@0xc95b1e07d4a3f682;

using Kos = import "/kos.capnp";

interface Rng {
  read @0 (most :UInt64) -> (data :Data $Kos.maxBytes(1024))
      $Kos.errors([invalidArgument, empty, unavailable]);
  # 1 to `most` (at most 1024) bytes, each handed out once. EMPTY: none are ready, try later.
}
