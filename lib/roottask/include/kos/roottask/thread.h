// Threads and address spaces for tests, fuzzers and benchmarks of a bare root task.
//
// A Thread has a TCB, a stack and a message buffer from a fixed pool inside the program image, and (unless it is
// passive) a scheduling context of its own. It runs in the root task's address space and CSpace or in those that the
// options name. Objects come from an allocator and are freed with it; the destructor only stops the thread.
// An AddressSpace is a VSpace with the whole program image mapped at the same addresses, so that any function of the
// program runs in it.
#pragma once

#include <kos/roottask/allocator.h>

namespace kos::roottask {

inline constexpr size_t kMaxThreads = 64;
inline constexpr size_t kThreadStackBytes = 12288;

struct ThreadOptions {
    sel4::Word priority = 100;
    sel4::Word mcp = seL4_MaxPrio;
    sel4::CPtr fault_endpoint = sel4::kNullCap;
    bool passive = false;  // no scheduling context
    bool no_ipc_buffer = false;
    sel4::Word node = 0;
    // Round robin, and long: a busy host must not end the slice of a thread that does little.
    sel4::SchedContextParams budget{.budget_us = 200000, .period_us = 200000};
    sel4::Word sched_context_bits = seL4_MinSchedContextBits;
    sel4::Spaces spaces{.cspace_root = seL4_CapInitThreadCNode, .vspace_root = seL4_CapInitThreadVSpace};
};

class Thread {
public:
    Thread() = default;
    ~Thread() { stop(); }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    // Makes the objects and configures the thread; it does not run yet. The error of the first step that failed.
    sel4::Result create(ObjectAllocator& allocator, const ThreadOptions& options = {});

    // Runs `body` (called without arguments, at most kBodyBytes of captures) from a fresh stack. What it captures by
    // reference must outlive the run. When it returns, the thread is finished and suspends itself.
    template <typename Body>
    sel4::Result start(const Body& body) {
        static_assert(sizeof(Body) <= kBodyBytes && alignof(Body) <= 16, "too many captures");
        static_assert(__is_trivially_copyable(Body), "captures must be trivially copyable");
        __builtin_memcpy(body_, &body, sizeof(Body));
        run_ = [](void* stored) { (*static_cast<Body*>(stored))(); };
        return launch(sel4::Resume::kYes);
    }

    // As start, but leaves the thread suspended, ready for TCB_Resume or for a scheduling context.
    template <typename Body>
    sel4::Result prepare(const Body& body) {
        static_assert(sizeof(Body) <= kBodyBytes && alignof(Body) <= 16, "too many captures");
        static_assert(__is_trivially_copyable(Body), "captures must be trivially copyable");
        __builtin_memcpy(body_, &body, sizeof(Body));
        run_ = [](void* stored) { (*static_cast<Body*>(stored))(); };
        return launch(sel4::Resume::kNo);
    }

    // Blocks until the body has returned.
    void join();
    bool finished() const { return __atomic_load_n(&finished_, __ATOMIC_ACQUIRE); }

    // Suspends the thread and gives its stack back.
    void stop();

    sel4::CPtr tcb() const { return tcb_; }
    sel4::CPtr sched_context() const { return sched_context_; }
    seL4_IPCBuffer* buffer() const;
    sel4::CPtr buffer_frame() const;
    sel4::Word stack_top() const;

    static constexpr size_t kBodyBytes = 160;

private:
    sel4::Result launch(sel4::Resume resume);
    static void trampoline(Thread* self);

    sel4::CPtr tcb_ = sel4::kNullCap;
    sel4::CPtr sched_context_ = sel4::kNullCap;
    sel4::CPtr done_ = sel4::kNullCap;
    size_t memory_ = kMaxThreads;  // index into the pool; kMaxThreads is none
    bool has_buffer_ = false;
    bool finished_ = false;
    void (*run_)(void*) = nullptr;
    alignas(16) unsigned char body_[kBodyBytes];
};

// Forgets which pool entries are in use: after all threads were destroyed by revoking their memory.
void reset_thread_memory();
// Makes the entries that are in use now exempt from that.
void keep_thread_memory();

class AddressSpace {
public:
    // A VSpace in the initial ASID pool with the program image mapped as the kernel maps it for the root task.
    sel4::Result create(ObjectAllocator& allocator);
    sel4::CPtr vspace() const { return vspace_; }

private:
    sel4::CPtr vspace_ = sel4::kNullCap;
};

// A value that threads share, on one core or several.
template <typename T>
class Shared {
public:
    constexpr Shared(T value = T{}) : value_(value) {}
    T get() const { return __atomic_load_n(&value_, __ATOMIC_SEQ_CST); }
    void set(T value) { __atomic_store_n(&value_, value, __ATOMIC_SEQ_CST); }
    T add(T value) { return __atomic_add_fetch(&value_, value, __ATOMIC_SEQ_CST); }
    T exchange(T value) { return __atomic_exchange_n(&value_, value, __ATOMIC_SEQ_CST); }

private:
    T value_;
};

}  // namespace kos::roottask
