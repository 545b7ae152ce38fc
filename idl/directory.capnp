# The directory: introduces clients to servers by port. Libkos speaks it for applications (kos/dir.h).
@0x9be5d80c41f7a326;

using Kos = import "/kos.capnp";

interface Directory {
  # Ports go by their numbers in the manifest, which libkos finds in the domain's startup block. Who may bind and request
  # what says the manifest; everything else is UNAUTHORIZED. Requests that wait are answered later, so the server has CPU
  # time of its own. Repeating a request does no harm.

  bind @0 (port :UInt64) -> ()
      $Kos.errors([unauthorized]);
  # From now on requests for `port`, which is the caller's, succeed. Undone by `unbind` and by the end of the domain.

  unbind @1 (port :UInt64) -> ()
      $Kos.errors([unauthorized]);

  query @2 (port :UInt64) -> ()
      $Kos.errors([unauthorized, notFound]);
  # Is `port` bound? Never waits.

  request @3 (port :UInt64, deadline :UInt64) -> (connection :Capability)
      $Kos.deferred $Kos.errors([unauthorized, notFound, timeout, full]);
  # The connection to `port`, once it is bound. `deadline` in ticks of the counter; 0: NOT_FOUND at once,
  # 2^64-1: no limit.
}
