# A device that makes random bytes. Applications use the port "entropy" instead.
@0xa45b19e60cd8f327;

using Kos = import "/kos.capnp";

interface Rng {
  read @0 (most :UInt64) -> (data :Data $Kos.maxBytes(1024))
      $Kos.errors([invalidArgument, empty, unavailable]);
  # 1 to `most` (1..1024) bytes. EMPTY: none are ready, try later.
}
