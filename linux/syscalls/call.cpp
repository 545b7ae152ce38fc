// Arguments of common kinds, and waiting (call.h).
#include "syscalls/call.h"

#include "net/socket.h"
#include "signal/signals.h"
#include "task/system.h"

namespace kos::lx {

namespace {

constexpr int kAtWorkingDirectory = -100;  // AT_FDCWD

}  // namespace

bool ThreadWait::woken(uint32_t) {
    if (thread_.state != ThreadState::kAsleep || thread_.is_ready) return false;
    thread_.wake();
    return true;
}

void ThreadTimer::expired() {
    thread_.progress.is_timed_out = true;
    thread_.wake();
}

bool ThreadResult::take_back() {
    if (thread_.state != ThreadState::kRunning || !thread_.progress.is_over) return false;
    if (!thread_.machine || !thread_.machine->take_back_result()) return false;
    thread_.progress.is_over = false;
    thread_.state = ThreadState::kAsleep;
    thread_.wake();
    return true;
}

Result<Ref<File>> Call::any_file(unsigned index) { return process().files->get(argument_as<int>(index)); }

Result<Ref<File>> Call::file(unsigned index) {
    KOS_TRY(Ref<File> found, any_file(index));
    if (found->flags & kO_PATH) return Errno::kEBADF;
    return found;
}

Result<std::string> Call::path(unsigned index) { return text(index, kPathMax); }

Result<std::string> Call::text(unsigned index, size_t most) { return memory().read_text(argument(index), most); }

Result<Location> Call::directory(unsigned index) {
    if (argument_as<int>(index) == kAtWorkingDirectory) return process().paths->context.working;
    KOS_TRY(Ref<File> found, any_file(index));
    return found->location;
}

void Call::wait_for(WaitQueue& queue, uint32_t events) {
    if (progress.waiting == progress.waits.size()) progress.waits.push_back(std::make_unique<ThreadWait>(thread));
    queue.add(*progress.waits[progress.waiting++], events);
}

void Call::set_deadline(Nanoseconds when) {
    if (!progress.is_again) progress.deadline = when;
}

UnseenResult* Call::unseen_result() {
    if (!progress.is_again) return nullptr;
    if (!progress.result) progress.result = std::make_unique<ThreadResult>(thread);
    return progress.result.get();
}

bool Call::has_signal() const { return has_deliverable(thread); }

Errno Call::sleep(Interrupted how) {
    if (how != Interrupted::kNotAtAll && has_signal()) {
        switch (how) {
            case Interrupted::kRestart: return Errno::kRestart;
            case Interrupted::kRestartNoHandler: return Errno::kRestartNoHandler;
            default: return Errno::kEINTR;
        }
    }
    // Whatever it waits for: it never goes back to its program.
    if (thread.process.signals.is_exiting) return Errno::kEINTR;
    if (progress.is_timed_out) return Errno::kETIMEDOUT;
    if (progress.deadline != kNever) {
        Timers& timers = thread.process.system.timers;
        if (timers.now() >= progress.deadline) {
            progress.is_timed_out = true;
            return Errno::kETIMEDOUT;
        }
        if (!progress.timer.is_set()) timers.set(progress.timer, progress.deadline);
    }
    progress.is_uninterruptible = how == Interrupted::kNotAtAll;
    return Errno::kRetry;
}

Errno Call::wait_for_file(File& file, uint32_t events, bool dont_wait) {
    if (dont_wait || file.is_non_blocking()) return Errno::kEAGAIN;
    wait_for(file.queue(), events | kPOLLERR | kPOLLHUP);
    Nanoseconds limit = 0;
    if (const Socket* const socket = file.as_socket()) {
        limit = events & kPOLLOUT ? socket->send_timeout : socket->receive_timeout;
    }
    if (limit == 0) return sleep();
    Nanoseconds const now = thread.process.system.timers.now();
    set_deadline(limit < kNever - now ? now + limit : kNever - 1);
    Errno const error = sleep(Interrupted::kEINTR);
    return error == Errno::kETIMEDOUT ? Errno::kEAGAIN : error;
}

}  // namespace kos::lx
