# The log: lines with a level from every domain, kept in a ring that survives the writer.
@0xc2f1a0d37b5e4961;

using Kos = import "/kos.capnp";

interface Log {
  # The origin of a line is the caller, as the kernel says it.

  enum Level {
    error @0;
    # Something does not work; somebody has to look.
    warning @1;
    # Works, but not as it should.
    info @2;
    debug @3;
  }

  struct Position {
    # Of the ring: what a reader wants next.
    sequence @0 :UInt64;
  }

  write @0 (level :Level, text :Text $Kos.maxBytes(240)) -> ()
      $Kos.errors([full]);
  # Appends a line. FULL: this domain writes more than its rate.

  read @1 (sequence :UInt64) -> (next :UInt64, lost :UInt64, records :Data $Kos.maxBytes(4096))
      $Kos.errors([empty, unauthorized]);
  # Lines from number `sequence` on, as many as fit, each as described in libkos's log record (header, then text).
  # `next` is the number to ask for next; `lost` counts lines from `sequence` on that the ring no longer has.

  status @2 () -> (first :UInt64, next :UInt64, dropped :UInt64);
  # Numbers of the oldest and the next line; lines refused for their rate since the log started.
}
