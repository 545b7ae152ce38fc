# A book that others enter amounts into.
@0xb5f1f3a8cf0d6b11;

using Kos = import "/kos.capnp";

interface Ledger {
  enter @0 (amount :UInt64, note :Text $Kos.maxBytes(32)) -> (total :UInt64)
      $Kos.errors([invalidArgument]);
  # Adds and tells the sum. INVALID_ARGUMENT: nothing to add.
}
