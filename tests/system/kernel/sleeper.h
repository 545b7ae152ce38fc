// Sleeping in a test, so that threads below it run.
#pragma once

#include "support.h"

// A thread above the test that spends its own budget and signals when the next period begins.
class Sleeper {
public:
    bool create(TestContext& t, Word period_us = 20000) {
        request_ = t.make(seL4_NotificationObject);
        done_ = t.make(seL4_NotificationObject);
        bool created = t.create(
            thread_, {.priority = seL4_MaxPrio - 1, .budget = {.budget_us = period_us / 4, .period_us = period_us}});
        if (created) {
            EXPECT_OK(thread_.start([this] {
                for (;;) {
                    wait(request_);
                    yield();
                    signal(done_);
                }
            }));
        }
        return created;
    }
    // Blocks the caller for about one period.
    void sleep() {
        signal(request_);
        wait(done_);
    }

private:
    CPtr request_ = kNullCap;
    CPtr done_ = kNullCap;
    Thread thread_;
};
