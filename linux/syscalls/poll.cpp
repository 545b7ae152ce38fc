// Waiting for several files: epoll, poll, select.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kPollCalls = kTable;

}  // namespace kos::lx
