// Tests inside a root task: registration, expectations, records.
//
//   KOS_TEST(name) { CPtr endpoint = t.make(seL4_EndpointObject); EXPECT_OK(...); }
//
// `t` is the TestContext: each test has an arena of its own, which is freed afterwards whatever the test did.
// Expectations may be used in helper functions and in other threads. A failed EXPECT goes on, a failed ASSERT leaves
// the function it is in (which returns void). Tests run in the initial thread, on node 0, at kMainPriority, with a time
// slice of a second. They run in the order of file name and line. run_tests() reads the parameters `tests=PREFIX,...`
// and `skip=PREFIX,...`.
#pragma once

#include <kos/roottask/boot.h>
#include <kos/roottask/console.h>
#include <kos/roottask/thread.h>
#include <kos/roottask/timer.h>

namespace kos::roottask {

// The thread that runs the tests; other threads above it run at once until they block, those below when it blocks.
inline constexpr sel4::Word kMainPriority = 100;
inline constexpr sel4::Word kAboveMain = 110;
inline constexpr sel4::Word kBelowMain = 90;

inline constexpr sel4::Word kTestMemoryBits = 25;
inline constexpr sel4::Word kTestSlots = 40000;

class TestContext {
public:
    ObjectAllocator& arena() { return arena_; }

    // Objects from the test's arena; running out is a failure of the test.
    sel4::CPtr make(sel4::Word type, sel4::Word size_bits = 0);
    sel4::CPtr make_many(sel4::Word type, sel4::Word size_bits, sel4::Word count);
    sel4::CPtr slot();
    sel4::CPtr slots(sel4::Word count);
    sel4::CPtr copy(sel4::CPtr cap, seL4_CapRights_t rights = seL4_AllRights);
    sel4::CPtr mint(sel4::CPtr cap, sel4::Word data, seL4_CapRights_t rights = seL4_AllRights);

    // Creates a thread, not started yet; failing is a failure of the test.
    bool create(Thread& thread, const ThreadOptions& options = {});

    sel4::Word nodes() const { return root_task().boot_info->numNodes; }
    sel4::CPtr sched_control(sel4::Word node = 0) const { return root_task().boot_info->schedcontrol.start + node; }

private:
    friend class TestRunner;
    ObjectAllocator arena_;
};

struct TestCase {
    const char* name;
    const char* file;
    int line;
    void (*run)(TestContext& t);
};

// Runs the registered tests and sends the records and the verdict. True if nothing failed and something ran.
bool run_tests(RootTask& root);

namespace testing {

void fail(const char* file, int line, const char* text);
bool current_failed();
void skip(const char* reason);

template <typename A, typename B>
bool check(bool holds, const char* file, int line, const char* what, const A& actual, const char* relation,
           const B& expected) {
    if (!holds) {
        Text<256> text;
        format(text, "{}: {x}, {} {x}", what, actual, relation, expected);
        fail(file, line, text.text());
    }
    return holds;
}

inline bool check_error(const sel4::Result& result, seL4_Error expected, const char* file, int line, const char* what) {
    return check(result.error == expected, file, line, what, result.error, "expected error", expected);
}

inline bool check_true(bool value, const char* file, int line, const char* what) {
    if (!value) {
        fail(file, line, what);
    }
    return value;
}

}  // namespace testing
}  // namespace kos::roottask

// The pointer, not the descriptor, goes into the section: pointers have no alignment padding between them.
#define KOS_TEST(test_name)                                                                                       \
    static void test_name([[maybe_unused]] ::kos::roottask::TestContext& t);                                      \
    static constinit const ::kos::roottask::TestCase test_name##_case{#test_name, __FILE__, __LINE__, test_name}; \
    [[gnu::section("kos_tests"), gnu::used]] static const ::kos::roottask::TestCase* test_name##_registered =     \
        &test_name##_case;                                                                                        \
    static void test_name([[maybe_unused]] ::kos::roottask::TestContext& t)

#define KOS_CHECK_(a, op, b)                                                                                           \
    ([&](const auto& kos_a, const auto& kos_b) {                                                                       \
        return ::kos::roottask::testing::check(kos_a op kos_b, __FILE__, __LINE__, #a, kos_a, "expected " #op, kos_b); \
    }((a), (b)))

#define EXPECT_EQ(actual, expected) (void)KOS_CHECK_(actual, ==, expected)
#define EXPECT_NE(actual, expected) (void)KOS_CHECK_(actual, !=, expected)
#define EXPECT_LT(actual, expected) (void)KOS_CHECK_(actual, <, expected)
#define EXPECT_LE(actual, expected) (void)KOS_CHECK_(actual, <=, expected)
#define EXPECT_GT(actual, expected) (void)KOS_CHECK_(actual, >, expected)
#define EXPECT_GE(actual, expected) (void)KOS_CHECK_(actual, >=, expected)
#define EXPECT_TRUE(value) \
    (void)::kos::roottask::testing::check_true(static_cast<bool>(value), __FILE__, __LINE__, #value)
#define EXPECT_FALSE(value) \
    (void)::kos::roottask::testing::check_true(!static_cast<bool>(value), __FILE__, __LINE__, "not: " #value)
#define EXPECT_ERROR(result, code) \
    (void)::kos::roottask::testing::check_error((result), (code), __FILE__, __LINE__, #result)
#define EXPECT_OK(...) EXPECT_ERROR((__VA_ARGS__), seL4_NoError)

#define ASSERT_EQ(actual, expected)                    \
    do {                                               \
        if (!KOS_CHECK_(actual, ==, expected)) return; \
    } while (false)
#define ASSERT_TRUE(value)                                                                                       \
    do {                                                                                                         \
        if (!::kos::roottask::testing::check_true(static_cast<bool>(value), __FILE__, __LINE__, #value)) return; \
    } while (false)
#define ASSERT_OK(result)                                                                                        \
    do {                                                                                                         \
        if (!::kos::roottask::testing::check_error((result), seL4_NoError, __FILE__, __LINE__, #result)) return; \
    } while (false)

// Ends the test as skipped. Only in the test function itself.
#define KOS_SKIP(reason)                        \
    do {                                        \
        ::kos::roottask::testing::skip(reason); \
        return;                                 \
    } while (false)
