// signalfd.
#include "vfs/signalfd.h"

#include "signal/signals.h"
#include "task/current.h"
#include "vfs/anonymous.h"

#include <stdio.h>

namespace kos::lx {

namespace {

struct UserSignal {  // struct signalfd_siginfo
    uint32_t signal;
    int32_t error, code;
    uint32_t pid, uid;
    int32_t fd;
    uint32_t timer, band, overrun, trap;
    int32_t status, integer;
    uint64_t pointer, user_time, system_time, address;
    uint16_t address_bits;
    uint8_t padding[46];
};
static_assert(sizeof(UserSignal) == 128);

UserSignal to_user(const SignalInfo& info) {
    UserSignal user{};
    user.signal = static_cast<uint32_t>(info.signal);
    user.error = info.error;
    user.code = info.code;
    bool const is_timer = info.code == kSI_TIMER;
    if (is_timer) {
        user.timer = static_cast<uint32_t>(info.pid);
        user.overrun = info.uid;
    } else {
        user.pid = static_cast<uint32_t>(info.pid);
        user.uid = info.uid;
    }
    user.fd = info.fd;
    user.band = static_cast<uint32_t>(info.band);
    user.status = info.status;
    user.integer = static_cast<int32_t>(info.value);
    user.pointer = info.value;
    user.user_time = static_cast<uint64_t>(info.user_time);
    user.system_time = static_cast<uint64_t>(info.system_time);
    user.address = info.address;
    return user;
}

constexpr size_t kWatchesMax = 64;

}  // namespace

SignalFile::SignalFile(SignalSet wanted, uint32_t open_flags)
    : wanted_(wanted), attributes_(anonymous_attributes(kAnonymousDevice, 0600)) {
    flags = kO_RDWR | (open_flags & kO_NONBLOCK);
}

void SignalFile::set_wanted(SignalSet wanted) {
    wanted_ = wanted;
    queue_.wake(kPOLLIN | kPOLLRDNORM);
}

void SignalFile::watch(Process& process) {
    WaitQueue& arrived = process.signals.arrived;
    Watch* free = nullptr;
    for (const auto& watch : watches_) {
        if (watch->queue() == &arrived) return;
        if (!watch->is_waiting()) free = watch.get();
    }
    if (!free && watches_.size() < kWatchesMax) {
        watches_.push_back(std::make_unique<Watch>(*this));
        free = watches_.back().get();
    }
    if (free) arrived.add(*free);
}

Result<size_t> SignalFile::read(IoBuffer& to) {
    if (to.remaining() < sizeof(UserSignal)) return Errno::kEINVAL;
    Thread* const thread = current_thread();
    if (!thread) return Errno::kEAGAIN;
    watch(thread->process);
    size_t done = 0;
    SignalInfo info;
    while (to.remaining() >= sizeof(UserSignal) && take_signal(*thread, wanted_, info)) {
        UserSignal const user = to_user(info);
        Status const status = out_whole(to, &user, sizeof user);
        if (!status.ok()) return done ? Result<size_t>(done) : status.error();
        done += sizeof user;
    }
    if (done == 0) return Errno::kEAGAIN;
    return done;
}

uint32_t SignalFile::poll() {
    Thread* const thread = current_thread();
    if (!thread) return 0;
    watch(thread->process);
    return pending_signals(*thread) & wanted_ ? kPOLLIN | kPOLLRDNORM : 0;
}

std::string SignalFile::details() const {
    char text[40];
    snprintf(text, sizeof text, "sigmask:\t%016llx\n", static_cast<unsigned long long>(wanted_));
    return text;
}

}  // namespace kos::lx
