// Calls of the secure monitor, for the host: the fake machine answers (arch/host/fake_machine.h).
#pragma once

#include "core/types.h"

namespace keel {

constexpr unsigned kMonitorWords = 8;

void call_monitor(Word (&words)[kMonitorWords]);

}  // namespace keel
