// Instead of the C++ library's header for glibc's locales, which musl does not have and nobody here uses.
#pragma once

#include <clocale>

#define _GLIBCXX_NUM_CATEGORIES 0

namespace std {
typedef int* __c_locale;
}
