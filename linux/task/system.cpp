// Processes and threads by number, and the execution of calls: from the program's svc to its return, with the sleeps
// and signals in between.
#include "task/system.h"

#include "signal/signals.h"
#include "syscalls/call.h"
#include "task/current.h"
#include "task/message_call.h"

#include <stdio.h>

#include <utility>

namespace kos::lx {

namespace {

void stop_waiting(CallProgress& progress) {
    for (size_t i = 0; i < progress.waiting; ++i) progress.waits[i]->leave();
    progress.waiting = 0;
}

// Of a call without a result that may be taken back.
inline void end_short_call(CallProgress& progress) {
    if (progress.waiting > 0) stop_waiting(progress);
    if (progress.timer.is_set()) progress.timer.cancel();
    progress.is_again = progress.is_timed_out = progress.is_uninterruptible = false;
    progress.deadline = kNever;
    progress.done = 0;
    for (uint64_t& word : progress.words) word = 0;
    if (progress.extra) progress.extra.reset();
}

void end_call(CallProgress& progress) {
    if (progress.result) progress.result->close();
    progress.is_over = false;
    end_short_call(progress);
}

bool is_restart(Errno error) { return error == Errno::kRestart || error == Errno::kRestartNoHandler; }

}  // namespace

System::System(Platform& with, FrameSource& of, TimeSource& time)
    : platform(with), frames(of), timers(time), host_name(with.host_name()) {}

// What ends with the processes wakes those who wait for it: nobody is to be run any more.
System::~System() {
    is_ending_ = true;
    ready_.clear();
    processes_.clear();
    threads_.clear();
}

Result<Ref<Process>> System::make_process(Process* parent) {
    if (processes_.size() >= kProcessesMax) return Errno::kEAGAIN;
    int const pid = next_number();
    Ref<Process> const made = make_ref<Process>(*this, pid);
    processes_.emplace(pid, made);
    made->parent = parent;
    made->started = timers.now();
    if (parent) parent->children.push_back(made);
    return made;
}

Result<Ref<Thread>> System::make_thread(Process& process) {
    return make_thread(process, process.threads.empty() && !threads_.count(process.pid) ? process.pid : next_number());
}

Result<Ref<Thread>> System::make_thread(Process& process, int tid) {
    if (threads_.size() >= kThreadsMax) return Errno::kEAGAIN;
    Ref<Thread> const made = make_ref<Thread>(process, tid);
    made->started = timers.now();
    threads_.emplace(tid, made);
    process.threads.push_back(made);
    return made;
}

int System::next_number() {
    constexpr int kMost = 32767;
    do {
        last_number_ = last_number_ >= kMost ? 2 : last_number_ + 1;
    } while (processes_.count(last_number_) || threads_.count(last_number_));
    return last_number_;
}

Process* System::find_process(int pid) {
    auto const found = processes_.find(pid);
    return found == processes_.end() ? nullptr : found->second.get();
}

Thread* System::find_thread(int tid) {
    auto const found = threads_.find(tid);
    return found == threads_.end() ? nullptr : found->second.get();
}

void System::forget(Process& process) { processes_.erase(process.pid); }

void System::forget(Thread& thread) { threads_.erase(thread.tid); }

void System::add_ready(Thread& thread) {
    if (thread.is_ready || is_ending_) return;
    thread.is_ready = true;
    ready_.emplace_back(&thread);
}

void System::run_ready() {
    while (!ready_.empty()) {
        Ref<Thread> const thread = std::move(ready_.front());
        ready_.pop_front();
        thread->is_ready = false;
        ++context_switches;
        switch (thread->state) {
            case ThreadState::kAsleep:
                stop_waiting(thread->progress);
                thread->progress.is_again = true;
                execute_call(*thread);
                if (thread->state == ThreadState::kRunning) resumed_ = thread->tid;
                break;
            case ThreadState::kInterrupted: resume_interrupted(*thread); break;
            default: break;
        }
    }
}

const Thread* System::take_resumed() {
    int const tid = std::exchange(resumed_, 0);
    const Thread* const thread = tid ? find_thread(tid) : nullptr;
    return thread && thread->state == ThreadState::kRunning ? thread : nullptr;
}

void System::abandon_call(Thread& thread) {
    if (thread.state == ThreadState::kRunning) thread.machine->interrupt();
    end_call(thread.progress);
    thread.clone_extra.reset();
    thread.clone_registers.reset();
    thread.state = ThreadState::kInCall;
}

// Each number once: a program that tries them all does not fill the log. Not rseq: glibc tries to register each thread,
// takes ENOSYS for a kernel without it, and asks getcpu instead, so nothing is missing for anybody. It cannot be had
// here: a critical section has to be taken back whenever its thread loses the processor, which only the kernel notices.
void System::report_unknown(const Thread& thread, unsigned number) {
    constexpr unsigned kRseq = 293;
    if (number == kRseq) return;
    constexpr unsigned kKnown = sizeof reported_calls_ * 8;
    unsigned const bit = number < kKnown - 1 ? number : kKnown - 1;
    uint64_t& word = reported_calls_[bit / 64];
    if (word >> bit % 64 & 1) return;
    word |= uint64_t{1} << bit % 64;
    char text[128];
    snprintf(text, sizeof text, "%s[%d] asks for system call %u, which is not there", thread.process.command.c_str(),
             thread.process.pid, number);
    platform.report(text);
}

void System::trace(const Thread& thread, const SystemCall* call, const Result<int64_t>& result) {
    char text[192];
    const uint64_t* const words = thread.call_arguments;
    int at = snprintf(text, sizeof text, "[%d] %s(%lx, %lx, %lx, %lx)", thread.tid, call ? call->name : "?",
                      static_cast<unsigned long>(words[0]), static_cast<unsigned long>(words[1]),
                      static_cast<unsigned long>(words[2]), static_cast<unsigned long>(words[3]));
    // Which file it is about says more than an address.
    bool const has_path = call && (call->number == 56 || call->number == 79 || call->number == 48);
    if (has_path && thread.process.memory) {
        if (auto const path = thread.process.memory->read_text(words[1], 100); path.ok()) {
            at += snprintf(text + at, sizeof text - static_cast<size_t>(at), " %.90s", path->c_str());
        }
    }
    if (result.error() == Errno::kRetry) {
        snprintf(text + at, sizeof text - static_cast<size_t>(at), " waits");
    } else if (!result.ok()) {
        snprintf(text + at, sizeof text - static_cast<size_t>(at), " = error %d", static_cast<int>(result.error()));
    } else {
        snprintf(text + at, sizeof text - static_cast<size_t>(at), " = %ld", static_cast<long>(*result));
    }
    platform.trace(text);
}

bool execute_message_call(Thread& thread, const SystemCall& call, int64_t& value) {
    CurrentThread const current(thread);
    Ref<Thread> const held(&thread);
    if (has_left_call(thread)) forget_unfinished(thread);
    thread.state = ThreadState::kInCall;
    ++thread.process.system.calls_executed;
    Call context(thread);
    Result<int64_t> const result = call.handler(context);
    if (thread.state == ThreadState::kDead) return false;
    if (result.error() == Errno::kRetry || is_restart(result.error())) {
        // What it has done so far it remembers; nobody wakes it before it is back.
        stop_waiting(thread.progress);
        thread.progress.is_again = true;
        return false;
    }
    end_short_call(thread.progress);
    value = result.ok() ? *result : -static_cast<int64_t>(result.error());
    return true;
}

void go_on(Thread& thread) {
    thread.state = ThreadState::kAsleep;  // as if it had slept since
    thread.process.system.execute_call(thread);
}

void forget_unfinished(Thread& thread) { end_call(thread.progress); }

void System::execute_call(Thread& thread) {
    CurrentThread const current(thread);
    Ref<Thread> const held(&thread);  // it may end in here
    if (has_left_call(thread)) forget_unfinished(thread);
    thread.state = ThreadState::kInCall;
    ++calls_executed;
    Result<int64_t> result = Errno::kENOSYS;
    const SystemCall* const call = find_system_call(thread.call_number);
    if (call) {
        Call context(thread);
        result = call->handler(context);
    } else {
        report_unknown(thread, thread.call_number);
    }
    if (is_traced) trace(thread, call, result);
    if (thread.state == ThreadState::kDead) return;
    if (result.error() == Errno::kRetry) {
        thread.state = ThreadState::kAsleep;
        return;
    }
    finish(thread, result.ok() ? *result : 0, result.error());
}

void System::finish(Thread& thread, int64_t value, Errno error) {
    stop_waiting(thread.progress);
    if (error == Errno::kNoResult) {
        thread.machine->set_no_result();
    } else if (!is_restart(error)) {
        thread.machine->set_result(error == Errno::kOK ? value : -static_cast<int64_t>(error));
    }
    bool const has_signal = is_restart(error) || must_deliver(thread);
    if (has_signal && !deliver_signals(thread, error)) {
        // Executed again, now or when the process goes on: it remembers. Else it is over.
        bool const goes_on = thread.state == ThreadState::kAsleep || thread.signals.is_stopped_in_call;
        if (thread.state != ThreadState::kDead && !goes_on) end_call(thread.progress);
        return;
    }
    CallProgress& progress = thread.progress;
    if (progress.result && progress.result->is_open() && !has_signal) {
        // All is kept until its thread has made another call, or the result is taken back.
        progress.is_over = true;
        if (progress.timer.is_set()) progress.timer.cancel();
    } else {
        end_call(progress);
    }
    thread.state = ThreadState::kRunning;
    thread.machine->resume();
}

void System::fault(Thread& thread, int signal, int code, uint64_t address) {
    CurrentThread const current(thread);
    Ref<Thread> const held(&thread);
    thread.state = ThreadState::kInCall;
    SignalInfo info;
    info.signal = signal;
    info.code = code;
    info.address = address;
    force_signal(thread, info);
    if (!deliver_signals(thread)) return;
    thread.state = ThreadState::kRunning;
    thread.machine->resume();
}

}  // namespace kos::lx
