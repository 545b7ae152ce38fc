// The ABI's compile-time checks as C++; see layout_check.inc.
#define CHECK(condition) static_assert(condition, #condition)
#include "layout_check.inc"
