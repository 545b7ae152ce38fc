# Pins of a GPIO controller.
@0xb7d10a63f48c29e5;

using Kos = import "/kos.capnp";

interface Gpio {
  # Which pins a domain may use says a parameter of the driver; other pins are UNAUTHORIZED. A pin belongs to the first
  # domain that sets its direction, until it releases it or ends: CONFLICT for the others, who may still read it.

  enum Direction {
    input @0;
    output @1;
  }

  enum Edge {
    none @0;
    rising @1;
    falling @2;
    both @3;
  }

  struct Event {
    ticks @0 :UInt64;
    # The counter, when the interrupt was served.
    pin @1 :UInt8;
    level @2 :Bool;
    # The pin's level then.
    lost @3 :UInt32;
    # Events of this subscription that were lost before this one, because nobody had taken them.
  }

  setDirection @0 (pin :UInt8, direction :Direction, level :Bool) -> ()
      $Kos.errors([invalidArgument, unauthorized, conflict]);
  # `level`: what an output starts with; false for an input.

  read @1 (pin :UInt8) -> (level :Bool)
      $Kos.errors([invalidArgument, unauthorized]);

  write @2 (pin :UInt8, level :Bool) -> ()
      $Kos.errors([invalidArgument, unauthorized, conflict]);
  # CONFLICT: not an output of the caller's.

  release @3 (pin :UInt8) -> ()
      $Kos.errors([invalidArgument, unauthorized, conflict]);
  # Input without edges again, and free for others.

  subscribe @4 (pin :UInt8, edge :Edge) -> ()
      $Kos.errors([invalidArgument, unauthorized, full]);
  # From now on edges of the pin are kept for the caller's `nextEvents`; `none` ends that.

  nextEvents @5 () -> (events :List(Event) $Kos.maxCount(64))
      $Kos.deferred $Kos.errors([full, notFound]);
  # Waits until there is an event of one of the caller's subscriptions, then takes all there are. NOT_FOUND: no subscription.

  takeEvents @6 () -> (events :List(Event) $Kos.maxCount(64))
      $Kos.errors([empty, notFound]);
  # As `nextEvents`, but does not wait.
}
