// Terminals: files, reading and writing, sessions. Settings: terminal_control.cpp.
#include "tty/terminal.h"

#include "signal/signals.h"
#include "task/current.h"
#include "task/relations.h"
#include "task/system.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kReadable = kPOLLIN | kPOLLRDNORM, kWritable = kPOLLOUT | kPOLLWRNORM;
constexpr size_t kRoomToWrite = 1024;  // below it, writers are not told of room
constexpr Nanoseconds kTenth = 100'000'000;

}  // namespace

Terminal::Terminal(System& system, uint64_t device_number)
    : system_(system), device_number_(device_number), line_(*this) {}

Terminal::~Terminal() {
    if (session_ && session_->terminal == this) session_->terminal = nullptr;
}

Result<Ref<File>> Terminal::open(uint32_t flags, Process& process) {
    KOS_TRY_STATUS(check_open());
    auto file = make_ref<TerminalFile>(Ref<Terminal>(this), flags);
    Session* const session = process.session.get();
    bool const is_leader = session && session->id == process.pid;
    if (!(flags & kO_NOCTTY) && is_leader && !session->terminal && !session_) (void)take_session(process, 0);
    return Ref<File>(file);
}

void Terminal::wake(uint32_t events) {
    for (TerminalFile* file : files_) file->queue_.wake(events);
}

size_t Terminal::received(std::span<const uint8_t> bytes) {
    size_t const taken = line_.receive(bytes);
    if (line_.output_size()) output_ready();
    if (line_.available()) wake(kReadable);
    return taken;
}

void Terminal::output_sent() {
    if (line_.output_room() >= kRoomToWrite) wake(kWritable);
}

void Terminal::flow_changed(bool is_stopped) {
    output_stopped(is_stopped);
    if (!is_stopped) output_ready();
}

void Terminal::hang_up() {
    for (TerminalFile* file : files_) file->is_hung_up_ = true;
    if (Ref<Session> const session = session_) {
        if (Process* const leader = system_.find_process(session->id)) {
            send_signal(*leader, kernel_signal(kSIGHUP));
            send_signal(*leader, kernel_signal(kSIGCONT));
        }
        // The rest of the session hears of it from its leader.
        if (session->terminal == this) session->terminal = nullptr;
        session->foreground_group = 0;
        session_ = nullptr;
    }
    line_.flush_input();
    line_.flush_output();
    wake(kReadable | kWritable | kPOLLHUP | kPOLLERR);
}

// --- Sessions

void Terminal::signal_foreground(int signal) {
    if (int const group = foreground()) signal_group(system_, group, kernel_signal(signal));
}

void Terminal::leave_session() {
    Ref<Session> const session = std::move(session_);
    session_ = nullptr;
    if (!session) return;
    int const group = session->foreground_group;
    if (session->terminal == this) session->terminal = nullptr;
    session->foreground_group = 0;
    if (group == 0) return;
    signal_group(system_, group, kernel_signal(kSIGHUP));
    signal_group(system_, group, kernel_signal(kSIGCONT));
}

Status Terminal::check_foreground(int signal) {
    Thread* const thread = current_thread();
    if (!thread) return {};
    Process& process = thread->process;
    if (!process.session || process.session->terminal != this) return {};
    if (foreground() == 0 || process.group == foreground()) return {};
    if (thread->signals.blocked & signal_bit(signal) || is_ignored(process, signal)) {
        return signal == kSIGTTIN ? Errno::kEIO : Status();
    }
    if (is_orphaned(system_, process.group)) return Errno::kEIO;
    signal_group(system_, process.group, kernel_signal(signal));
    return Errno::kRestart;
}

void session_ends(Session& session) {
    if (Terminal* const terminal = session.terminal) terminal->leave_session();
}

Result<Ref<File>> open_controlling_terminal(Inode&, uint32_t flags, Process& process) {
    if (!process.session || !process.session->terminal) return Errno::kENXIO;
    return process.session->terminal->open(flags | kO_NOCTTY, process);
}

// --- Files

TerminalFile::TerminalFile(Ref<Terminal> terminal, uint32_t open_flags)
    : terminal_(std::move(terminal)), patience_(*this) {
    flags = open_flags & (kO_ACCMODE | kO_NONBLOCK | kO_APPEND | kO_ASYNC | kO_SYNC);
    terminal_->files_.push_back(this);
    terminal_->file_opened();
}

TerminalFile::~TerminalFile() {
    std::erase(terminal_->files_, this);
    terminal_->file_closed();
}

Result<Attributes> TerminalFile::attributes() {
    if (location.is_set()) return File::attributes();
    Attributes attributes;
    attributes.mode = kS_IFCHR | 0620;
    attributes.device_number = terminal_->device_number();
    return attributes;
}

Result<size_t> TerminalFile::read(IoBuffer& to) {
    if (is_hung_up_) return size_t{0};
    KOS_TRY_STATUS(terminal_->check_foreground(kSIGTTIN));
    if (to.remaining() == 0) return size_t{0};
    Line& line = terminal_->line_;
    if (!line.is_canonical()) return read_raw(to);
    if (!line.has_line()) return Errno::kEAGAIN;
    KOS_TRY(size_t const bytes, line.read(to));
    terminal_->input_taken();
    return bytes;
}

void TerminalFile::Patience::expired() {
    is_over = true;
    file_.queue_.wake(kReadable);
}

// VMIN and VTIME (termios(3), noncanonical mode).
Result<size_t> TerminalFile::read_raw(IoBuffer& to) {
    Line& line = terminal_->line_;
    size_t const least = line.settings().characters[kVMIN];
    Nanoseconds const time = line.settings().characters[kVTIME] * kTenth;
    size_t const there = line.available();
    size_t needed = std::max<size_t>(1, std::min(least, to.remaining()));
    if (is_non_blocking()) needed = 1;
    if (there < needed) {
        if (least == 0 && time == 0) return size_t{0};
        if (is_non_blocking()) return Errno::kEAGAIN;
        if (time == 0) return Errno::kEAGAIN;
        Thread* const thread = current_thread();
        bool const is_mine = thread && patience_.reader == thread && thread->progress.is_again;
        if (!is_mine) {
            patience_.cancel();
            patience_.is_over = false;
            patience_.reader = thread;
        }
        // Without a minimum it runs from the beginning, else from each byte to the next.
        bool const may_end = least == 0 || there > 0;
        if (!patience_.is_over || !may_end) {
            if (least == 0 ? !patience_.is_set() : there > 0) {
                Timers& timers = terminal_->system().timers;
                timers.set(patience_, timers.now() + time);
            }
            return Errno::kEAGAIN;
        }
    }
    patience_.cancel();
    patience_.is_over = false;
    patience_.reader = nullptr;
    if (there == 0) return size_t{0};
    KOS_TRY(size_t const bytes, line.read(to));
    terminal_->input_taken();
    return bytes;
}

Result<size_t> TerminalFile::write(IoBuffer& from) {
    if (is_hung_up_) return Errno::kEIO;
    Line& line = terminal_->line_;
    if (line.settings().local & kTOSTOP) KOS_TRY_STATUS(terminal_->check_foreground(kSIGTTOU));
    if (from.remaining() == 0) return size_t{0};
    size_t done = 0;
    while (from.remaining()) {
        auto const moved = line.write(from);
        if (!moved.ok()) return done ? Result<size_t>(done) : moved.error();
        if (line.output_size()) terminal_->output_ready();
        if (*moved == 0) break;
        done += *moved;
    }
    if (done == 0) return Errno::kEAGAIN;
    return done;
}

uint32_t TerminalFile::poll() {
    if (is_hung_up_) return kReadable | kWritable | kPOLLERR | kPOLLHUP;
    Line& line = terminal_->line_;
    uint32_t events = 0;
    size_t needed = 1;
    uint8_t const* const characters = line.settings().characters;
    if (!line.is_canonical() && characters[kVTIME] == 0 && characters[kVMIN]) needed = characters[kVMIN];
    if (line.available() >= needed) events |= kReadable;
    if (line.output_room() >= kRoomToWrite) events |= kWritable;
    return events;
}

Result<int64_t> TerminalFile::ioctl(Call& call, uint32_t request, uint64_t argument) {
    if (is_hung_up_) return request == kTIOCSPGRP ? Errno::kENOTTY : Errno::kEIO;
    return terminal_->control(call, *this, request, argument, false);
}

}  // namespace kos::lx
