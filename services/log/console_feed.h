/*
 * Passes kept lines on to the console, as fast as it takes them. Runs on a thread of its own, so that nobody who writes
 * to the log waits for a console that is slow, hung or dead. The position is kept in the store: after a restart of the
 * log or of the console it goes on where it stopped (a line that was being written may appear again).
 */
#ifndef KOS_SERVICES_LOG_CONSOLE_FEED_H_
#define KOS_SERVICES_LOG_CONSOLE_FEED_H_

#include <stddef.h>
#include <stdint.h>

#include "../common/text.h"
#include "service.h"
#include "store.h"

namespace kos::log {

class ConsoleFeed {
public:
    // `hz`: of the counter. Lines of a level above `level` are kept but not shown.
    ConsoleFeed(Store& store, const Names& names, uint64_t hz, uint8_t level)
        : store_(store), names_(names), hz_(hz), level_(level) {}

    // Offers what is there to `write(bytes, size) -> bytes taken`, until it takes no more, nothing is left or
    // `most_lines` lines are done.
    template <typename Write>
    void run(Write write, unsigned most_lines) {
        for (unsigned lines = 0; lines < most_lines; ++lines) {
            if (pending_.size() == done_ && !next_line()) return;
            while (done_ < pending_.size()) {
                const size_t left = pending_.size() - done_;
                const size_t taken = write(pending_.data() + done_, left);
                if (taken == 0 || taken > left) return;
                done_ += taken;
            }
            store_.set_console_position(position_);
        }
    }

private:
    // Formats the next line that is to be shown. False if there is none.
    bool next_line();

    Store& store_;
    const Names& names_;
    uint64_t hz_;
    uint8_t level_;
    uint64_t position_ = 0;  // after the pending line
    service::Text<KOS_LOG_TEXT_MAX + 128> pending_;
    size_t done_ = 0;
};

}  // namespace kos::log

#endif
