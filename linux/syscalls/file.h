// Handlers of the file family that stand outside file.cpp, whose table has them all.
#pragma once

#include "syscalls/call.h"

namespace kos::lx {

// A buffer of which only the first bytes are to be used.
class PartOfBuffer final : public IoBuffer {
public:
    PartOfBuffer(IoBuffer& whole, size_t most)
        : IoBuffer(whole.remaining() < most ? whole.remaining() : most), whole_(whole) {}
    Result<std::span<std::byte>> window(size_t most) override {
        return whole_.window(most < remaining() ? most : remaining());
    }
    void advance(size_t bytes) override {
        whole_.advance(bytes);
        count(bytes);
    }

private:
    IoBuffer& whole_;
};

// RLIMIT_FSIZE: kEFBIG and SIGXFSZ if a file may not become that long.
Status check_file_size(Call& call, uint64_t size);
// How many of `bytes` may be written at `offset` of a regular file; kEFBIG (with SIGXFSZ) if none.
Result<size_t> allowed_bytes(Call& call, const File& file, uint64_t offset, size_t bytes);
// What a write gave: SIGPIPE for kEPIPE.
Errno write_error(Call& call, Errno error);

// file_transfer.cpp: from file to file
Result<int64_t> sys_sendfile(Call& call);
Result<int64_t> sys_splice(Call& call);
Result<int64_t> sys_tee(Call& call);
Result<int64_t> sys_vmsplice(Call& call);
Result<int64_t> sys_copy_file_range(Call& call);

// file_control.cpp
Result<int64_t> sys_ioctl(Call& call);
Result<int64_t> sys_getdents64(Call& call);
Result<int64_t> sys_flock(Call& call);
Result<int64_t> lock_of_fcntl(Call& call, const Ref<File>& file, unsigned command);  // F_SETLK and the like

}  // namespace kos::lx
