// Sockets: arguments and addresses of the socket calls.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kSocketCalls = kTable;

}  // namespace kos::lx
