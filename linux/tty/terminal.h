// Terminals as programs see them: open files, settings, window size, and the controlling terminal of a session with its
// foreground group (termios(3), ioctl_tty(2), credentials(7)).
//
// What is behind a terminal - the system's console (console.h), or the master side of a pseudo terminal (pty.h) -
// derives from Terminal.
#pragma once

#include "task/process.h"
#include "time/clock.h"
#include "tty/line.h"
#include "vfs/file.h"

#include <vector>

namespace kos::lx {

class System;
class Thread;
class TerminalFile;

class Terminal : public Counted, private Line::Owner {
public:
    Terminal(System& system, uint64_t device_number);

    // An open file of it (open(2)). Becomes the process's controlling terminal if it leads a session without one and
    // `flags` has no kO_NOCTTY. kEIO: it cannot be opened now.
    Result<Ref<File>> open(uint32_t flags, Process& process);
    virtual Status check_open() { return {}; }

    // --- The device's side.
    size_t received(std::span<const uint8_t> bytes);  // as Line::receive
    void output_sent();                               // the device has taken some of line().output()
    Line& line() { return line_; }
    // The line is gone: SIGHUP and SIGCONT to the session, files at their end.
    void hang_up();

    // --- Sessions.
    Session* session() const { return session_.get(); }
    int foreground() const { return session_ ? session_->foreground_group : 0; }
    void signal_foreground(int signal);
    // The session gives it up: TIOCNOTTY of its leader, or the leader's end. SIGHUP and SIGCONT to the foreground
    // group.
    void leave_session();
    // tcsetattr(3) and the like by a background process: kRestart with SIGTTOU sent, kEIO; reading: SIGTTIN.
    Status check_foreground(int signal);

    // Calls of ioctl(2) that act on the terminal, whichever side asks. kENOTTY: none of them.
    Result<int64_t> control(Call& call, File& file, uint32_t request, uint64_t argument, bool is_master);

    uint64_t device_number() const { return device_number_; }
    System& system() { return system_; }
    size_t open_files() const { return files_.size(); }

protected:
    ~Terminal() override;
    // There is (more) output for the device, or flow control has changed.
    virtual void output_ready() = 0;
    virtual void input_taken() {}  // programs have read: there is room again
    virtual void file_opened() {}
    virtual void file_closed() {}
    virtual void flushed(int /*which*/) {}  // TCFLSH's argument
    virtual void output_stopped(bool /*is_stopped*/) {}
    virtual void settings_changed(const Termios& /*before*/) {}
    virtual size_t undelivered() { return 0; }  // output that a drain waits for
    void wake(uint32_t events);

private:
    friend class TerminalFile;
    void key_signal(int signal) override { signal_foreground(signal); }
    void flow_changed(bool is_stopped) override;
    Result<int64_t> set_termios(Call& call, File& file, uint32_t request, uint64_t argument);
    Result<int64_t> control_session(Call& call, uint32_t request, uint64_t argument, bool is_master);
    Result<int64_t> take_session(Process& process, uint64_t argument);
    Result<int64_t> flush(uint64_t which);
    Errno drain(Call& call, File& file);

    System& system_;
    uint64_t const device_number_;
    Line line_;
    WindowSize size_;
    Ref<Session> session_;
    std::vector<TerminalFile*> files_;
    bool is_exclusive_ = false;
};

class TerminalFile final : public File {
public:
    TerminalFile(Ref<Terminal> terminal, uint32_t open_flags);
    ~TerminalFile() override;

    Result<size_t> read(IoBuffer& to) override;
    Result<size_t> write(IoBuffer& from) override;
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Result<Attributes> attributes() override;

private:
    friend class Terminal;
    // VTIME: the reader's patience.
    class Patience final : public Timer {
    public:
        explicit Patience(TerminalFile& file) : file_(file) {}
        void expired() override;
        bool is_over = false;
        const Thread* reader = nullptr;

    private:
        TerminalFile& file_;
    };

    Result<size_t> read_raw(IoBuffer& to);

    Ref<Terminal> terminal_;
    bool is_hung_up_ = false;
    Patience patience_;
};

// The session's leader ends.
void session_ends(Session& session);

// open(2) of /dev/tty: the process's controlling terminal; kENXIO.
Result<Ref<File>> open_controlling_terminal(Inode& inode, uint32_t flags, Process& process);

}  // namespace kos::lx
