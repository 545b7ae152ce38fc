// Fixture of the kernel's unit tests: an empty kernel on the fake machine, objects with capabilities in one root CNode,
// threads whose system calls the test makes, and a check of the kernel's invariants at the end of each test.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <vector>

#include "arch/host/fake_machine.h"
#include "core/cap.h"
#include "core/cpu.h"
#include "testing/inventory.h"

struct seL4_IPCBuffer_;

namespace keel::testing {

// An object and the address of the first capability to it, in the CSpace of every thread of the fixture.
template <typename T>
struct Made {
    T* object;
    CPtr cptr;
    T* operator->() const { return object; }
    T& operator*() const { return *object; }
    T* get() const { return object; }
};

// What a thread sends.
struct Message {
    Word label = 0;
    std::vector<Word> words = {};
    std::vector<CPtr> caps = {};
};

class KernelTest : public ::testing::Test {
protected:
    static constexpr unsigned kRootRadix = 10;
    static constexpr CPtr kRootCNode = 1;  // slot of the capability for the root CNode itself
    static constexpr CPtr kVSpace = 2;
    static constexpr CPtr kAsidPool = 3;
    static constexpr Word kSvcAddress = 0x400000;

    KernelTest();
    ~KernelTest() override;
    // Fails the test if an invariant does not hold.
    void TearDown() override;
    void expect_sound(bool at_rest = true);

    // --- Memory and capabilities. Memory is zero and belongs to the test; an overrun is seen by the sanitizer.
    void* allocate(Word size, Word alignment);
    void* allocate_object(unsigned size_bits) { return allocate(bit(size_bits), bit(size_bits)); }
    // From now on nobody may touch the memory: its object is destroyed.
    void forbid(const void* memory);
    Slot& slot(CPtr cptr) { return root_[cptr]; }
    CPtr free_slot() { return next_slot_++; }
    CPtr next_free() const { return next_slot_; }
    // First capability of a tree of its own.
    CPtr add(const Cap& cap);
    CPtr copy(CPtr source, Rights rights, Word badge);
    CPtr copy(CPtr source) { return copy(source, kAllRights, slot(source).cap.badge()); }
    Cap cap(CPtr cptr) { return slot(cptr).cap; }
    // Further slots that are alive although no capability leads to them.
    void add_root(Slot* slots, unsigned count) { roots_.push_back({slots, count}); }
    Inventory inventory() { return Inventory::take(roots_); }

    // --- Objects.
    Made<Endpoint> make_endpoint();
    Made<Notification> make_notification();
    Made<Reply> make_reply();
    Made<Slot> make_cnode(unsigned radix);
    // Untyped memory that the test owns; `dirty`: filled with a pattern.
    CPtr make_untyped(unsigned size_bits, bool dirty, bool device = false);
    // `period_us` 0: round robin. Not bound to anything.
    Made<SchedContext> make_context(Word budget_us, Word period_us, unsigned max_refills = 2, bool sporadic = false);
    // A context that has never been configured.
    Made<SchedContext> make_empty_context(unsigned size_bits = 8);
    // With CSpace, VSpace and IPC buffer, inactive, no context.
    Made<Tcb> make_passive(unsigned priority);
    // Also with a round-robin context, and ready.
    Made<Tcb> make_thread(unsigned priority, Word budget_us = 5000, Word period_us = 0);
    static seL4_IPCBuffer_& buffer(const Tcb& tcb);

    // --- Running. A thread executes one svc at kSvcAddress again and again.
    Cpu& cpu() { return kernel.cpus[0]; }
    Tcb* current() { return cpu().current; }
    // The thread becomes the current one, whatever the priorities say.
    void run(Tcb& tcb);
    // Time passes; nothing else happens.
    void pass(Word us);
    void pass_ticks(Ticks ticks) { host::machine.time += ticks; }
    // Timer interrupt now: time is accounted and the scheduler looks at it.
    void tick();

    // Makes a system call as the current thread and schedules; what the thread gets is in its registers.
    void syscall(int64_t number, CPtr address, const Message& message = {}, CPtr reply = 0, CPtr destination = 0);
    // The same for `tcb`, made the current one first.
    void syscall_as(Tcb& tcb, int64_t number, CPtr address, const Message& message = {}, CPtr reply = 0,
                    CPtr destination = 0);
    // Executes the last system call again as long as the current thread stands at it: a preempted one. At most `limit`
    // times.
    void finish_syscall(unsigned limit = 100000);
    void enter_syscall();
    // Call and ReplyRecv enter as the exception entry of a single core does: by their fast paths.
    bool use_fast_paths_ = false;

    // --- What a thread sees after its system call.
    static Word label_of(const Tcb& tcb);
    static unsigned length_of(const Tcb& tcb);
    static unsigned caps_of(const Tcb& tcb);
    static unsigned unwrapped_of(const Tcb& tcb);
    static Word badge_of(const Tcb& tcb);
    static std::vector<Word> words_of(const Tcb& tcb);

private:
    void start_core(Cpu& cpu, unsigned id);
    void make_root();

    struct Block {
        void* memory;
        Word size;
    };
    std::vector<Block> blocks_;
    std::vector<SlotArray> roots_;
    Slot* root_ = nullptr;
    CPtr next_slot_ = 8;
};

// Deterministic random numbers (xorshift64*); the seed is part of the test's name or trace.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
    uint64_t next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d;
    }
    // 0 .. bound-1
    uint64_t below(uint64_t bound) { return next() % bound; }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <typename T>
    T& pick(std::vector<T>& from) {
        return from[below(from.size())];
    }

private:
    uint64_t state_;
};

}  // namespace keel::testing
