// Files without a name: pipes, eventfd, timerfd, signalfd, inotify, memfd.
#include "syscalls/families.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{};

}  // namespace

const std::span<const SystemCall> kEventCalls = kTable;

}  // namespace kos::lx
