// The locks inside the C library, for who stops threads (thread.cpp) and who ends the program (stdlib.cpp).
#pragma once

#include <kos/sync.h>

namespace kos::libc {

extern kos_mutex_t heap_lock;  // malloc.cpp

// Unfinished lines go to the log.
void flush_all();

// Whether thread `number` holds the heap or an output.
bool is_inside(unsigned number);

// Keeps every other thread out of the heap and the outputs; waits for those that are inside.
void lock_all();
void unlock_all();

}  // namespace kos::libc
