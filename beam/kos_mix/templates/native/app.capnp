# What <%= @name %> does for others. Bindings in C, C++, Rust and Elixir are made from this file (idl/README.md of KOS).
@<%= @id %>;

using Kos = import "/kos.capnp";

interface <%= @module %> {
  add @0 (by :UInt64) -> (total :UInt64)
      $Kos.errors([invalidArgument]);
  # Adds to the sum and tells it. INVALID_ARGUMENT if it does not fit into 64 bits.
}
