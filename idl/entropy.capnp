# Random bytes for keys and nonces.
@0xf05c8e9a7b34d162;

using Kos = import "/kos.capnp";

interface Entropy {
  get @0 (bytes :UInt64) -> (data :Data $Kos.maxBytes(4096))
      $Kos.errors([unavailable, invalidArgument]);
  # `bytes` (1..4096) random bytes. UNAVAILABLE before the first seed.

  status @1 () -> (seeded :UInt64, reseeded :UInt64, sources :UInt64);
  # 1 if it has a seed, how often it was seeded again, and bits of the sources: 1 root, 2 device.
}
