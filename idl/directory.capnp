# The directory: introduces clients to servers by port.
@0x9be5d80c41f7a326;

using Kos = import "/kos.capnp";

interface Directory {
  # Ports go by their numbers in the manifest, which libkos finds in the domain's startup block; applications use kos/dir.h.
  # Who may bind and request what says the manifest; everything else is UNAUTHORIZED. Requests that wait are answered
  # later, so the server has CPU time of its own. Repeating a request does no harm.

  bind @0 (port :UInt64, instance :UInt64) -> ()
      $Kos.errors([unauthorized]);
  # From now on requests for `port`, which is the caller's, succeed. Undone by `unbind` and by the end of this instance
  # of the domain. Who says a wrong instance harms itself only.

  unbind @1 (port :UInt64) -> ()
      $Kos.errors([unauthorized]);

  query @2 (port :UInt64) -> ()
      $Kos.errors([unauthorized, notFound]);
  # Is `port` bound? Never waits.

  request @3 (port :UInt64, deadline :UInt64) -> (connection :Capability)
      $Kos.deferred $Kos.errors([unauthorized, notFound, timeout, full]);
  # The connection to `port`, once it is bound. `deadline` in ticks of the counter; 0: NOT_FOUND at once,
  # 2^64-1: no limit.

  subscribe @4 (port :UInt64, known :UInt64) -> (changes :UInt64, bound :Bool)
      $Kos.deferred $Kos.errors([unauthorized, full]);
  # Answered as soon as the port's count of changes is not `known`.

  domainDown @5 (domain :UInt32, instance :UInt32) $Kos.oneWay;
  # That instance of the domain has ended. From the server of the port "appman" only, and perhaps later than what the next
  # instance sends: queues keep the order of one sender, not of two.

  queueBind @6 (port :UInt32, instance :UInt32) $Kos.oneWay $Kos.label(1);
  # As `bind` and `unbind`, for those who must not wait.
  queueUnbind @7 (port :UInt32) $Kos.oneWay $Kos.label(2);
}
