// Parameters of a run: /chosen/bootargs of the device tree, words of the form key=value or key, split at blanks.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kos::roottask {

// The whole text; empty without a device tree or without the property.
const char* bootargs();

// Copies the value of `key` into `out`; false (and `out` empty) if absent. A bare key has the value "".
bool bootargs_text(const char* key, char* out, size_t capacity_bytes);

// Decimal or 0x hexadecimal number; `fallback` if absent or not a number.
uint64_t bootargs_number(const char* key, uint64_t fallback);

// Reads the string property `property` of the node `/node` from a flattened device tree into `out`. Bounds-checked:
// a damaged tree gives false. Public for tests.
bool device_tree_string(const void* tree, size_t tree_bytes, const char* node, const char* property, char* out,
                        size_t capacity_bytes);

}  // namespace kos::roottask
