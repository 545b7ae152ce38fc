# The level transmitter in the basin, as the field bus shows it.
@0xb5d0b6f0d6a1c7e1;

interface Transmitter {
  read @0 () -> (levelMm :Int32, flowMlPerS :Int32, timeMs :UInt64, stamp :UInt64);
  # What it measures now, when that was (milliseconds since power-up), and a stamp over level and time that only
  # the transmitter and the interlock can make (common/stamp.h): who passes a reading on can delay it or lose it,
  # not alter it.
}
