/*
 * Makes text of other domains safe to show: what a terminal would obey becomes visible, what is no UTF-8 becomes hex.
 */
#ifndef KOS_SERVICES_LOG_ESCAPE_H_
#define KOS_SERVICES_LOG_ESCAPE_H_

#include <stddef.h>

namespace kos::log {

// Writes `text` to `out` (at most `out_bytes`) and returns the bytes written. Newlines at the end are left out; control
// characters (C0, DEL, C1), marks that change the direction of writing, and bytes that are no UTF-8 become \n, \r, \t
// or \xNN, a backslash two. Text that does not fit is cut between characters.
size_t escape(const char* text, size_t bytes, char* out, size_t out_bytes);

}  // namespace kos::log

#endif
