// Pseudo terminals.
#include "tty/pty.h"

#include "syscalls/call.h"
#include "task/system.h"
#include "vfs/dentry.h"
#include "vfs/devices.h"
#include "vfs/pipe.h"

#include <array>
#include <string>

namespace kos::lx {

namespace {

constexpr std::string_view kDevptsName = "devpts";
constexpr uint32_t kReadable = kPOLLIN | kPOLLRDNORM, kWritable = kPOLLOUT | kPOLLWRNORM;
constexpr uint8_t kTIOCPKT_FLUSHREAD = 1, kTIOCPKT_FLUSHWRITE = 2, kTIOCPKT_STOP = 4, kTIOCPKT_START = 8,
                  kTIOCPKT_NOSTOP = 16, kTIOCPKT_DOSTOP = 32;

// TIOCPKT: the keys ^S and ^Q do what the master's user expects of them.
bool has_usual_flow(const Termios& termios) {
    return termios.input & kIXON && termios.characters[kVSTOP] == 023 && termios.characters[kVSTART] == 021;
}

std::array<Pty*, kPtysMax>& ptys() {
    static std::array<Pty*, kPtysMax> all{};
    return all;
}

// The terminal's name in the devpts that its master is of, or that is mounted at "pts" beside it. Unset: there is none,
// and what is opened has no name (ttyname(3)).
Location name_of(PtyMaster& master) {
    const Location& own = master.location;
    if (!own.is_set() || !own.mount || !own.dentry->parent()) return {};
    Location directory{own.mount, Ref<Dentry>(own.dentry->parent())};
    if (own.mount->file_system().type_name() != kDevptsName) {
        auto const place = Dentry::find(*directory.dentry, "pts");
        Mount* const mount = place.ok() ? own.mount->mounted_at(**place) : nullptr;
        if (!mount || mount->file_system().type_name() != kDevptsName) return {};
        directory = {Ref<Mount>(mount), Ref<Dentry>(&mount->root())};
    }
    auto const found = Dentry::find(*directory.dentry, std::to_string(master.terminal().number()));
    if (!found.ok() || !(*found)->inode()) return {};
    return {directory.mount, *found};
}

}  // namespace

Pty::Pty(System& system, int number, uint32_t uid, uint32_t gid)
    : Terminal(system, make_device(kPtsMajor, static_cast<uint32_t>(number))), number_(number), uid_(uid), gid_(gid) {
    ptys()[static_cast<size_t>(number)] = this;
}

Pty::~Pty() {
    if (find(number_) == this) ptys()[static_cast<size_t>(number_)] = nullptr;
}

Pty* Pty::find(int number) { return number >= 0 && number < kPtysMax ? ptys()[static_cast<size_t>(number)] : nullptr; }

Pty* Pty::next(int number) {
    for (; number < kPtysMax; ++number) {
        if (Pty* const pty = find(number)) return pty;
    }
    return nullptr;
}

Result<int> Pty::free_number() {
    for (int number = 0; number < kPtysMax; ++number) {
        if (!find(number)) return number;
    }
    return Errno::kENOSPC;
}

Status Pty::check_open() {
    if (!master_ || is_locked_) return Errno::kEIO;
    return {};
}

void Pty::output_ready() {
    if (!line().output().empty() && master_) master_->queue_.wake(kReadable);
}

void Pty::input_taken() {
    if (master_) master_->queue_.wake(kWritable);
}

void Pty::file_opened() { was_open_ = true; }

void Pty::file_closed() {
    if (open_files() == 0 && master_) master_->queue_.wake(kReadable | kPOLLHUP);
}

void Pty::tell_packet(uint8_t status, uint8_t instead_of) {
    if (!master_ || !master_->is_packet_) return;
    master_->packet_status_ = static_cast<uint8_t>((master_->packet_status_ & ~instead_of) | status);
    master_->queue_.wake(kReadable | kPOLLPRI);
}

void Pty::flushed(int which) {
    if (which != 1) tell_packet(kTIOCPKT_FLUSHREAD, 0);
    if (which != 0) tell_packet(kTIOCPKT_FLUSHWRITE, 0);
}

void Pty::output_stopped(bool is_stopped) {
    tell_packet(is_stopped ? kTIOCPKT_STOP : kTIOCPKT_START, kTIOCPKT_STOP | kTIOCPKT_START);
}

void Pty::settings_changed(const Termios& before) {
    bool const now = has_usual_flow(line().settings());
    if (now == has_usual_flow(before)) return;
    tell_packet(now ? kTIOCPKT_DOSTOP : kTIOCPKT_NOSTOP, kTIOCPKT_DOSTOP | kTIOCPKT_NOSTOP);
}

// --- The master

Result<Ref<File>> PtyMaster::create(System& system, const Credentials& owner, uint32_t open_flags) {
    KOS_TRY(int const number, Pty::free_number());
    auto pty = make_ref<Pty>(system, number, owner.fsuid, owner.fsgid);
    return Ref<File>(new PtyMaster(std::move(pty), open_flags));
}

PtyMaster::PtyMaster(Ref<Pty> pty, uint32_t open_flags) : pty_(std::move(pty)) {
    flags = open_flags & (kO_ACCMODE | kO_NONBLOCK);
    pty_->master_ = this;
}

PtyMaster::~PtyMaster() {
    pty_->master_ = nullptr;
    // The name goes at once, the terminal when its last file does.
    ptys()[static_cast<size_t>(pty_->number())] = nullptr;
    pty_->hang_up();
}

Result<size_t> PtyMaster::read(IoBuffer& to) {
    if (to.remaining() == 0) return size_t{0};
    if (packet_status_) {
        KOS_TRY(size_t const moved, to.out(&packet_status_, 1));
        packet_status_ = 0;
        return moved;
    }
    Line& line = pty_->line();
    if (line.output().empty()) return is_closed() ? Errno::kEIO : Errno::kEAGAIN;
    size_t done = 0;
    if (is_packet_) {
        uint8_t const data = 0;
        KOS_TRY(done, to.out(&data, 1));
    }
    while (to.remaining() && !line.output().empty()) {
        auto const bytes = line.output();
        auto const moved = to.out(bytes.data(), bytes.size());
        if (!moved.ok()) {
            if (done == 0) return moved.error();
            break;
        }
        line.sent(*moved);
        done += *moved;
        if (*moved < bytes.size()) break;
    }
    pty_->output_sent();
    return done;
}

Result<size_t> PtyMaster::write(IoBuffer& from) {
    size_t done = 0;
    while (from.remaining()) {
        auto const window = from.window(4096);
        if (!window.ok()) return done ? Result<size_t>(done) : window.error();
        size_t const taken = pty_->received({reinterpret_cast<const uint8_t*>(window->data()), window->size()});
        if (taken == 0) {
            if (done == 0) return Errno::kEAGAIN;
            break;
        }
        from.advance(taken);
        done += taken;
    }
    return done;
}

uint32_t PtyMaster::poll() {
    uint32_t events = 0;
    if (packet_status_) events |= kReadable | kPOLLPRI;
    if (!pty_->line().output().empty()) events |= kReadable;
    if (pty_->line().room()) events |= kWritable;
    if (is_closed()) events |= kPOLLHUP;
    return events;
}

Result<int64_t> PtyMaster::ioctl(Call& call, uint32_t request, uint64_t argument) {
    switch (request) {
        case kTIOCGPTN:
            KOS_TRY_STATUS(call.write_user(argument, static_cast<uint32_t>(pty_->number())));
            return int64_t{0};
        case kTIOCSPTLCK: {
            KOS_TRY(int32_t const is_locked, call.read_user<int32_t>(argument));
            pty_->is_locked_ = is_locked != 0;
            return int64_t{0};
        }
        case kTIOCGPTLCK: KOS_TRY_STATUS(call.write_user(argument, int32_t{pty_->is_locked_})); return int64_t{0};
        case kTIOCPKT: {
            KOS_TRY(int32_t const is_packet, call.read_user<int32_t>(argument));
            is_packet_ = is_packet != 0;
            packet_status_ = 0;
            return int64_t{0};
        }
        case kTIOCGPKT: KOS_TRY_STATUS(call.write_user(argument, int32_t{is_packet_})); return int64_t{0};
        case kTIOCSIG: {
            int const signal = static_cast<int>(argument);
            if (signal != kSIGINT && signal != kSIGQUIT && signal != kSIGTSTP) return Errno::kEINVAL;
            pty_->signal_foreground(signal);
            return int64_t{0};
        }
        case kTIOCGPTPEER: {
            uint32_t const open_flags = static_cast<uint32_t>(argument) & ~kO_PATH;
            Location const name = name_of(*this);
            KOS_TRY(auto file, name.is_set() ? open_location(call.process(), name, open_flags)
                                             : pty_->open(open_flags, call.process()));
            KOS_TRY(int const fd, call.process().files->add(std::move(file), argument & kO_CLOEXEC));
            return int64_t{fd};
        }
        case kTIOCINQ:
            KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(pty_->line().output_size())));
            return int64_t{0};
        default: return pty_->control(call, *this, request, argument, true);
    }
}

// --- Opening by number

namespace {

Ref<Terminal>& console() {
    static Ref<Terminal> terminal;
    return terminal;
}

Result<Ref<File>> open_console_device(Inode&, uint32_t flags, Process& process) {
    if (!console()) return Errno::kENXIO;
    return console()->open(flags, process);
}

Result<Ref<File>> open_ptmx(Inode&, uint32_t flags, Process& process) {
    return PtyMaster::create(process.system, process.credentials, flags);
}

Result<Ref<File>> open_pts(Inode& inode, uint32_t flags, Process& process) {
    KOS_TRY(auto const attributes, inode.attributes());
    Pty* const pty = Pty::find(static_cast<int>(minor_of(attributes.device_number)));
    if (!pty) return Errno::kEIO;
    return pty->open(flags, process);
}

}  // namespace

void register_terminals() {
    register_devices({5, 0, 1, open_controlling_terminal, "/dev/tty"});
    register_devices({5, 2, 1, open_ptmx, "/dev/ptmx"});
    register_devices({kPtsMajor, 0, kPtysMax, open_pts, "pts"});
    special_files.fifo = open_fifo;
}

void register_console(Ref<Terminal> terminal) {
    console() = std::move(terminal);
    register_devices({5, 1, 1, open_console_device, "/dev/console"});
}

}  // namespace kos::lx
