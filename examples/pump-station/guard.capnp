# Signs of life of the BEAMs. Each has a port of its own to the guard, so that none speaks for the other.
@0xb1f5c07a3d9e6248;

interface Guard {
  alive @0 ();
  # To be called more often than every 15 seconds; who does not is restarted.
}
