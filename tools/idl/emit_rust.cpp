#include "emit.h"
namespace kos::idl {
std::string emit_rust(const Schema&) { return ""; }
}  // namespace kos::idl
