// What stdlib.cpp needs of standard output: at the end of the program, unfinished lines go to the log.
#pragma once

namespace kos::libc {

void flush_all();

}  // namespace kos::libc
