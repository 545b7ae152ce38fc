# What the router (netrouter) says about itself: addresses, links, rules, and what it refused. Read only.
@0xb7c04f1de8a29365;

using Kos = import "/kos.capnp";

interface Net {
  # Port "net_status". Whoever the manifest connects may ask; nothing can be changed here. Addresses are 16 bytes, IPv4 in the
  # mapped form ::ffff:a.b.c.d; all zero: none.

  enum UplinkState {
    down @0;
    # No driver, or no signal on the wire.
    waiting @1;
    # For an address.
    up @2;
  }

  struct Uplink {
    mac @0 :Data $Kos.fixedBytes(6);
    state @1 :UplinkState;
    prefix4 @2 :UInt8;
    # Bits of the network, of 32.
    address4 @3 :Data $Kos.fixedBytes(16);
    gateway4 @4 :Data $Kos.fixedBytes(16);
    address6 @5 :Data $Kos.fixedBytes(16);
    gateway6 @6 :Data $Kos.fixedBytes(16);
    dns @7 :Data $Kos.fixedBytes(16);
    # The first name server.
    leaseSeconds @8 :UInt32;
    # Of the IPv4 address by DHCP that are left; 0: it has none, or is fixed.
    connections @9 :UInt32;
    # Now, of all links.
    packetsIn @10 :UInt64;
    bytesIn @11 :UInt64;
    packetsOut @12 :UInt64;
    bytesOut @13 :UInt64;
    denials @14 :UInt64;
    # Of packets from the wire.
    timeSetAt @15 :UInt64;
    # Microseconds since boot when the wall clock was last set by NTP; 0: never.
  }

  uplink @0 () -> (uplink :Uplink);

  struct Link {
    name @0 :Text $Kos.fixedBytes(32);
    # Of the domain.
    address4 @1 :Data $Kos.fixedBytes(16);
    address6 @2 :Data $Kos.fixedBytes(16);
    domain @3 :UInt32;
    connections @4 :UInt32;
    packetsIn @5 :UInt64;
    # From the domain ...
    bytesIn @6 :UInt64;
    packetsOut @7 :UInt64;
    # ... and to it.
    bytesOut @8 :UInt64;
    denials @9 :UInt64;
    # Of packets from the domain.
    names @10 :UInt64;
    # Looked up for it.
    evicted @11 :UInt64;
    # Connections that were ended to make room for others of this link.
    full @12 :UInt64;
    # Packets for the domain that were dropped because it did not take those that were there.
  }

  links @1 (first :UInt64) -> (next :UInt64, entries :List(Link) $Kos.maxCount(26));
  # Links from number `first` on. `next`: where to go on, 0 at the end.

  struct Rule {
    link @0 :UInt16;
    # Number of the link in `links`.
    isInbound @1 :UInt16;
    # 0: allow, 1: listen.
    rate @2 :UInt32;
    # Packets per second, 0: no limit.
    connections @3 :UInt64;
    packets @4 :UInt64;
    # In the rule's direction, let through.
    bytes @5 :UInt64;
    denied @6 :UInt64;
    # Above the rate.
  }

  rules @2 (first :UInt64) -> (next :UInt64, entries :List(Rule) $Kos.maxCount(100));
  # In the order of the manifest.

  enum Reason {
    # Why a packet went nowhere. netrouter's event.h says more.
    none @0;
    malformed @1;
    option @2;
    spoofed @3;
    neighbour @4;
    destination @5;
    protocol @6;
    rule @7;
    listen @8;
    name @9;
    rate @10;
    noConnection @11;
    table @12;
    fragments @13;
    tooBig @14;
    expired @15;
    unreachable @16;
    full @17;
    ignored @18;
  }

  struct Denial {
    sequence @0 :UInt64;
    timeUs @1 :UInt64;
    # Since boot.
    source @2 :Data $Kos.fixedBytes(16);
    destination @3 :Data $Kos.fixedBytes(16);
    name @4 :Text $Kos.fixedBytes(64);
    # Of `Reason.name`: what was to be looked up, cut off at 63 bytes.
    sourcePort @5 :UInt16;
    destinationPort @6 :UInt16;
    domain @7 :UInt8;
    # 0: none could be told.
    protocol @8 :UInt8;
    # IANA's number.
    reason @9 :Reason;
    isInbound @10 :UInt8;
    # 1: from the wire.
  }

  denials @3 (sequence :UInt64) -> (next :UInt64, lost :UInt64, entries :List(Denial) $Kos.maxCount(30));
  # Refused packets from number `sequence` on, the oldest first; the last 256 are kept. `next` is the number to go on with;
  # `lost` counts those from `sequence` on that are no longer there.

  counters @4 (link :UInt64) -> (refused :List(UInt64) $Kos.maxCount(19))
      $Kos.errors([notFound]);
  # How many packets were refused, by Reason: of the wire (0) or of link `link` - 1.
}
