// Memory: mmap(2) and relatives.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kMemoryCalls = kTable;

}  // namespace kos::lx
