# Something that goes on whatever the mode is.
@0xc8f03b7de1624a95;

interface Counter {
  now @0 () -> (count :UInt64, instance :UInt32);
}
