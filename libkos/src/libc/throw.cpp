// What the checked functions of C++'s headers call instead of throwing: without exceptions such a mistake ends the
// domain.
#include <kos/app.h>

namespace std {

[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { kos_stop("C++ library: index out of range"); }
[[noreturn]] void __throw_out_of_range(const char*) { kos_stop("C++ library: index out of range"); }
[[noreturn]] void __throw_length_error(const char*) { kos_stop("C++ library: too long"); }
[[noreturn]] void __throw_logic_error(const char*) { kos_stop("C++ library: argument not allowed"); }
[[noreturn]] void __throw_bad_function_call() { kos_stop("C++ library: call of an empty function"); }

[[noreturn]] void __throw_bad_alloc() { kos_stop("C++ library: no memory"); }
[[noreturn]] void __throw_bad_array_new_length() { kos_stop("C++ library: array too long"); }

}  // namespace std
