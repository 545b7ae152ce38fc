// Cache maintenance by address (Arm ARM D4.4).
#pragma once

#include "core/types.h"

namespace keel {

enum class CacheOperation : uint8_t {
    kClean,       // to the point of coherency: visible to devices and uncached mappings
    kInvalidate,  // drops lines; the ends that share a line with other data are cleaned too
    kCleanInvalidate,
    kUnify,  // clean to the point of unification, then invalidate the instruction cache
};

// From CTR_EL0 and DCZID_EL0.
Word data_line_size();
Word instruction_line_size();
Word zero_block_size();

// Carries the operation out on [start, start + size) and waits for it. The addresses are valid for EL1 at the moment.
void cache_range(CacheOperation operation, Word start, Word size);

}  // namespace keel
