@0xa8e0c1f2b3d49576;  # of `capnp id`
using Kos = import "/kos.capnp";
interface Counter {
  add @0 (by :UInt32) -> (total :UInt64);
  # Adds and tells the sum.
}
