# The supervisor: which domains run, and in which mode the system is.
@0xcc4e2170b95fa8d3;

using Kos = import "/kos.capnp";

interface Appman {
  # Who may do what says the manifest; everything else is UNAUTHORIZED.

  enum State {
    stopped @0;
    # Not wanted.
    waiting @1;
    # For what it depends on, or for its back-off.
    starting @2;
    ready @3;
    stopping @4;
    done @5;
    # Has ended by itself and is not restarted.
  }

  enum Reason {
    # Why a domain has ended; the same numbers as kos_exit_reason.
    none @0;
    done @1;
    error @2;
    assertion @3;
    faultMemory @4;
    faultCapability @5;
    faultInstruction @6;
    faultSyscall @7;
    hung @8;
    killed @9;
    image @10;
    memory @11;
  }

  struct Domain {
    name @0 :Text $Kos.fixedBytes(32);
    domain @1 :UInt16;
    state @2 :State;
    lastReason @3 :Reason;
    instance @4 :UInt32;
    # How often it has been started before.
    restarts @5 :UInt32;
    # By appman, since the system was started.
    reserved @6 :UInt32;
    # 0
  }

  list @0 (first :UInt64) -> (next :UInt64, entries :List(Domain) $Kos.maxCount(85))
      $Kos.errors([unauthorized]);
  # Domains from number `first` of the list on. `next`: where to go on, 0 at the end.

  status @1 (name :Text $Kos.maxBytes(31)) -> (entry :Domain)
      $Kos.errors([unauthorized, notFound]);

  start @2 (name :Text $Kos.maxBytes(31)) -> ()
      $Kos.errors([unauthorized, notFound, conflict]);
  # Wanted from now on. CONFLICT: not part of this mode.

  stop @3 (name :Text $Kos.maxBytes(31)) -> ()
      $Kos.errors([unauthorized, notFound]);
  # Will be asked to stop, then killed if it does not, and stays down.

  restart @4 (name :Text $Kos.maxBytes(31)) -> ()
      $Kos.errors([unauthorized, notFound]);

  mode @5 (name :Text $Kos.maxBytes(31)) -> (number :UInt64)
      $Kos.errors([unauthorized, notFound]);
  # Switches the system to a mode of the manifest; an empty name only asks. `number`: of the mode that it is in, or goes to.

  struct Accounts {
    # Root's books, in bytes unless said otherwise.
    untypedBytes @0 :UInt64;
    # Free.
    domainBytes @1 :UInt64;
    # Of domains.
    slots @2 :UInt64;
    # Capability slots of root in use.
    loans @3 :UInt64;
    # CPU time that root has lent and not got back, in numbers.
  }

  accounts @6 () -> (accounts :Accounts)
      $Kos.errors([unauthorized]);
  # For who may list.

  watch @7 (since :UInt64) -> (next :UInt64, entries :List(Domain) $Kos.maxCount(85))
      $Kos.errors([unauthorized]);
  # The domains of which anything has changed since the answer whose `next` this `since` is; with 0, or a number of an appman that
  # has been restarted, all of those that the caller may see (list, or status of that domain). At the next change after this
  # answer the caller's domain gets the signal KOS_SIGNAL_DOMAINS, once: then it asks again. Several changes of a domain between
  # two answers are one entry; its instance and restarts tell how many there were. An appman that has been restarted signals all.
}
