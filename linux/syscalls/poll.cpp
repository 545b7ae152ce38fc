// Waiting for files: epoll, ppoll, pselect6.
#include "syscalls/families.h"
#include "syscalls/waiting.h"
#include "task/system.h"
#include "vfs/epoll.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint64_t kDescriptorsMax = 65536;

// --- epoll

Result<int64_t> sys_epoll_create1(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(0);
    if (flags & ~kO_CLOEXEC) return Errno::kEINVAL;
    KOS_TRY(int const fd, call.process().files->add(make_ref<EpollFile>(), flags & kO_CLOEXEC));
    return int64_t{fd};
}

Result<int64_t> sys_epoll_ctl(Call& call) {
    constexpr int kAdd = 1, kDelete = 2, kModify = 3;
    int const operation = call.argument_as<int>(1);
    EpollEvent event;
    if (operation != kDelete) {
        KOS_TRY(event, call.read_user<EpollEvent>(call.argument(3)));
    }
    KOS_TRY(auto const set_file, call.file(0));
    KOS_TRY(auto const file, call.file(2));
    if (!file->can_poll()) return Errno::kEPERM;
    EpollFile* const set = set_file->as_epoll();
    if (!set) return Errno::kEINVAL;
    int const fd = call.argument_as<int>(2);
    Status status = Errno::kEINVAL;
    if (operation == kAdd) status = set->add(*file, fd, event);
    if (operation == kModify) status = set->change(*file, fd, event);
    if (operation == kDelete) status = set->remove(*file, fd);
    KOS_TRY_STATUS(status);
    return int64_t{0};
}

class UserEvents final : public EpollFile::Sink {
public:
    UserEvents(Call& call, uint64_t address) : call_(call), address_(address) {}
    bool take(const EpollEvent& event) override {
        if (!call_.write_user(address_, event).ok()) {
            has_failed = true;
            return false;
        }
        address_ += sizeof event;
        return true;
    }
    bool has_failed = false;

private:
    Call& call_;
    uint64_t address_;
};

// `span`: how long to wait; kNever: without limit.
Result<int64_t> epoll_wait(Call& call, Nanoseconds span) {
    int const most = call.argument_as<int>(2);
    if (most <= 0 || most > INT32_MAX / static_cast<int>(sizeof(EpollEvent))) return Errno::kEINVAL;
    KOS_TRY(auto const file, call.file(0));
    EpollFile* const set = file->as_epoll();
    if (!set) return Errno::kEINVAL;
    UserEvents events(call, call.argument(1));
    size_t const given = set->collect(events, static_cast<size_t>(most), call.unseen_result());
    if (given) return static_cast<int64_t>(given);
    if (events.has_failed) return Errno::kEFAULT;
    if (span == 0 || call.timed_out()) return int64_t{0};
    if (span != kNever) call.set_deadline(after(call.process().system.timers.now(), span));
    call.wait_for(set->queue());
    Errno const error = call.sleep(Call::Interrupted::kEINTR);
    if (error == Errno::kETIMEDOUT) return int64_t{0};
    return error;
}

Result<int64_t> sys_epoll_pwait(Call& call) {
    KOS_TRY_STATUS(begin_signal_mask(call, call.argument(4), call.argument(5)));
    int const timeout_ms = call.argument_as<int>(3);
    return end_signal_mask(call, epoll_wait(call, timeout_ms < 0 ? kNever : Nanoseconds{timeout_ms} * 1'000'000));
}

Result<int64_t> sys_epoll_pwait2(Call& call) {
    Nanoseconds span = kNever;
    if (call.argument(3)) {
        KOS_TRY(span, read_time(call, call.argument(3)));
    }
    KOS_TRY_STATUS(begin_signal_mask(call, call.argument(4), call.argument(5)));
    return end_signal_mask(call, epoll_wait(call, span));
}

// --- Time limits that are told how much was left of them (ppoll and pselect6).

struct TimeLimit {
    uint64_t address = 0;
    Nanoseconds span = kNever;

    static Result<TimeLimit> read(Call& call, uint64_t address) {
        TimeLimit limit{address, kNever};
        if (address == 0) return limit;
        if (call.progress.is_again) {
            limit.span = 1;  // the deadline is set already
        } else {
            KOS_TRY(limit.span, read_time(call, address));
        }
        if (limit.span) call.set_deadline(after(call.process().system.timers.now(), limit.span));
        return limit;
    }
    void write_rest(Call& call) const {
        if (address == 0) return;
        Nanoseconds rest = 0;
        if (span) rest = std::max<Nanoseconds>(0, call.progress.deadline - call.process().system.timers.now());
        // Linux, too, does not mind if this memory is read-only.
        (void)call.write_user(address, timespec_of(rest));
    }
};

// Of a wait of ppoll or pselect6 that has found nothing; kOK: the time is over.
Errno sleep_limited(Call& call, const TimeLimit& limit) {
    if (limit.span == 0 || call.timed_out()) return Errno::kOK;
    Errno const error = call.sleep(Call::Interrupted::kRestartNoHandler);
    return error == Errno::kETIMEDOUT ? Errno::kOK : error;
}

// --- ppoll

struct PollEntry {  // struct pollfd
    int32_t fd;
    int16_t events;
    int16_t result;
};

Result<int64_t> poll_files(Call& call, uint64_t address, uint64_t count, const TimeLimit& limit) {
    // Most wait for few.
    constexpr size_t kFew = 16;
    PollEntry few[kFew];
    std::vector<PollEntry> many(count > kFew ? count : 0);
    std::span<PollEntry> const entries(count > kFew ? many.data() : few, count);
    KOS_TRY_STATUS(call.memory().copy_in(entries.data(), address, count * sizeof(PollEntry)));
    int64_t ready = 0;
    for (PollEntry& entry : entries) {
        entry.result = 0;
        if (entry.fd < 0) continue;
        uint32_t found = kPOLLNVAL;
        auto const file = call.process().files->get(entry.fd);
        if (file.ok() && !((*file)->flags & kO_PATH)) {
            found = (*file)->poll() & (static_cast<uint16_t>(entry.events) | kPOLLERR | kPOLLHUP);
        }
        entry.result = static_cast<int16_t>(found);
        if (found) ++ready;
    }
    if (ready == 0) {
        for (const PollEntry& entry : entries) {
            if (entry.fd < 0 || limit.span == 0) continue;
            auto const file = call.process().files->get(entry.fd);
            uint32_t const events = static_cast<uint16_t>(entry.events) | kPOLLERR | kPOLLHUP;
            if (file.ok() && (*file)->can_poll()) call.wait_for((*file)->queue(), events);
        }
        Errno const error = sleep_limited(call, limit);
        if (error != Errno::kOK) return error;
    }
    for (size_t i = 0; i < count; ++i) {
        uint64_t const place = address + i * sizeof(PollEntry) + offsetof(PollEntry, result);
        KOS_TRY_STATUS(call.write_user(place, entries[i].result));
    }
    if (UnseenResult* const unseen = ready ? call.unseen_result() : nullptr) {
        unseen->open(*call.process().files);
        for (const PollEntry& entry : entries) {
            if (entry.result) unseen->add(static_cast<uintptr_t>(entry.fd));
        }
    }
    return ready;
}

Result<int64_t> sys_ppoll(Call& call) {
    uint64_t const count = call.argument_as<uint32_t>(1);
    KOS_TRY(TimeLimit const limit, TimeLimit::read(call, call.argument(2)));
    KOS_TRY_STATUS(begin_signal_mask(call, call.argument(3), call.argument(4)));
    Result<int64_t> result = Errno::kEINVAL;
    if (count <= std::min(call.process().limits[kRLIMIT_NOFILE].now, kDescriptorsMax)) {
        result = poll_files(call, call.argument(0), count, limit);
    }
    if (result.error() != Errno::kRetry) limit.write_rest(call);
    return end_signal_mask(call, std::move(result));
}

// --- pselect6

using Bits = std::vector<uint64_t>;

bool has(const Bits& bits, size_t number) { return bits[number / 64] >> (number % 64) & 1; }

// What was asked for: the answer is stored over it.
struct SelectQuestion final : CallExtra {
    Bits wanted[3];
};

void remember_select(Call& call, UnseenResult& unseen, Bits (&wanted)[3], const Bits (&found)[3]) {
    unseen.open(*call.process().files);
    for (size_t word = 0; word < found[0].size(); ++word) {
        for (uint64_t rest = found[0][word] | found[1][word] | found[2][word]; rest; rest &= rest - 1) {
            unseen.add(word * 64 + static_cast<size_t>(__builtin_ctzll(rest)));
        }
    }
    auto question = std::make_unique<SelectQuestion>();
    for (size_t set = 0; set < 3; ++set) question->wanted[set] = std::move(wanted[set]);
    call.progress.extra = std::move(question);
}

Result<int64_t> select_files(Call& call, const TimeLimit& limit) {
    int const asked = call.argument_as<int>(0);
    if (asked < 0) return Errno::kEINVAL;
    FdTable& files = *call.process().files;
    size_t const count = std::min<size_t>(static_cast<size_t>(asked),
                                          std::min<size_t>(static_cast<size_t>(files.limit), kDescriptorsMax));
    size_t const words = (count + 63) / 64;
    constexpr uint32_t kEvents[3] = {kPOLLIN | kPOLLRDNORM | kPOLLRDBAND | kPOLLHUP | kPOLLERR,
                                     kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND | kPOLLERR, kPOLLPRI};
    Bits wanted[3], found[3];
    for (size_t set = 0; set < 3; ++set) {
        wanted[set].resize(words);
        found[set].resize(words);
        uint64_t const address = call.argument(1 + static_cast<unsigned>(set));
        if (address) KOS_TRY_STATUS(call.memory().copy_in(wanted[set].data(), address, words * 8));
    }
    if (const auto* const question = static_cast<const SelectQuestion*>(call.progress.extra.get())) {
        for (size_t set = 0; set < 3; ++set) {
            wanted[set] = question->wanted[set];
            wanted[set].resize(words);
        }
    }
    int64_t ready = 0;
    for (int pass = 0; pass < 2 && ready == 0; ++pass) {
        for (size_t fd = 0; fd < count; ++fd) {
            if (!((wanted[0][fd / 64] | wanted[1][fd / 64] | wanted[2][fd / 64]) >> (fd % 64))) {
                fd |= 63;  // none in the rest of this word
                continue;
            }
            uint32_t events = 0;
            for (size_t set = 0; set < 3; ++set) events |= has(wanted[set], fd) ? kEvents[set] : 0;
            if (events == 0) continue;
            KOS_TRY(auto const file, files.get(static_cast<int>(fd)));
            if (file->flags & kO_PATH) return Errno::kEBADF;
            if (pass == 1) {
                if (file->can_poll()) call.wait_for(file->queue(), events);
                continue;
            }
            uint32_t const holds = file->poll();
            for (size_t set = 0; set < 3; ++set) {
                if (!has(wanted[set], fd) || !(holds & kEvents[set])) continue;
                found[set][fd / 64] |= uint64_t{1} << (fd % 64);
                ++ready;
            }
        }
        if (limit.span == 0) break;
    }
    if (ready == 0) {
        Errno const error = sleep_limited(call, limit);
        if (error != Errno::kOK) return error;
    }
    for (size_t set = 0; set < 3; ++set) {
        uint64_t const address = call.argument(1 + static_cast<unsigned>(set));
        if (address) KOS_TRY_STATUS(call.memory().copy_out(address, found[set].data(), words * 8));
    }
    if (UnseenResult* const unseen = ready ? call.unseen_result() : nullptr) {
        remember_select(call, *unseen, wanted, found);
    }
    return ready;
}

Result<int64_t> sys_pselect6(Call& call) {
    struct MaskArgument {
        uint64_t address, bytes;
    } mask{0, 0};
    if (call.argument(5)) {
        KOS_TRY(mask, call.read_user<MaskArgument>(call.argument(5)));
    }
    KOS_TRY(TimeLimit const limit, TimeLimit::read(call, call.argument(4)));
    KOS_TRY_STATUS(begin_signal_mask(call, mask.address, mask.bytes));
    Result<int64_t> result = select_files(call, limit);
    if (result.error() != Errno::kRetry) limit.write_rest(call);
    return end_signal_mask(call, std::move(result));
}

constexpr SystemCall kCalls[] = {
    {20, "epoll_create1", sys_epoll_create1, Support::kFull, ""},
    {21, "epoll_ctl", sys_epoll_ctl, Support::kFull, ""},
    {22, "epoll_pwait", sys_epoll_pwait, Support::kFull, ""},
    {72, "pselect6", sys_pselect6, Support::kFull, ""},
    {73, "ppoll", sys_ppoll, Support::kFull, ""},
    {441, "epoll_pwait2", sys_epoll_pwait2, Support::kFull, ""},
};

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{kCalls};

}  // namespace

const std::span<const SystemCall> kPollCalls = kTable;

}  // namespace kos::lx
