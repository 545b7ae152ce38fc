#include "emit.h"
namespace kos::idl {
std::string emit_trace(const Schema&) { return ""; }
}  // namespace kos::idl
