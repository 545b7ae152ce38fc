# The display of the pump station, asked how it is.
@0xf26d90be418c57a3;

interface Display {
  progress @0 () -> (lines :UInt64, longestGapUs :UInt64);
  # Lines shown since the start, and the longest time between two of them.
}
