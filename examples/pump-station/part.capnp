# What the station may ask each native part of the plant: how much memory it has, and to go wrong.
@0xc83f5e9d217ab460;

using Kos = import "/kos.capnp";

interface Part {
  enum How {
    crash @0;
    # Writes to an address that is not mapped.
    hang @1;
    # Does nothing any more, for ever.
    compromise @2;
    # Its code turns against the others (common/hostile.h).
  }

  memory @0 () -> (quotaBytes :UInt64, usedBytes :UInt64);

  trial @1 (how :How) -> ()
      $Kos.errors([unavailable]);
  # Goes wrong soon after this is answered. UNAVAILABLE: the manifest's parameter `trials` is 0, as on a device in the field.
}
