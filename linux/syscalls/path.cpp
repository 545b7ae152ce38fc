// Calls that take paths.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kPathCalls = kTable;

}  // namespace kos::lx
