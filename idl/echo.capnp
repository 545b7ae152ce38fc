# Echo: for tests, examples and benchmarks of messages. Every method costs a server nothing but the message.
@0xe7b0c9a54d21f386;

using Kos = import "/kos.capnp";

interface Echo {
  null @0 () -> ();
  # Nothing there and back.

  add @1 (a :UInt32, b :UInt32) -> (sum :UInt32);
  # In registers.

  words @2 (a :UInt64, b :UInt64, c :UInt64) -> (a1 :UInt64, b1 :UInt64, c1 :UInt64);
  # All that fits into registers, returned as it came.

  data @3 (data :Data $Kos.maxBytes(4096)) -> (copy :Data $Kos.maxBytes(4096));
  # The payload, returned as it came.

  note @4 (value :UInt64) $Kos.oneWay;
  # Through the queue; `noted` tells what has arrived.

  noted @5 () -> (count :UInt64, last :UInt64);

  later @6 (value :UInt64) -> (same :UInt64) $Kos.deferred;
  # Answered after the next request that is not `later`.

  open @7 (name :Text $Kos.maxBytes(64)) -> (session :EchoSession)
      $Kos.errors([full]);
  # A session of the caller's own, as a token.

  ticket @8 () -> (ticket :EchoTicket);
  # A token for one request.

  relay @9 (to :Echo, a :UInt32, b :UInt32) -> (sum :UInt32);
  # Asks `to`, an echo that the caller has, to add.

  mine @10 (session :EchoSession $Kos.own) -> (number :UInt64)
      $Kos.errors([invalidArgument]);
  # The number of a session of this server. INVALID_ARGUMENT: it is another's.
}

interface EchoSession {
  # What the token of Echo.open is for.

  count @0 (by :UInt32) -> (total :UInt64);
  # Adds to the session's counter.

  name @1 () -> (name :Text $Kos.maxBytes(64));
  # The name that the session was opened with.

  close @2 () -> ();
  # Ends the session and revokes its token.
}

interface EchoTicket $Kos.singleUse {
  redeem @0 () -> (number :UInt64);
}
