// Running registered tests and reporting them (testing.h).
#include <kos/roottask/bootargs.h>
#include <kos/roottask/testing.h>
#include <kos/roottask/watchdog.h>

extern "C" {
extern const kos::roottask::TestCase* kos_tests_start[];
extern const kos::roottask::TestCase* kos_tests_end[];
}

namespace kos::roottask {

using namespace sel4;

namespace {

// Failures of the running test. Several threads may fail at once, and one of them may be preempted while it does, so
// each takes a place of its own and nobody waits for anybody.
constexpr unsigned kMaxReported = 4;
constexpr size_t kFailureBytes = 320;

// By the counter, which goes on while the emulator's host is busy with other things.
constexpr uint64_t kDefaultLimitSeconds = 120;

struct Failure {
    bool complete;
    char text[kFailureBytes];
};

Failure failures[kMaxReported];
unsigned failure_count;
const char* skip_reason;

void forget_failures() {
    failure_count = 0;
    skip_reason = nullptr;
    for (Failure& failure : failures) {
        failure.complete = false;
    }
}

const char* file_name(const char* path) {
    const char* name = path;
    for (const char* p = path; *p != '\0'; ++p) {
        if (*p == '/') {
            name = p + 1;
        }
    }
    return name;
}

// True if `name` starts with one of the comma-separated prefixes.
bool matches(const char* name, const char* prefixes) {
    for (const char* p = prefixes; *p != '\0';) {
        size_t i = 0;
        while (p[i] != '\0' && p[i] != ',' && name[i] == p[i]) {
            ++i;
        }
        if (i > 0 && (p[i] == '\0' || p[i] == ',')) {
            return true;
        }
        while (*p != '\0' && *p != ',') {
            ++p;
        }
        if (*p == ',') {
            ++p;
        }
    }
    return false;
}

int compare(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

bool before(const TestCase& a, const TestCase& b) {
    int files = compare(a.file, b.file);
    return files != 0 ? files < 0 : a.line < b.line;
}

// The compiler and the linker leave the registrations in an order of their own.
void sort_tests() {
    for (const TestCase** end = kos_tests_start; end < kos_tests_end; ++end) {
        for (const TestCase** at = end; at > kos_tests_start && before(*at[0], *at[-1]); --at) {
            const TestCase* later = at[-1];
            at[-1] = at[0];
            at[0] = later;
        }
    }
}

void report(const TestCase& test, const char* result) {
    Text<2048> json;
    format(json, "{{\"test\":\"{}\",\"result\":\"{}\",\"detail\":\"", test.name, result);
    if (skip_reason != nullptr && failure_count == 0) {
        put_json_escaped(json, skip_reason);
    }
    for (unsigned i = 0; i < failure_count && i < kMaxReported; ++i) {
        if (i > 0) {
            json.put("; ");
        }
        put_json_escaped(json, failures[i].complete ? failures[i].text : "(incomplete)");
    }
    if (failure_count > kMaxReported) {
        format(json, "; and {} more", failure_count - kMaxReported);
    }
    json.put("\"}");
    put_record(json.text());
}

}  // namespace

namespace testing {

void fail(const char* file, int line, const char* text) {
    unsigned place = __atomic_fetch_add(&failure_count, 1, __ATOMIC_RELAXED);
    if (place < kMaxReported) {
        TextBuffer out(failures[place].text, kFailureBytes);
        format(out, "{}:{}: {}", file_name(file), line, text);
        __atomic_store_n(&failures[place].complete, true, __ATOMIC_RELEASE);
    }
}

bool current_failed() { return __atomic_load_n(&failure_count, __ATOMIC_ACQUIRE) != 0; }

void skip(const char* reason) { skip_reason = reason; }

}  // namespace testing

CPtr TestContext::make(Word type, Word size_bits) { return make_many(type, size_bits, 1); }

CPtr TestContext::make_many(Word type, Word size_bits, Word count) {
    CPtr made = arena_.make_many(type, size_bits, count);
    testing::check_true(made != kNullCap, __FILE__, __LINE__, "the test's arena could not make an object");
    return made;
}

CPtr TestContext::slot() { return slots(1); }

CPtr TestContext::slots(Word count) {
    CPtr first = arena_.slots(count);
    testing::check_true(first != kNullCap, __FILE__, __LINE__, "the test's arena is out of slots");
    return first;
}

CPtr TestContext::copy(CPtr cap, seL4_CapRights_t rights) {
    CPtr made = arena_.copy(cap, rights);
    testing::check_true(made != kNullCap, __FILE__, __LINE__, "could not copy a capability");
    return made;
}

CPtr TestContext::mint(CPtr cap, Word data, seL4_CapRights_t rights) {
    CPtr made = arena_.mint(cap, data, rights);
    testing::check_true(made != kNullCap, __FILE__, __LINE__, "could not mint a capability");
    return made;
}

bool TestContext::create(Thread& thread, const ThreadOptions& options) {
    return testing::check_error(thread.create(arena_, options), seL4_NoError, __FILE__, __LINE__, "Thread::create");
}

class TestRunner {
public:
    explicit TestRunner(RootTask& root) {
        bootargs_text("tests", only_, sizeof(only_));
        bootargs_text("skip", without_, sizeof(without_));
        if (!root.allocator.make_arena(kTestMemoryBits, kTestSlots, context_.arena_)) {
            KOS_FATAL("no memory for tests");
        }
        if (!watchdog_.start(root.allocator).ok()) {
            KOS_FATAL("the watchdog does not start");
        }
        keep_thread_memory();
    }

    bool run_all() {
        sort_tests();
        set_up_initial_thread();
        for (const TestCase* const* test = kos_tests_start; test != kos_tests_end; ++test) {
            bool wanted = only_[0] == '\0' || matches((*test)->name, only_);
            if (wanted && !matches((*test)->name, without_)) {
                run(**test);
            }
        }
        bool good = failed_ == 0 && passed_ > 0;
        Text<128> json;
        format(json, "{{\"verdict\":\"{}\",\"passed\":{},\"failed\":{},\"skipped\":{}}", good ? "pass" : "fail",
               passed_, failed_, skipped_);
        put_record(json.text());
        return good;
    }

private:
    void run(const TestCase& test) {
        print("# {}\n", test.name);
        forget_failures();
        if (!watchdog_.run(limit_us_, [&] { test.run(context_); })) {
            testing::fail(test.file, test.line, "cut off: it hung, faulted, or took too long");
        }
        clean_up();
        if (testing::current_failed()) {
            ++failed_;
            report(test, "fail");
        } else if (skip_reason != nullptr) {
            ++skipped_;
            report(test, "skip");
        } else {
            ++passed_;
            report(test, "pass");
        }
    }

    void clean_up() {
        context_.arena_.free_all();
        reset_thread_memory();
        // A test may have changed the priority and the budget of the thread it ran in.
        set_up_initial_thread();
    }

    // A long slice, so that the order of what a test does is its own and not that of the timer.
    void set_up_initial_thread() {
        constexpr Word kSliceUs = 1000000;
        sched_control_configure(context_.sched_control(), seL4_CapInitThreadSC,
                                {.budget_us = kSliceUs, .period_us = kSliceUs});
        tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, kMainPriority);
    }

    TestContext context_;
    Watchdog watchdog_;
    uint64_t limit_us_ = bootargs_number("limit_s", kDefaultLimitSeconds) * 1000000;
    char only_[256];
    char without_[256];
    unsigned passed_ = 0;
    unsigned failed_ = 0;
    unsigned skipped_ = 0;
};

bool run_tests(RootTask& root) {
    TestRunner runner(root);
    return runner.run_all();
}

}  // namespace kos::roottask
