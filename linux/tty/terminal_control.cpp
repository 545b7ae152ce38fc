// ioctl(2) of terminals: settings, window size, flow, sessions.
#include "tty/terminal.h"

#include "signal/signals.h"
#include "syscalls/call.h"
#include "task/system.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kBOTHER = 0x1000;
constexpr uint32_t kSpeeds[] = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
constexpr uint32_t kHighSpeeds[] = {0,       57600,   115200,  230400,  460800,  500000,  576000,  921600,
                                    1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

// c_ospeed from c_cflag, except where it says that the number stands beside it.
uint32_t speed_of(const Termios& termios) {
    uint32_t const code = termios.control & kCBAUD;
    if (code == kBOTHER) return termios.output_speed;
    return code & kBOTHER ? kHighSpeeds[code & 0xf] : kSpeeds[code & 0xf];
}

struct OldTermios {  // struct termio
    uint16_t input, output, control, local;
    uint8_t line;
    uint8_t characters[8];
};

Result<Termios> read_termios(Call& call, uint32_t request, uint64_t argument, const Termios& before) {
    Termios termios = before;
    switch (request) {
        case kTCSETA:
        case kTCSETAW:
        case kTCSETAF: {
            KOS_TRY(OldTermios const old, call.read_user<OldTermios>(argument));
            termios.input = (termios.input & 0xffff0000) | old.input;
            termios.output = (termios.output & 0xffff0000) | old.output;
            termios.control = (termios.control & 0xffff0000) | old.control;
            termios.local = (termios.local & 0xffff0000) | old.local;
            memcpy(termios.characters, old.characters, sizeof old.characters);
            break;
        }
        case kTCSETS2:
        case kTCSETSW2:
        case kTCSETSF2: KOS_TRY_STATUS(call.memory().copy_in(&termios, argument, kTermios2Bytes)); break;
        default: KOS_TRY_STATUS(call.memory().copy_in(&termios, argument, kTermiosBytes));
    }
    termios.input_speed = termios.output_speed = speed_of(termios);
    return termios;
}

}  // namespace

// Waits until the device has taken the output.
Errno Terminal::drain(Call& call, File& file) {
    if (undelivered() == 0) return Errno::kOK;
    call.wait_for(file.queue());
    return call.sleep();
}

Result<int64_t> Terminal::flush(uint64_t which) {
    if (which > 2) return Errno::kEINVAL;
    if (which != 1) {
        line_.flush_input();
        input_taken();
    }
    if (which != 0) {
        line_.flush_output();
        output_sent();
    }
    flushed(static_cast<int>(which));
    return int64_t{0};
}

Result<int64_t> Terminal::set_termios(Call& call, File& file, uint32_t request, uint64_t argument) {
    KOS_TRY_STATUS(check_foreground(kSIGTTOU));
    KOS_TRY(Termios const termios, read_termios(call, request, argument, line_.settings()));
    bool const now = request == kTCSETS || request == kTCSETS2 || request == kTCSETA;
    bool const flushes = request == kTCSETSF || request == kTCSETSF2 || request == kTCSETAF;
    if (!now) {
        if (Errno const error = drain(call, file); error != Errno::kOK) return error;
    }
    if (flushes) {
        line_.flush_input();
        input_taken();
    }
    Termios const before = line_.settings();
    line_.set(termios);
    settings_changed(before);
    // What is there may have become readable, or output may go on.
    if (line_.available()) wake(kPOLLIN | kPOLLRDNORM);
    if (line_.output_size()) output_ready();
    return int64_t{0};
}

Result<int64_t> Terminal::take_session(Process& process, uint64_t argument) {
    Session* const session = process.session.get();
    if (session && session_.get() == session && session->id == process.pid) return int64_t{0};
    if (!session || session->id != process.pid || session->terminal) return Errno::kEPERM;
    if (session_) {
        // From another session: only by force.
        if (argument != 1 || !process.credentials.has_capability(kCAP_SYS_ADMIN)) return Errno::kEPERM;
        session_->terminal = nullptr;
        session_->foreground_group = 0;
    }
    session_ = process.session;
    session->terminal = this;
    session->foreground_group = process.group;
    return int64_t{0};
}

Result<int64_t> Terminal::control_session(Call& call, uint32_t request, uint64_t argument, bool is_master) {
    Process& process = call.process();
    bool const is_own = process.session && process.session->terminal == this;
    switch (request) {
        case kTIOCSCTTY:
            if (is_master) return Errno::kENOTTY;
            return take_session(process, argument);
        case kTIOCNOTTY:
            if (!is_own) return Errno::kENOTTY;
            if (process.session->id == process.pid) leave_session();
            return int64_t{0};
        case kTIOCGPGRP:
            if (!is_own && !is_master) return Errno::kENOTTY;
            KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(foreground())));
            return int64_t{0};
        case kTIOCGSID:
            if ((!is_own && !is_master) || !session_) return Errno::kENOTTY;
            KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(session_->id)));
            return int64_t{0};
        default: break;
    }
    // TIOCSPGRP
    Status const may = check_foreground(kSIGTTOU);
    if (!may.ok()) return may.error() == Errno::kEIO ? Errno::kENOTTY : may.error();
    if (!is_own) return Errno::kENOTTY;
    KOS_TRY(int32_t const group, call.read_user<int32_t>(argument));
    if (group < 0) return Errno::kEINVAL;
    bool is_there = false;
    for (const auto& [pid, member] : system_.processes()) {
        if (member->group != group) continue;
        if (member->session.get() != process.session.get()) return Errno::kEPERM;
        is_there = true;
    }
    if (!is_there) return Errno::kESRCH;
    process.session->foreground_group = group;
    return int64_t{0};
}

Result<int64_t> Terminal::control(Call& call, File& file, uint32_t request, uint64_t argument, bool is_master) {
    const Termios& termios = line_.settings();
    switch (request) {
        case kTCGETS: KOS_TRY_STATUS(call.memory().copy_out(argument, &termios, kTermiosBytes)); return int64_t{0};
        case kTCGETS2: KOS_TRY_STATUS(call.memory().copy_out(argument, &termios, kTermios2Bytes)); return int64_t{0};
        case kTCGETA: {
            OldTermios old{static_cast<uint16_t>(termios.input),
                           static_cast<uint16_t>(termios.output),
                           static_cast<uint16_t>(termios.control),
                           static_cast<uint16_t>(termios.local),
                           termios.line,
                           {}};
            memcpy(old.characters, termios.characters, sizeof old.characters);
            KOS_TRY_STATUS(call.write_user(argument, old));
            return int64_t{0};
        }
        case kTCSETS:
        case kTCSETSW:
        case kTCSETSF:
        case kTCSETS2:
        case kTCSETSW2:
        case kTCSETSF2:
        case kTCSETA:
        case kTCSETAW:
        case kTCSETAF: return set_termios(call, file, request, argument);

        case kTIOCGWINSZ: KOS_TRY_STATUS(call.write_user(argument, size_)); return int64_t{0};
        case kTIOCSWINSZ: {
            KOS_TRY(WindowSize const size, call.read_user<WindowSize>(argument));
            if (size == size_) return int64_t{0};
            size_ = size;
            signal_foreground(kSIGWINCH);
            return int64_t{0};
        }

        case kTCSBRK:
        case kTCSBRKP:
        case kTIOCSBRK:
        case kTIOCCBRK: {
            // A break itself has no meaning here; TCSBRK with an argument is tcdrain(3).
            KOS_TRY_STATUS(check_foreground(kSIGTTOU));
            Errno const error = drain(call, file);
            return error == Errno::kOK ? Result<int64_t>(0) : error;
        }
        case kTCXONC:
            KOS_TRY_STATUS(check_foreground(kSIGTTOU));
            if (argument > 3) return Errno::kEINVAL;
            if (argument <= 1) line_.stop(argument == 0);
            return int64_t{0};
        case kTCFLSH: KOS_TRY_STATUS(check_foreground(kSIGTTOU)); return flush(argument);
        case kTIOCINQ:
            KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(line_.available())));
            return int64_t{0};
        case kTIOCOUTQ:
            KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(undelivered())));
            return int64_t{0};

        case kTIOCEXCL: is_exclusive_ = true; return int64_t{0};
        case kTIOCNXCL: is_exclusive_ = false; return int64_t{0};
        case kTIOCGEXCL: KOS_TRY_STATUS(call.write_user(argument, int32_t{is_exclusive_})); return int64_t{0};
        case kTIOCGETD: KOS_TRY_STATUS(call.write_user(argument, int32_t{0})); return int64_t{0};
        case kTIOCSETD: {
            KOS_TRY(int32_t const discipline, call.read_user<int32_t>(argument));
            return discipline == 0 ? Result<int64_t>(0) : Errno::kEINVAL;
        }
        case kTIOCSTI: return Errno::kEIO;  // as with dev.tty.legacy_tiocsti = 0
        case kTIOCGDEV:
            KOS_TRY_STATUS(call.write_user(argument, static_cast<uint32_t>(device_number_)));
            return int64_t{0};
        case kTIOCVHANGUP:
            if (!call.process().credentials.has_capability(kCAP_SYS_ADMIN)) return Errno::kEPERM;
            hang_up();
            return int64_t{0};

        case kTIOCSCTTY:
        case kTIOCNOTTY:
        case kTIOCGPGRP:
        case kTIOCSPGRP:
        case kTIOCGSID: return control_session(call, request, argument, is_master);
        default: return Errno::kENOTTY;
    }
}

}  // namespace kos::lx
