// Everything of the user-side seL4 library.
#pragma once

#include <kos/sel4/arm.h>
#include <kos/sel4/invoke.h>
#include <kos/sel4/message.h>
#include <kos/sel4/objects.h>
#include <kos/sel4/syscalls.h>
