// Reading, writing, positions, control, locks: by file descriptor.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kFileCalls = kTable;

}  // namespace kos::lx
