// The list of all operations, and choosing one.
#include "operations.h"

namespace fuzz {

void Operations::build() {
    add(memory_operations());
    add(thread_operations());
    add(platform_operations());
}

void Operations::add(const OperationTable& table) {
    for (Word i = 0; i < table.count && count_ < kMaxOperations; ++i) {
        entries_[count_++] = &table.entries[i];
        weight_ += table.entries[i].weight;
        worker_weight_ += table.entries[i].by_workers ? table.entries[i].weight : 0;
    }
}

Word Operations::choose(Random& random, bool for_worker) const {
    Word at = random.below(for_worker ? worker_weight_ : weight_);
    for (Word i = 0; i < count_; ++i) {
        Word weight = for_worker && !entries_[i]->by_workers ? 0 : entries_[i]->weight;
        if (at < weight) {
            return i;
        }
        at -= weight;
    }
    return 0;
}

}  // namespace fuzz
