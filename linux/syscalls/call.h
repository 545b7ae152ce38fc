// A system call that is being executed: its arguments, and how a handler waits.
//
// A handler is executed from its beginning each time: first when the program makes the call, then again whenever what
// it waits for may have happened. It must not change anything before it waits, other than `progress`. To wait it calls
// wait_for / set_deadline and then returns sleep():
//
//     while queue is empty: call.wait_for(queue, kPOLLIN); return call.sleep();
//
// sleep() gives kRetry, or without waiting what ends the call: kETIMEDOUT (deadline; handlers make of it what their
// call says) or kRestart / kRestartNoHandler (a signal), which the end of the call turns into EINTR or into another
// execution.
#pragma once

#include "mm/address_space.h"
#include "mm/user_buffer.h"
#include "task/process.h"
#include "task/thread.h"
#include "vfs/file.h"

namespace kos::lx {

struct Call {
    explicit Call(Thread& of) : thread(of), progress(of.progress) {}

    Thread& thread;
    CallProgress& progress;

    Process& process() { return thread.process; }
    AddressSpace& memory() { return *thread.process.memory; }
    uint64_t argument(unsigned index) const { return thread.call_arguments[index]; }
    template <class T>
    T argument_as(unsigned index) const {
        return static_cast<T>(thread.call_arguments[index]);
    }

    // --- Arguments of common kinds.
    Result<Ref<File>> file(unsigned index);      // kEBADF; not of O_PATH
    Result<Ref<File>> any_file(unsigned index);  // also O_PATH
    Result<std::string> path(unsigned index);    // kEFAULT, kENAMETOOLONG; may be empty
    Result<std::string> text(unsigned index, size_t most);
    Result<Location> directory(unsigned index);  // dirfd argument, AT_FDCWD too; kEBADF, kENOTDIR
    template <class T>
    Result<T> read_user(uint64_t address) {
        T value;
        KOS_TRY_STATUS(memory().copy_in(&value, address, sizeof value));
        return value;
    }
    template <class T>
    Status write_user(uint64_t address, const T& value) {
        return memory().copy_out(address, &value, sizeof value);
    }

    // --- Waiting.
    void wait_for(WaitQueue& queue, uint32_t events = ~0u);
    void set_deadline(Nanoseconds when);  // first execution only; later ones change nothing
    bool timed_out() const { return progress.is_timed_out; }
    enum class Interrupted : uint8_t { kRestart, kRestartNoHandler, kEINTR, kNotAtAll };
    Errno sleep(Interrupted how = Interrupted::kRestart);
    // In which a wait's result is remembered that can be taken back until its thread runs; nullptr: it runs at once.
    UnseenResult* unseen_result();
    // A signal would end a wait now.
    bool has_signal() const;

    // `file` cannot do what was asked before one of `events` holds: kEAGAIN if it is non-blocking (or `dont_wait`),
    // else waits.
    Errno wait_for_file(File& file, uint32_t events, bool dont_wait = false);
};

enum class Support : uint8_t { kFull, kPartial };

struct SystemCall {
    unsigned number;
    const char* name;
    Result<int64_t> (*handler)(Call& call);
    Support support;
    const char* note;  // what is missing (partial); of the published table
};

// All that exist, by number; nullptr: ENOSYS. Made of the families' tables (syscalls/FAMILY.cpp, each ends with its
// KOS_SYSTEM_CALLS).
const SystemCall* find_system_call(unsigned number);

}  // namespace kos::lx
