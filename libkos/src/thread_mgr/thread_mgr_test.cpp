// The thread manager against a fake root: which faults lead to a restart, which to the end of the domain.
#include "thread_mgr_system.h"

#include <kos/app.h>
#include <kos/log.h>
#include <kos/signal.h>
#include <kos/thread_mgr.h>

#include <gtest/gtest.h>

#include <cstdarg>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

struct kos_thread {
    unsigned number;
};

namespace {

struct Fake {
    std::deque<kos_fault_t> faults;
    std::deque<uint64_t> signals;
    std::vector<unsigned> restarted;
    std::vector<std::string> log;
    kos_status_t restart_status = KOS_STATUS_OK;
    bool looks_after = false;
};
Fake fake;

class ThreadMgr : public testing::Test {
protected:
    void SetUp() override {
        fake = Fake{};
        ASSERT_EQ(kos_thread_mgr_init(entries, 2, &mgr), KOS_STATUS_OK);
    }
    void fault(unsigned thread) {
        kos_fault_t what{};
        what.thread = thread;
        what.kind = KOS_EXIT_FAULT_MEMORY;
        what.ip = 0x401234;
        what.address = 0x10;
        fake.faults.push_back(what);
    }
    kos_thread_mgr_entry_t entries[2];
    kos_thread_mgr_t mgr{};
    kos_thread main_thread{0}, one{1}, two{2}, three{3};
};

}  // namespace

namespace kos::thread_mgr {
kos_status_t look_after_faults() {
    fake.looks_after = true;
    return KOS_STATUS_OK;
}
kos_status_t next_fault(kos_fault_t* fault) {
    if (fake.faults.empty()) return KOS_STATUS_EMPTY;
    *fault = fake.faults.front();
    fake.faults.pop_front();
    return KOS_STATUS_OK;
}
}  // namespace kos::thread_mgr

unsigned kos_thread_number(const kos_thread_t* thread) { return thread->number; }
kos_status_t kos_thread_restart(kos_thread_t* thread) {
    fake.restarted.push_back(thread->number);
    return fake.restart_status;
}
uint64_t kos_signal_wait(uint64_t bits) {
    if (fake.signals.empty()) throw std::logic_error("would sleep for ever");
    uint64_t const signal = fake.signals.front();
    fake.signals.pop_front();
    EXPECT_TRUE(signal & (bits | KOS_SIGNAL_STOP));
    return signal;
}
kos_status_t kos_log(enum kos_log_level, const char* format, ...) {
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fake.log.push_back(text);
    return KOS_STATUS_OK;
}
void kos_stop(const char* reason) { throw std::runtime_error(reason); }

namespace {

TEST_F(ThreadMgr, InitChecksItsArguments) {
    EXPECT_TRUE(fake.looks_after);
    EXPECT_EQ(kos_thread_mgr_init(nullptr, 2, &mgr), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_thread_mgr_init(entries, 0, &mgr), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_thread_mgr_init(entries, KOS_MAX_THREADS + 1, &mgr), KOS_STATUS_INVALID_ARGUMENT);
}

TEST_F(ThreadMgr, AddAndRemove) {
    kos_thread_mgr_id_t first = 9;
    kos_thread_mgr_id_t second = 9;
    EXPECT_EQ(kos_thread_mgr_add(&mgr, nullptr, 1, nullptr, nullptr, nullptr), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_thread_mgr_add(&mgr, &main_thread, 1, nullptr, nullptr, nullptr), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_thread_mgr_add(&mgr, &one, 1, nullptr, nullptr, &first), KOS_STATUS_CREATED);
    EXPECT_EQ(kos_thread_mgr_add(&mgr, &one, 1, nullptr, nullptr, nullptr), KOS_STATUS_CONFLICT);
    EXPECT_EQ(kos_thread_mgr_add(&mgr, &two, 1, nullptr, nullptr, &second), KOS_STATUS_CREATED);
    EXPECT_NE(first, second);
    EXPECT_EQ(kos_thread_mgr_add(&mgr, &three, 1, nullptr, nullptr, nullptr), KOS_STATUS_FULL);
    EXPECT_EQ(kos_thread_mgr_remove(&mgr, first), KOS_STATUS_OK);
    EXPECT_EQ(kos_thread_mgr_remove(&mgr, first), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(kos_thread_mgr_remove(&mgr, 77), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(kos_thread_mgr_add(&mgr, &three, 1, nullptr, nullptr, nullptr), KOS_STATUS_CREATED);
}

TEST_F(ThreadMgr, RestartsUpToTheLimit) {
    kos_thread_mgr_id_t id = 0;
    kos_thread_mgr_add(&mgr, &one, 2, nullptr, kos_thread_fault_fn_print_faults, &id);
    for (unsigned n = 1; n <= 2; ++n) {
        fault(1);
        kos_thread_mgr_handle_faults(&mgr);
        EXPECT_EQ(fake.restarted.size(), n);
    }
    uint32_t faults = 0;
    EXPECT_EQ(kos_thread_mgr_faults(&mgr, id, &faults), KOS_STATUS_OK);
    EXPECT_EQ(faults, 2u);
    fault(1);
    EXPECT_THROW(kos_thread_mgr_handle_faults(&mgr), std::runtime_error);
    EXPECT_EQ(fake.restarted.size(), 2u);
    ASSERT_EQ(fake.log.size(), 3u);
    EXPECT_EQ(fake.log[0], "thread 1: memory fault at 0x401234, address 0x10, detail 0; 1 of 2, restarted");
    EXPECT_EQ(fake.log[2], "thread 1: memory fault at 0x401234, address 0x10, detail 0; 3 of 2, the domain ends");
}

TEST_F(ThreadMgr, LimitZeroAndNoLimit) {
    kos_thread_mgr_add(&mgr, &one, 0, nullptr, nullptr, nullptr);
    kos_thread_mgr_add(&mgr, &two, KOS_THREAD_MGR_NO_LIMIT, nullptr, nullptr, nullptr);
    for (unsigned n = 0; n < 1000; ++n) {
        fault(2);
        kos_thread_mgr_handle_faults(&mgr);
    }
    EXPECT_EQ(fake.restarted.size(), 1000u);
    fault(1);
    EXPECT_THROW(kos_thread_mgr_handle_faults(&mgr), std::runtime_error);
}

TEST_F(ThreadMgr, EachThreadHasItsOwnCountAndFunction) {
    std::vector<unsigned> told;
    auto const note = [](void* cookie, const kos_thread_mgr_fault_t* what) {
        static_cast<std::vector<unsigned>*>(cookie)->push_back(static_cast<unsigned>(what->fault->thread) * 100 +
                                                               what->faults);
    };
    kos_thread_mgr_add(&mgr, &one, 5, &told, note, nullptr);
    kos_thread_mgr_add(&mgr, &two, 5, &told, note, nullptr);
    for (unsigned thread : {1u, 2u, 2u, 1u, 2u}) fault(thread);
    kos_thread_mgr_handle_faults(&mgr);
    EXPECT_EQ(told, (std::vector<unsigned>{101, 201, 202, 102, 203}));
    EXPECT_EQ(fake.restarted, (std::vector<unsigned>{1, 2, 2, 1, 2}));
}

TEST_F(ThreadMgr, UnknownThreadEndsTheDomain) {
    fault(3);
    EXPECT_THROW(kos_thread_mgr_handle_faults(&mgr), std::runtime_error);
}

TEST_F(ThreadMgr, RestartThatFailsEndsTheDomain) {
    kos_thread_mgr_add(&mgr, &one, 5, nullptr, nullptr, nullptr);
    fake.restart_status = KOS_STATUS_NOT_FOUND;
    fault(1);
    EXPECT_THROW(kos_thread_mgr_handle_faults(&mgr), std::runtime_error);
}

TEST_F(ThreadMgr, FaultFunctionMayGiveTheThreadUp) {
    static kos_thread_mgr_t* manager;
    manager = &mgr;
    kos_thread_mgr_add(
        &mgr, &one, 5, nullptr,
        [](void*, const kos_thread_mgr_fault_t* what) { kos_thread_mgr_remove(manager, what->id); }, nullptr);
    fault(1);
    kos_thread_mgr_handle_faults(&mgr);
    EXPECT_TRUE(fake.restarted.empty());
}

TEST_F(ThreadMgr, DirectHandlerWorksUntilStop) {
    kos_thread_mgr_add(&mgr, &one, 5, nullptr, nullptr, nullptr);
    fault(1);  // before the first wait
    fake.signals = {KOS_SIGNAL_FAULT, KOS_SIGNAL_STOP};
    EXPECT_EQ(kos_thread_mgr_direct_handler(&mgr), KOS_STATUS_OK);
    EXPECT_EQ(fake.restarted.size(), 1u);
    EXPECT_TRUE(fake.signals.empty());
}

}  // namespace
