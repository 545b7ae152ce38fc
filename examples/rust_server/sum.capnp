# What the server in Rust does.
@0xd5a1c07be2934f68;

using Kos = import "/kos.capnp";

interface Sum {
  add @0 (by :UInt64) -> (total :UInt64)
      $Kos.errors([invalidArgument]);
  # Adds and tells the sum. INVALID_ARGUMENT if it does not fit into 64 bits.
}
