#include "console_feed.h"

namespace kos::log {

bool ConsoleFeed::next_line() {
    const uint64_t from = store_.console_position();
    const uint64_t oldest = store_.oldest();
    uint64_t lost = from != 0 && from < oldest ? oldest - from : 0;
    position_ = from < oldest ? oldest : from;
    Line line;
    for (; position_ < store_.next(); ++position_) {
        if (!store_.read(position_, &line)) {
            ++lost;
            continue;
        }
        if (line.level > level_) continue;
        ++position_;
        pending_.clear();
        done_ = 0;
        if (lost != 0) pending_.add("| ").add_number(lost).add(" lines lost\r\n");
        const uint64_t us = line.ticks / hz_ * 1000000 + line.ticks % hz_ * 1000000 / hz_;
        pending_.add("| ").add_number(us / 1000000, 4, ' ').add('.').add_number(us % 1000000, 6).add(" | ");
        pending_.add(names_[line.domain]);
        if (line.instance != 0) pending_.add('#').add_number(line.instance);
        pending_.add(" | ");
        if (line.level == KOS_LOG_ERROR) pending_.add("error: ");
        if (line.level == KOS_LOG_WARNING) pending_.add("warning: ");
        if (line.level == KOS_LOG_DEBUG) pending_.add("debug: ");
        pending_.add(line.text, line.bytes).add("\r\n");
        return true;
    }
    store_.set_console_position(position_);
    return false;
}

}  // namespace kos::log
