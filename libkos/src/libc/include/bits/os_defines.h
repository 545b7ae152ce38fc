// Replaces the header of this name in the compiler's C++ library, which asks for glibc's version: the C library here is
// musl, and the library's defaults are right for it.
#pragma once
