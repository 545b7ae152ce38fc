// Pseudo terminals (pty(7), ptmx(4)): a terminal whose device is a program, which has the master side open; and devpts,
// the file system of their names.
#pragma once

#include "tty/terminal.h"
#include "vfs/inode.h"

namespace kos::lx {

class PtyMaster;

constexpr uint32_t kPtsMajor = 136;
constexpr int kPtysMax = 256;  // kENOSPC

class Pty final : public Terminal {
public:
    Pty(System& system, int number, uint32_t uid, uint32_t gid);
    ~Pty() override;

    Status check_open() override;
    int number() const { return number_; }
    uint32_t uid() const { return uid_; }
    uint32_t gid() const { return gid_; }
    // nullptr: there is none of that number, or its master has gone.
    static Pty* find(int number);
    static Pty* next(int number);  // the first one from `number` on
    static Result<int> free_number();

private:
    friend class PtyMaster;
    void output_ready() override;
    void input_taken() override;
    void file_opened() override;
    void file_closed() override;
    void flushed(int which) override;
    void output_stopped(bool is_stopped) override;
    void settings_changed(const Termios& before) override;
    void tell_packet(uint8_t status, uint8_t instead_of);

    int const number_;
    uint32_t const uid_, gid_;
    PtyMaster* master_ = nullptr;
    bool is_locked_ = true;
    bool was_open_ = false;  // since it was made, by somebody
};

// What opening /dev/ptmx gives.
class PtyMaster final : public File {
public:
    static Result<Ref<File>> create(System& system, const Credentials& owner, uint32_t open_flags);
    ~PtyMaster() override;

    Result<size_t> read(IoBuffer& to) override;     // what the terminal's programs wrote; kEIO once none has it open
    Result<size_t> write(IoBuffer& from) override;  // what its user types
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Pty& terminal() { return *pty_; }

private:
    friend class Pty;
    PtyMaster(Ref<Pty> pty, uint32_t open_flags);
    bool is_closed() const { return pty_->was_open_ && pty_->open_files() == 0; }

    Ref<Pty> pty_;
    bool is_packet_ = false;     // TIOCPKT
    uint8_t packet_status_ = 0;  // kTIOCPKT_* to tell
};

// The file system of /dev/pts.
Ref<FileSystem> make_devpts(System& system);

// Registers what opens terminals (/dev/ptmx, /dev/pts/N, /dev/tty) and FIFOs. When the system starts.
void register_terminals();
// The terminal that /dev/console is.
void register_console(Ref<Terminal> console);

}  // namespace kos::lx
