// The personality's only thread: receives the faults of programs and the signals of the domain, and answers.
//
// Passive: a fault is handled on the time of the thread that caused it, which comes back to that thread with the
// answer. An answer with label 0 lets it go on; with label 1 it stays stopped (its call sleeps) and is resumed later by
// its TCB. So one reply object is enough, and nobody's time is kept while he sleeps. Signals (timers, console) run on
// the domain's own budget.
#pragma once

#include "mm/frame.h"
#include "platform/console.h"
#include "platform/frames.h"
#include "platform/ports.h"
#include "platform/streams.h"
#include "platform/thread.h"
#include "task/message_call.h"
#include "task/system.h"
#include "time/clock.h"

#include <unordered_map>

namespace kos::lx {

// Of the capability by which a thread calls: not a fault.
constexpr uint64_t kMessageBadge = uint64_t{1} << 39;

class KosTime final : public TimeSource {
public:
    Nanoseconds monotonic() override;
    Nanoseconds realtime_offset() override;
    void set_realtime_offset(Nanoseconds offset) override;
    void set_alarm(Nanoseconds when) override;
    // The page of the shim where programs read the time (shim/vdso_data.h).
    void show(Ref<Frame> shim_data);
    static constexpr unsigned kAlarmBit = 0;

private:
    static constexpr Nanoseconds kAskAgain = 100'000'000;
    void publish();
    Ref<Frame> shim_data_;
    uint32_t sequence_ = 0;
    Nanoseconds offset_ = 0, ask_again_ = 0;
    bool has_offset_ = false;
};

class KosServer final : public Platform {
public:
    explicit KosServer(const kos_startup_t& startup);

    Status initialise();  // what programs need before the first one
    KosFrames& frames() { return frames_; }
    KosTime& time() { return time_; }
    void set_system(System& system) { system_ = &system; }
    Status start_ports();  // /run/kos; once there is a tree
    [[noreturn]] void run();

    // --- Platform
    Result<std::unique_ptr<MachineThread>> make_thread(Thread& thread, AddressSpace& memory) override;
    Result<std::unique_ptr<MachineSpace>> make_space() override;
    std::span<const Ref<Frame>> shim_frames() override { return shim_; }
    Status random(void* bytes, size_t count) override;
    void report(const char* text) override;
    void trace(const char* text) override;
    [[noreturn]] void end(int status) override;
    unsigned cores() override { return startup_.cores; }
    const char* host_name() override { return startup_.name; }
    size_t network_memory() override;

    // --- For threads
    void add(KosThread& thread);
    void remove(KosThread& thread);
    void bury(const Objects::Object& tcb, const Objects::Object& time, const Objects::Object& cspace, CPtr fault,
              unsigned core);
    uint64_t badge_of(const Thread& thread) const;
    Word guard() const { return guard_; }        // of each thread's CSpace
    CPtr programs() const { return programs_; }  // where their faults go, to mint from
    unsigned choose_core(uint64_t cores) const;
    Result<Objects::Object> take_time(unsigned core);
    // The thread stays stopped and goes on on another core once the server runs on its own time.
    void move_later(KosThread& thread) { moves_.emplace_back(&thread.thread()); }
    void moved(unsigned from, unsigned to);
    bool is_waiting_for_answer(const KosThread& thread) const { return current_ == &thread; }

private:
    struct Grave {
        Objects::Object tcb, time, cspace;
        CPtr fault;
        unsigned core;
    };
    KosThread* find(uint64_t token);
    sel4::Message receive();
    sel4::Message answer_and_receive();
    void handle_fault(const sel4::Message& message);
    void handle_call(const sel4::Message& message);
    bool call_instead(uint64_t ip);
    void handle_capability_fault();
    void handle_page_fault(const sel4::Message& message);
    void handle_exception(const sel4::Message& message);
    void handle_signals(uint64_t badge);
    void empty_graves();
    void settle();
    bool is_program_running() const;
    bool is_caller_running() const;
    const Thread* runner();
    Status make_endpoint();
    Status load_shim();
    Status make_gate();
    void handle_message_call(const sel4::Message& message);
    void answer_message_call_and_receive(sel4::Message& message);
    bool has_more_to_do() const;
    bool owes_time() const;

    static constexpr unsigned kCoresMax = 64;
    const kos_startup_t& startup_;
    KosFrames frames_;
    KosTime time_;
    System* system_ = nullptr;
    std::unique_ptr<NativePorts> native_ports_;
    std::unique_ptr<KosPorts> ports_;
    std::unique_ptr<NativeStreams> rings_;
    std::unique_ptr<KosStreams> streams_;
    CPtr reply_;
    CPtr port_ = KOS_SLOT_PORT;  // what the loop receives from
    CPtr programs_ = 0;
    Word guard_ = 0;
    Ref<Frame> gate_;
    std::unordered_map<uint64_t, KosThread*> threads_;  // by badge's token
    static constexpr unsigned kRecent = 64;
    KosThread* recent_[kRecent] = {};  // who called last, by the token's remainder
    KosThread* current_ = nullptr;     // in the reply object
    int64_t message_result_ = 0;       // of its call, if that is by message
    bool is_message_over_ = false;
    MessageCalls const message_calls_ = message_calls();
    std::vector<Grave> graves_;
    std::vector<Ref<Thread>> moves_;
    std::vector<Objects::Object> spare_time_[kCoresMax];
    unsigned threads_on_core_[kCoresMax] = {};
    std::vector<Ref<Frame>> shim_;
    bool is_ready_ = false;
};

}  // namespace kos::lx
