#include "emit.h"
namespace kos::idl {
std::string emit_markdown(const Schema&) { return ""; }
}  // namespace kos::idl
