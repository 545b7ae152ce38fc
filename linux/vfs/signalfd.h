// signalfd(2): pending signals as bytes to read.
#pragma once

#include "signal/state.h"
#include "vfs/file.h"

#include <memory>
#include <vector>

namespace kos::lx {

class Process;

// Each process (and thread) that reads or polls it sees its own signals, also if it got the file by fork(2).
class SignalFile final : public File {
public:
    SignalFile(SignalSet wanted, uint32_t open_flags);

    void set_wanted(SignalSet wanted);
    Result<size_t> read(IoBuffer& to) override;  // struct signalfd_siginfo, as many as fit; kEINVAL if none does
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    SignalFile* as_signal_file() override { return this; }
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override { return "anon_inode:[signalfd]"; }
    std::string details() const override;

private:
    // In a process's queue of arriving signals.
    class Watch final : public WaitEntry {
    public:
        explicit Watch(SignalFile& file) : file_(file) {}
        bool woken(uint32_t) override {
            file_.queue_.wake(kPOLLIN | kPOLLRDNORM);
            return true;
        }

    private:
        SignalFile& file_;
    };
    void watch(Process& process);

    SignalSet wanted_;
    std::vector<std::unique_ptr<Watch>> watches_;
    Attributes attributes_;
};

}  // namespace kos::lx
