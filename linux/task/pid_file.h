// pidfd_open(2): a process as an open file, readable once the process has ended.
#pragma once

#include "task/process.h"
#include "vfs/file.h"

namespace kos::lx {

class PidFile final : public File {
public:
    explicit PidFile(Process& process);

    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Process* as_process() override { return process_.get(); }

private:
    class AtEnd final : public WaitEntry {
    public:
        explicit AtEnd(PidFile& of) : file_(of) {}
        bool woken(uint32_t) override {
            file_.queue_.wake(kPOLLIN | kPOLLRDNORM);
            return true;
        }

    private:
        PidFile& file_;
    };
    Ref<Process> process_;
    AtEnd at_end_;
};

}  // namespace kos::lx
