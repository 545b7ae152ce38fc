# Lines of a GPIO controller.
@0xb7d10a63f48c29e5;

using Kos = import "/kos.capnp";

interface Gpio {
  # Each line belongs to at most one client, which the driver's parameters name; for all others it is UNAUTHORIZED.

  enum Edges {
    none @0;
    rising @1;
    falling @2;
    both @3;
  }

  lines @0 () -> (lines :UInt8);
  # The caller's lines: bit n is line n.

  setDirection @1 (line :UInt8, output :Bool, level :Bool) -> ()
      $Kos.errors([unauthorized]);
  # Makes a line an output that has `level` from the first moment, or an input (`level` false).

  read @2 (line :UInt8) -> (level :Bool)
      $Kos.errors([unauthorized]);

  write @3 (line :UInt8, level :Bool) -> ()
      $Kos.errors([unauthorized, conflict]);
  # CONFLICT: the line is an input, for instance because the driver was restarted.

  subscribe @4 (line :UInt8, edges :Edges) -> ()
      $Kos.errors([unauthorized]);
  # Which edges of a line count from now on; earlier ones are forgotten. A wait of the same client ends with CONFLICT.

  events @5 () -> (lines :UInt8, levels :UInt8)
      $Kos.errors([empty]);
  # Lines with an edge since the caller was last told, and the levels of all its lines now, as bits. Edges of one line that
  # come before the caller is told are one event; none is lost.

  wait @6 () -> (lines :UInt8, levels :UInt8)
      $Kos.deferred $Kos.errors([full, conflict]);
  # As `events`, but waits for one. CONFLICT: another wait of the same client has taken its place.
}
