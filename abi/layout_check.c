/* The ABI's compile-time checks as C11; see layout_check.inc. */
#define CHECK(condition) _Static_assert(condition, #condition)
#include "layout_check.inc"
