# The log: lines with a level from every domain, kept in a ring that survives the writer.
@0xc2f1a0d37b5e4961;

using Kos = import "/kos.capnp";

interface Log {
  # The origin of a line is the caller, as the kernel says it. Applications use kos/log.h.

  enum Level {
    none @0;
    # Not the level of a line.
    error @1;
    # Something does not work; somebody has to look.
    warning @2;
    # Works, but not as it should.
    info @3;
    debug @4;
  }

  write @0 (level :Level, text :Text $Kos.maxBytes(240) $Kos.raw) -> ()
      $Kos.errors([full, invalidArgument]);
  # Appends a line. What is no printable UTF-8 in it is kept escaped. FULL: this domain writes more than its rate.

  read @1 (sequence :UInt64) -> (next :UInt64, lost :UInt64, lines :UInt64, records :Data $Kos.maxBytes(4096))
      $Kos.errors([empty, unauthorized]);
  # Lines from number `sequence` on, as many as fit: `lines` records of kos_log_line_t (kos/ports.h), each followed by its text.
  # `next` is the number to go on with; `lost` counts lines from `sequence` on that the ring no longer has.

  status @2 () -> (next :UInt64, kept :UInt64, suppressed :UInt64);
  # Number of the next line, lines in the ring, lines refused for their rate since the log started.

  queueError @3 (text :Text $Kos.maxBytes(48) $Kos.raw) $Kos.oneWay $Kos.label(0x101);
  # As `write`, for those who must not wait.
  queueWarning @4 (text :Text $Kos.maxBytes(48) $Kos.raw) $Kos.oneWay $Kos.label(0x201);
  queueInfo @5 (text :Text $Kos.maxBytes(48) $Kos.raw) $Kos.oneWay $Kos.label(0x301);
  queueDebug @6 (text :Text $Kos.maxBytes(48) $Kos.raw) $Kos.oneWay $Kos.label(0x401);
}
