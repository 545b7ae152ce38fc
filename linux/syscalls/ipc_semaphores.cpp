// semget, semop, semtimedop, semctl.
#include "syscalls/families.h"
#include "syscalls/ipc.h"
#include "syscalls/waiting.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr int kGETPID = 11, kGETVAL = 12, kGETALL = 13, kGETNCNT = 14, kGETZCNT = 15, kSETVAL = 16, kSETALL = 17,
              kSEM_STAT = 18, kSEM_INFO = 19, kSEM_STAT_ANY = 20;
constexpr int16_t kSEM_UNDO = 0x1000;

struct UserOperation {  // struct sembuf
    uint16_t number;
    int16_t by, flags;
};
struct UserSet {  // struct semid64_ds
    UserPermissions permissions;
    int64_t operated, changed;
    uint64_t count, unused[2];
};
static_assert(sizeof(UserSet) == 88);
struct UserLimits {  // struct seminfo
    int32_t map, sets, semaphores, undos, per_set, per_call, undos_per_process, undo_bytes, value, adjust;
};

unsigned all_semaphores(Ipc& ipc) {
    size_t count = 0;
    for (auto& [place, set] : ipc.semaphores.all()) count += set->semaphores.size();
    return static_cast<unsigned>(count);
}

Result<int64_t> semget(Call& call) {
    int const count = call.argument_as<int>(1);
    uint32_t const flags = call.argument_as<uint32_t>(2);
    if (count < 0 || count > static_cast<int>(kSemaphoresPerSetMax)) return Errno::kEINVAL;
    Ipc& ipc = ipc_of(call.process().system);
    auto const has_as_many = [&](SemaphoreSet& set) {
        return static_cast<size_t>(count) > set.semaphores.size() ? Status(Errno::kEINVAL) : Status();
    };
    auto const make = [&](SemaphoreSet& set) -> Status {
        if (count == 0) return Errno::kEINVAL;
        if (all_semaphores(ipc) + static_cast<unsigned>(count) > kSemaphoresMax) return Errno::kENOSPC;
        set.semaphores.resize(static_cast<size_t>(count));
        return {};
    };
    return ipc.semaphores.obtain(call, call.argument_as<int32_t>(0), flags, has_as_many, make);
}

// Lives while a call waits: who counts the waiting sees it, and a removed set is told from one that never was.
class Waiting final : public CallExtra {
public:
    Waiting(SemaphoreSet& set, unsigned number, bool for_zero) : set_(&set), entry_(number, for_zero) {
        set.waiting.push_back(entry_);
    }
    ~Waiting() override {
        auto const found = std::find(set_->waiting.begin(), set_->waiting.end(), entry_);
        if (found != set_->waiting.end()) set_->waiting.erase(found);
    }
    SemaphoreSet& set() { return *set_; }

private:
    Ref<SemaphoreSet> set_;
    std::pair<unsigned, bool> entry_;
};

// Carries out all operations or none. kEAGAIN: the one at `obstacle` cannot be done now.
Status operate(Call& call, SemaphoreSet& set, const std::vector<UserOperation>& operations, size_t& obstacle) {
    int const pid = call.process().pid;
    std::vector<int> values(set.semaphores.size());
    for (size_t i = 0; i < values.size(); ++i) values[i] = set.semaphores[i].value;
    auto const known = set.undo.find(pid);
    std::map<unsigned, int16_t> undo = known == set.undo.end() ? std::map<unsigned, int16_t>() : known->second;
    for (size_t i = 0; i < operations.size(); ++i) {
        const UserOperation& one = operations[i];
        int& value = values[one.number];
        obstacle = i;
        if (one.by == 0 ? value != 0 : value + one.by < 0) return Errno::kEAGAIN;
        value += one.by;
        if (value > kSemaphoreValueMax) return Errno::kERANGE;
        if (one.by && one.flags & kSEM_UNDO) {
            int const adjusted = undo[one.number] - one.by;
            if (adjusted < -kSemaphoreValueMax - 1 || adjusted > kSemaphoreValueMax) return Errno::kERANGE;
            undo[one.number] = static_cast<int16_t>(adjusted);
        }
    }
    bool has_changed = false;
    for (const UserOperation& one : operations) {
        Semaphore& semaphore = set.semaphores[one.number];
        has_changed = has_changed || one.by;
        semaphore.value = static_cast<int16_t>(values[one.number]);
        semaphore.pid = pid;
    }
    std::erase_if(undo, [](const auto& one) { return one.second == 0; });
    if (undo.empty()) {
        if (known != set.undo.end()) set.undo.erase(known);
    } else {
        set.undo[pid] = std::move(undo);
    }
    set.operated = ipc_now(call);
    if (has_changed) set.queue.wake();
    return {};
}

Result<std::vector<UserOperation>> read_operations(Call& call) {
    uint32_t const count = call.argument_as<uint32_t>(2);
    if (count == 0) return Errno::kEINVAL;
    if (count > kSemaphoreOperationsMax) return Errno::kE2BIG;
    std::vector<UserOperation> operations(count);
    KOS_TRY_STATUS(call.memory().copy_in(operations.data(), call.argument(1), count * sizeof(UserOperation)));
    return operations;
}

Result<int64_t> semaphore_call(Call& call, bool has_limit) {
    KOS_TRY(auto const operations, read_operations(call));
    if (has_limit && call.argument(3)) {
        KOS_TRY(Nanoseconds const limit, read_time(call, call.argument(3)));
        call.set_deadline(after(call.process().system.timers.now(), limit));
    }
    Ipc& ipc = ipc_of(call.process().system);
    auto found = ipc.semaphores.get(call.argument_as<int>(0));
    if (auto* const waited = static_cast<Waiting*>(call.progress.extra.get()); waited && waited->set().is_removed) {
        found = Errno::kEIDRM;
    }
    call.progress.extra.reset();
    KOS_TRY(SemaphoreSet* const set, std::move(found));
    bool alters = false;
    for (const UserOperation& one : operations) {
        if (one.number >= set->semaphores.size()) return Errno::kEFBIG;
        alters = alters || one.by;
    }
    KOS_TRY_STATUS(check_ipc_access(call.process(), *set, alters ? 2 : 4));
    size_t obstacle = 0;
    Status const done = operate(call, *set, operations, obstacle);
    if (done.ok()) return int64_t{0};
    if (done.error() != Errno::kEAGAIN || operations[obstacle].flags & static_cast<int16_t>(kIPC_NOWAIT))
        return done.error();
    call.progress.extra = std::make_unique<Waiting>(*set, operations[obstacle].number, operations[obstacle].by == 0);
    call.wait_for(set->queue);
    Errno const error = call.sleep(Call::Interrupted::kEINTR);
    if (error != Errno::kRetry) call.progress.extra.reset();
    return error == Errno::kETIMEDOUT ? Errno::kEAGAIN : error;
}

Result<int64_t> semop(Call& call) { return semaphore_call(call, false); }
Result<int64_t> semtimedop(Call& call) { return semaphore_call(call, true); }

void forget_undo(SemaphoreSet& set, unsigned number) {
    for (auto& [pid, list] : set.undo) list.erase(number);
    std::erase_if(set.undo, [](const auto& one) { return one.second.empty(); });
}

Result<int64_t> set_all(Call& call, SemaphoreSet& set, uint64_t from) {
    std::vector<uint16_t> values(set.semaphores.size());
    KOS_TRY_STATUS(call.memory().copy_in(values.data(), from, values.size() * sizeof values[0]));
    for (uint16_t const value : values) {
        if (value > kSemaphoreValueMax) return Errno::kERANGE;
    }
    for (size_t i = 0; i < values.size(); ++i) {
        set.semaphores[i].value = static_cast<int16_t>(values[i]);
        set.semaphores[i].pid = call.process().pid;
    }
    set.undo.clear();
    set.changed = ipc_now(call);
    set.queue.wake();
    return int64_t{0};
}

// GETALL, SETALL, and what concerns one semaphore.
Result<int64_t> values_of(Call& call, SemaphoreSet& set, int command) {
    bool const sets = command == kSETVAL || command == kSETALL;
    unsigned const number = call.argument_as<unsigned>(1);
    uint64_t const argument = call.argument(3);
    bool const is_of_all = command == kGETALL || command == kSETALL;
    if (!is_of_all && number >= set.semaphores.size()) return Errno::kEINVAL;
    int const value = static_cast<int>(argument);
    if (command == kSETVAL && (value < 0 || value > kSemaphoreValueMax)) return Errno::kERANGE;
    KOS_TRY_STATUS(check_ipc_access(call.process(), set, sets ? 2 : 4));
    if (command == kSETALL) return set_all(call, set, argument);
    if (command == kGETALL) {
        std::vector<uint16_t> values;
        for (const Semaphore& one : set.semaphores) values.push_back(static_cast<uint16_t>(one.value));
        KOS_TRY_STATUS(call.memory().copy_out(argument, values.data(), values.size() * sizeof values[0]));
        return int64_t{0};
    }
    Semaphore& semaphore = set.semaphores[number];
    switch (command) {
        case kGETVAL: return int64_t{semaphore.value};
        case kGETPID: return int64_t{semaphore.pid};
        case kGETNCNT:
        case kGETZCNT:
            return std::count(set.waiting.begin(), set.waiting.end(), std::pair(number, command == kGETZCNT));
        default: break;
    }
    semaphore.value = static_cast<int16_t>(value);
    semaphore.pid = call.process().pid;
    forget_undo(set, number);
    set.changed = ipc_now(call);
    set.queue.wake();
    return int64_t{0};
}

Result<int64_t> limits_of(Call& call, Ipc& ipc, bool as_used) {
    UserLimits limits{
        0,  kSemaphoreSetsMax,  kSemaphoresMax,    kSemaphoresMax, kSemaphoresPerSetMax, kSemaphoreOperationsMax, 500,
        20, kSemaphoreValueMax, kSemaphoreValueMax};
    if (as_used) {
        limits.undo_bytes = static_cast<int32_t>(ipc.semaphores.size());
        limits.adjust = static_cast<int32_t>(all_semaphores(ipc));
    }
    KOS_TRY_STATUS(call.write_user(call.argument(3), limits));
    return int64_t{ipc.semaphores.last_place()};
}

Result<int64_t> semctl(Call& call) {
    int const number = call.argument_as<int>(0), command = call.argument_as<int>(2) & ~kIPC_64;
    uint64_t const argument = call.argument(3);
    Ipc& ipc = ipc_of(call.process().system);
    auto& table = ipc.semaphores;
    if (number < 0) return Errno::kEINVAL;
    if (command == kIPC_INFO || command == kSEM_INFO) return limits_of(call, ipc, command == kSEM_INFO);
    if (command == kSEM_STAT || command == kSEM_STAT_ANY || command == kIPC_STAT) {
        SemaphoreSet* set = table.at(number);
        if (command == kIPC_STAT) {
            KOS_TRY(set, table.get(number));
        }
        if (!set) return Errno::kEINVAL;
        if (command != kSEM_STAT_ANY) KOS_TRY_STATUS(check_ipc_access(call.process(), *set, 4));
        UserSet const user{describe_ipc(*set), set->operated, set->changed, set->semaphores.size(), {}};
        KOS_TRY_STATUS(call.write_user(argument, user));
        return command == kIPC_STAT ? int64_t{0} : int64_t{table.number(*set)};
    }
    bool const is_of_values = command >= kGETPID && command <= kSETALL;
    if (!is_of_values && command != kIPC_SET && command != kIPC_RMID) return Errno::kEINVAL;
    UserSet from{};
    if (command == kIPC_SET) {
        KOS_TRY(from, call.read_user<UserSet>(argument));
    }
    KOS_TRY(SemaphoreSet* const set, table.get(number));
    if (is_of_values) return values_of(call, *set, command);
    KOS_TRY_STATUS(check_ipc_owner(call.process(), *set));
    if (command == kIPC_SET) {
        change_ipc(*set, from.permissions, ipc_now(call));
        return int64_t{0};
    }
    Ref<SemaphoreSet> const keep(set);
    table.remove(*set);
    keep->is_removed = true;
    keep->queue.wake();
    return int64_t{0};
}

constexpr SystemCall kTable[] = {
    {190, "semget", semget, Support::kFull, ""},
    {191, "semctl", semctl, Support::kFull, ""},
    {192, "semtimedop", semtimedop, Support::kFull, ""},
    {193, "semop", semop, Support::kFull, ""},
};

}  // namespace

const std::span<const SystemCall> kSemaphoreCalls = kTable;

}  // namespace kos::lx
