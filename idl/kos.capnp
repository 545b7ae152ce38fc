# Annotations of KOS interfaces: what Cap'n Proto's language does not say by itself. Their meaning is in README.md.
@0xb1a9c6f2d3e84750;

annotation label(method) :UInt16;
# Label of the method's requests, 1..0xffef. Without it: the ordinal plus 1.

annotation oneWay(method) :Void;
# Travels through the connection's queue; no results, at most 48 bytes, no token.

annotation deferred(method) :Void;
# The server may answer later. It needs CPU time of its own (passive = false in the manifest).

annotation errors(method) :List(Status);
# What the method answers beside OK and what every call can end with. Documentation.

annotation singleUse(interface) :Void;
# Tokens made for this interface take one request.

annotation maxBytes(field, param) :UInt16;
# Text or Data of variable length: at most so many bytes.

annotation maxCount(field, param) :UInt16;
# List: at most so many elements.

annotation fixedBytes(field, param) :UInt16;
# Data of exactly so many bytes, or Text in a field of so many bytes: shorter by at least one, filled up with zeros.

annotation raw(param) :Void;
# Text of variable length that the server takes although it may be no UTF-8, and have zero bytes.

annotation optional(field, param) :Void;
# The token may be missing.

annotation own(param) :Void;
# The token may be one that the server itself has made, for any of its ports; the server is told which. Without it such a
# request is refused.

annotation doc(field, param, enumerant) :Text;
# Documentation of a parameter, where the language has no place for a comment.

enum Status {
  # Statuses of libkos/include/kos/status.h that a method may name.
  badRequest @0;
  invalidArgument @1;
  unauthorized @2;
  notFound @3;
  conflict @4;
  invalidToken @5;
  atTokenLimit @6;
  full @7;
  empty @8;
  notEnoughMemory @9;
  timeout @10;
  internalError @11;
  unavailable @12;
  notImplemented @13;
}
