# Every type that a message can have, in every place. For the tests of the generator.
@0xa1c3e5f708192b3d;

using Kos = import "/kos.capnp";
using Shapes = import "shapes.capnp";

interface Everything {
  enum Color {
    red @0;
    green @1;
    blue @2;
  }

  enum Only {
    one @0;
  }

  struct Inner {
    flag @0 :Bool;
    number @1 :UInt32;
    color @2 :Color;
  }

  struct Mixed {
    name @0 :Text $Kos.fixedBytes(9);
    inner @1 :Inner;
    hash @2 :Data $Kos.fixedBytes(5);
    wide @3 :Float64;
    small @4 :Int8;
  }

  scalars @0 (b :Bool, u8 :UInt8, u16 :UInt16, u32 :UInt32, u64 :UInt64, color :Color)
      -> (i8 :Int8, i16 :Int16, i32 :Int32, i64 :Int64, only :Only);
  # Fill the registers in part.

  floats @1 (f32 :Float32, f64 :Float64) -> (wide :Float64, again :Float32);

  full @2 (a :UInt64, b :UInt64, c :UInt64) -> (d :Int64, e :Int64, f :Int64);
  # Every bit of the registers.

  one @3 (a :Bool) -> (b :Bool);
  # One bit.

  wide @4 (a :UInt64, b :UInt64, c :UInt64, d :Bool) -> (e :UInt64, f :UInt64, g :UInt64, h :Color);
  # One byte more than the registers hold.

  inRegisters @5 (inner :Inner, tag :Data $Kos.fixedBytes(3), name :Text $Kos.fixedBytes(8))
      -> (outer :Inner, label :Text $Kos.fixedBytes(8), mark :Data $Kos.fixedBytes(2));
  # Structs and arrays in registers.

  inPayload @6 (mixed :Mixed, flag :Bool) -> (other :Mixed, color :Color);

  text @7 (text :Text $Kos.maxBytes(4096)) -> (back :Text $Kos.maxBytes(1));

  textBehindRegisters @8 (n :UInt32, text :Text $Kos.maxBytes(100)) -> (data :Data $Kos.maxBytes(100), m :UInt16);

  textBehindPayload @9 (mixed :Mixed, text :Text $Kos.maxBytes(100)) -> (data :Data $Kos.maxBytes(7), other :Mixed);

  lists @10 (numbers :List(UInt64) $Kos.maxCount(512)) -> (bytes :List(UInt8) $Kos.maxCount(4096));

  listsOfChecked @11 (flags :List(Bool) $Kos.maxCount(9)) -> (colors :List(Color) $Kos.maxCount(9));

  listsOfStructs @12 (inners :List(Inner) $Kos.maxCount(10)) -> (mixeds :List(Mixed) $Kos.maxCount(10));

  listBehindPayload @13 (mixed :Mixed, odd :UInt8, numbers :List(UInt64) $Kos.maxCount(3))
      -> (also :Mixed, more :UInt8, floats :List(Float32) $Kos.maxCount(3));
  # A gap before the list.

  tokens @14 (other :Everything) -> (any :Capability);

  maybeTokens @15 (other :Capability $Kos.optional, n :UInt64) -> (same :Everything $Kos.optional, text :Text $Kos.maxBytes(5));

  nothing @16 () -> ();

  away @17 (mixed :Inner, text :Text $Kos.maxBytes(20)) $Kos.oneWay;

  awayNothing @18 () $Kos.oneWay;

  awayList @19 (n :UInt8, numbers :List(UInt16) $Kos.maxCount(4)) $Kos.oneWay $Kos.label(1);
  # A label that a call has as well.

  later @20 (n :UInt64) -> (mixed :Mixed, text :Text $Kos.maxBytes(30)) $Kos.deferred;

  laterNothing @21 () -> () $Kos.deferred;

  imported @22 (shape :Shapes.Shape, kind :Shapes.Kind) -> (shapes :List(Shapes.Shape) $Kos.maxCount(2), area :Shapes.Area);

  marked @23 (a :UInt8) -> () $Kos.label(0xffef) $Kos.errors([notFound, timeout]);

  own @25 (n :UInt8, session :Everything $Kos.own) -> (same :UInt8);
  # A token that may be one of the server's.

  maybeOwn @26 (any :Capability $Kos.own $Kos.optional) -> ();

  allValues @24 (w :Shapes.Whole) -> (ws :List(Shapes.Whole) $Kos.maxCount(3));
}

interface Empty {
}

interface Once $Kos.singleUse {
  go @0 () -> ();
}
