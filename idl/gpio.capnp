# Lines of a GPIO controller.
@0xb7d10a63f48c29e5;

using Kos = import "/kos.capnp";

interface Gpio {
  # Each line belongs to the domain that a parameter of the driver names; for the others it is UNAUTHORIZED.

  enum Edges {
    none @0;
    rising @1;
    falling @2;
    both @3;
  }

  lines @0 () -> (lines :UInt8);
  # The caller's lines, as bits.

  setDirection @1 (line :UInt8, output :Bool, level :Bool) -> ()
      $Kos.errors([unauthorized]);
  # `level`: what an output starts with; false for an input.

  read @2 (line :UInt8) -> (level :Bool)
      $Kos.errors([unauthorized]);

  write @3 (line :UInt8, level :Bool) -> ()
      $Kos.errors([unauthorized, conflict]);
  # CONFLICT: the line is an input.

  subscribe @4 (line :UInt8, edges :Edges) -> ()
      $Kos.errors([unauthorized]);
  # From now on such edges of the line are events of the caller's; `none` ends that. Earlier ones are forgotten.

  events @5 () -> (changed :UInt8, levels :UInt8)
      $Kos.errors([empty]);
  # Lines with an edge since they were last told, and the levels of the caller's lines now, as bits. EMPTY: no edge.

  wait @6 () -> (changed :UInt8, levels :UInt8)
      $Kos.deferred $Kos.errors([full, conflict]);
  # As `events`, answered when there are some. A later `wait` or `subscribe` of the same domain ends it with CONFLICT.
}
