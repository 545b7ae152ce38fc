// A program's thread in the kernel: TCB, scheduling context, the capability to which its faults go.
//
// The thread has no capability of its own: an empty CNode behind a guard that no address matches, so that whatever its
// registers hold when it executes svc, the kernel finds nothing and the server gets a fault (design: "The x7
// question").
#pragma once

#include "platform/objects.h"
#include "platform/space.h"
#include "task/thread.h"
#include "time/cpu_clock.h"

namespace kos::lx {

class KosServer;

constexpr unsigned kCSpaceBits = 1;  // a thread's CNode: the capability of the gate, and nothing

class KosThread final : public MachineThread {
public:
    static Result<std::unique_ptr<KosThread>> create(KosServer& server, Thread& thread, KosSpace& space);
    ~KosThread() override;

    void load() override;
    void set_result(int64_t value) override;
    void set_no_result() override;
    void set_again() override;
    void interrupt() override;
    bool take_back_result() override;
    void resume() override;
    void set_memory(AddressSpace& memory) override;
    Nanoseconds cpu_time() override;
    unsigned core() override { return core_; }
    void set_affinity(uint64_t cores) override;

    // --- For the server's loop. The thread is in the reply object from here ...
    void begin_call(const seL4_UserContext& context);    // pc, sp, spsr, x0..x8 count
    void begin_stub_call(const sel4::Message& message);  // of the shim: the message has all that counts
    void begin_message_call(uint64_t x0) {               // by the gate: no register counts
        context_.x0 = x0;
        begin(Doing::kOutside, true);
    }
    void begin_fault();  // a page, an exception: resumes where it was
    // A fault of the shim's on the way to a call: it becomes that call, and the registers count. False: it was none.
    bool begin_call_instead();
    void take_into_call();  // the registers that load() has found are those of a call at its beginning
    bool is_by_message() const { return is_by_message_; }
    // ... until it is answered: what the answer is.
    enum class Answer : uint8_t { kStop, kResult, kContinue };
    Answer answer() const { return answer_; }
    const seL4_UserContext& context() const { return context_; }
    int64_t result() const { return result_; }
    void write_registers_if_loaded();
    void answered() { begin(Doing::kOutside, false); }

    Thread& thread() { return thread_; }
    CPtr tcb() const { return objects_.tcb.cap; }
    uint64_t wanted_cores() const { return wanted_cores_; }

    // An x7 that the kernel took for a system call of its own: the call is made again with another one.
    bool has_saved_x7 = false;
    uint64_t saved_x7 = 0;

private:
    enum class Doing : uint8_t { kCall, kFault, kOutside };  // where load() finds the pc
    struct Parts {
        Objects::Object tcb, time, cspace;
        CPtr fault = 0;
        unsigned core = 0;
    };
    // What load() found about the stub that it took the thread out of.
    enum class Stub : uint8_t { kNone, kBeforeCall, kAfterCall };
    void resume_from_call();
    Stub leave_stub();
    bool restore_from_gate(bool& is_after);
    bool is_in_shim_call(uint64_t pc) const;

    void begin(Doing doing, bool is_by_message) {
        is_by_message_ = is_by_message;
        doing_ = doing;
        answer_ = Answer::kStop;
        is_loaded_ = has_no_result_ = is_again_ = result_set_ = false;
    }

    friend class KosServer;
    KosThread(KosServer& server, Thread& thread, const Parts& parts)
        : server_(server), thread_(thread), objects_(parts), core_(parts.core) {}

    KosServer& server_;
    Thread& thread_;
    Parts objects_;
    unsigned core_;
    seL4_UserContext context_{};  // the first twelve registers, of a call
    Doing doing_ = Doing::kOutside;
    Answer answer_ = Answer::kStop;
    Stub left_ = Stub::kNone;
    bool is_by_message_ = false;
    bool is_loaded_ = false;  // thread_.registers count
    bool has_no_result_ = false;
    bool is_again_ = false;
    bool result_set_ = false;
    bool is_resumed_with_result_ = false;  // by resume(), with result_ behind the call of context_
    int64_t result_ = 0;
    uint64_t wanted_cores_ = 0;  // of a thread that has to be stopped before it moves; 0: none
    CpuClock cpu_clock_;
};

}  // namespace kos::lx
