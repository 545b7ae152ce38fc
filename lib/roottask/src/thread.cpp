// Threads and address spaces of a bare root task (thread.h).
#include <kos/roottask/boot.h>
#include <kos/roottask/thread.h>

namespace kos::roottask {

using namespace sel4;

namespace {

constexpr size_t kPage = size_t{1} << seL4_PageBits;

// One page for the message buffer (the thread's own frame), then the stack.
struct alignas(4096) ThreadMemory {
    unsigned char buffer_page[kPage];
    unsigned char stack[kThreadStackBytes];
};

ThreadMemory pool[kMaxThreads];
enum class Use : unsigned char { kFree, kUsed, kKept };
Use pool_use[kMaxThreads];

size_t take_memory() {
    for (size_t i = 0; i < kMaxThreads; ++i) {
        if (pool_use[i] == Use::kFree) {
            pool_use[i] = Use::kUsed;
            return i;
        }
    }
    return kMaxThreads;
}

Result out_of_memory() { return Result{seL4_NotEnoughMemory, {}}; }

}  // namespace

void reset_thread_memory() {
    for (Use& use : pool_use) {
        if (use == Use::kUsed) {
            use = Use::kFree;
        }
    }
}

void keep_thread_memory() {
    for (Use& use : pool_use) {
        if (use == Use::kUsed) {
            use = Use::kKept;
        }
    }
}

seL4_IPCBuffer* Thread::buffer() const { return reinterpret_cast<seL4_IPCBuffer*>(pool[memory_].buffer_page); }
CPtr Thread::buffer_frame() const { return image_frame(pool[memory_].buffer_page); }
Word Thread::stack_top() const { return reinterpret_cast<Word>(pool[memory_].stack + kThreadStackBytes); }

Result Thread::create(ObjectAllocator& allocator, const ThreadOptions& options) {
    tcb_ = allocator.make(seL4_TCBObject);
    done_ = allocator.make(seL4_NotificationObject);
    memory_ = take_memory();
    if (tcb_ == kNullCap || done_ == kNullCap || memory_ == kMaxThreads) {
        return out_of_memory();
    }
    has_buffer_ = !options.no_ipc_buffer;
    Result result = tcb_configure(tcb_, options.spaces, has_buffer_ ? reinterpret_cast<Word>(buffer()) : 0,
                                  has_buffer_ ? buffer_frame() : kNullCap);
    if (!result.ok()) {
        return result;
    }
    if (!options.passive) {
        sched_context_ = allocator.make(seL4_SchedContextObject, options.sched_context_bits);
        CPtr sched_control = root_task().boot_info->schedcontrol.start + options.node;
        result = sched_control_configure(sched_control, sched_context_, options.budget);
        if (!result.ok()) {
            return result;
        }
    }
    return tcb_set_sched_params(tcb_, seL4_CapInitThreadTCB,
                                {.mcp = options.mcp,
                                 .priority = options.priority,
                                 .sched_context = sched_context_,
                                 .fault_endpoint = options.fault_endpoint});
}

void Thread::trampoline(Thread* self) {
    self->run_(self->body_);
    __atomic_store_n(&self->finished_, true, __ATOMIC_RELEASE);
    signal(self->done_);
    tcb_suspend(self->tcb_);
    // Reached only in a CSpace without these capabilities.
    asm volatile("brk #0xdead");
}

Result Thread::launch(Resume resume) {
    finished_ = false;
    seL4_UserContext context{};
    context.pc = reinterpret_cast<Word>(&Thread::trampoline);
    context.sp = stack_top();
    context.x0 = reinterpret_cast<Word>(this);
    context.tpidr_el0 = has_buffer_ ? reinterpret_cast<Word>(buffer()) : 0;
    return tcb_write_registers(tcb_, resume, seL4_UserContext_Words, context);
}

void Thread::join() {
    while (!finished()) {
        wait(done_);
    }
}

void Thread::stop() {
    if (tcb_ != kNullCap) {
        tcb_suspend(tcb_);
        tcb_ = kNullCap;
    }
    if (memory_ != kMaxThreads) {
        pool_use[memory_] = Use::kFree;
        memory_ = kMaxThreads;
    }
}

Result AddressSpace::create(ObjectAllocator& allocator) {
    vspace_ = allocator.make(seL4_ARM_VSpaceObject);
    Result result = asid_pool_assign(seL4_CapInitThreadASIDPool, vspace_);
    for (uintptr_t at = image_start(); result.ok() && at < image_end(); at += kPage) {
        // A page capability holds one mapping, so each address space needs its own copy.
        CPtr page = allocator.copy(image_frame(reinterpret_cast<const void*>(at)));
        result = page == kNullCap ? out_of_memory() : map_page(allocator, vspace_, page, at);
    }
    return result;
}

}  // namespace kos::roottask
