#include "emit.h"
namespace kos::idl {
std::string emit_probe(const Schema&) { return ""; }
}  // namespace kos::idl
