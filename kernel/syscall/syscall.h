// System call entry; on_syscall is declared in core/entry.h for the architecture.
#pragma once

#include "core/entry.h"
