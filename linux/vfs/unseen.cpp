// Lists of results that may be taken back: seldom more than one.
#include "vfs/unseen.h"

#include <algorithm>

namespace kos::lx {

void UnseenResult::open(ResultSource& source) {
    close();
    parts_.clear();
    source_ = &source;
    previous_ = nullptr;
    next_ = source.first_;
    if (next_) next_->previous_ = this;
    source.first_ = this;
}

void UnseenResult::close() {
    if (!source_) return;
    (previous_ ? previous_->next_ : source_->first_) = next_;
    if (next_) next_->previous_ = previous_;
    source_ = nullptr;
    next_ = previous_ = nullptr;
}

// One that has been seen is no concern any more, either.
void ResultSource::take_back_all(uintptr_t about) {
    for (UnseenResult *result = first_, *next = nullptr; result; result = next) {
        next = result->next_;
        const auto& parts = result->parts_;
        auto const is_about = [&](const UnseenResult::Part& part) { return part.about == about; };
        if (!std::any_of(parts.begin(), parts.end(), is_about)) continue;
        result->close();
        if (result->take_back()) undo(parts, about);
    }
}

ResultSource::~ResultSource() {
    while (first_) first_->close();
}

}  // namespace kos::lx
