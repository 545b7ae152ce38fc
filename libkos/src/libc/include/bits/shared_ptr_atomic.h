// Instead of the C++ library's header for atomic operations on shared_ptr, which <memory> includes: it waits by glibc's
// futexes and condition variables, which native programs do not have.
#pragma once

// Which it would have brought, and <memory> relies on.
#include <initializer_list>
