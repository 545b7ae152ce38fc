// Standard output and error of a native program: lines for the log. Inside libkos/src/libc only.
#pragma once

#include <kos/log.h>
#include <kos/sync.h>

#include <stddef.h>

// The type that <stdio.h> calls FILE. There are two, and nothing opens more.
struct _IO_FILE {
    kos_mutex_t lock;
    kos_log_level level;
    bool failed;     // ferror()
    bool no_buffer;  // setvbuf(_IONBF): each write becomes a line of its own
    size_t used;
    char line[240];  // as much as one entry of the log holds
};

namespace kos::libc {

void flush_all();

}  // namespace kos::libc
