// The system as a whole: uname(2), sysinfo(2), getrandom(2) and the like.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kSystemCalls = kTable;

}  // namespace kos::lx
