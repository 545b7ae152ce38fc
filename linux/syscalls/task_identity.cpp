// Users, groups, capabilities. One set per process; Linux has one per thread, which glibc and musl hide by changing all
// threads' at once.
#include "syscalls/task.h"
#include "task/system.h"

namespace kos::lx {

namespace {

constexpr uint32_t kNone = 0xffff'ffff;  // -1: leave as it is
constexpr uint32_t kGroupsMax = 1024;    // Linux: 65536; each process has a list of its own here
constexpr uint64_t kFileCapabilities = 0x1f | uint64_t{1} << 9 | uint64_t{1} << 27 | uint64_t{1} << 32;

Credentials& identity(Call& call) { return call.process().credentials; }

// capabilities(7), "Effect of user ID changes on capabilities".
void user_changed(Credentials& now, const Credentials& before) {
    bool const had_root = before.uid == 0 || before.euid == 0 || before.suid == 0;
    bool const has_root = now.uid == 0 || now.euid == 0 || now.suid == 0;
    if (had_root && !has_root) {
        if (!now.keeps_capabilities) {
            now.permitted = 0;
            now.capabilities = 0;
        }
        now.ambient = 0;
    }
    if (before.euid == 0 && now.euid != 0) now.capabilities = 0;
    if (before.euid != 0 && now.euid == 0) now.capabilities = now.permitted;
}

void file_user_changed(Credentials& now, uint32_t before) {
    if (before == 0 && now.fsuid != 0) now.capabilities &= ~kFileCapabilities;
    if (before != 0 && now.fsuid == 0) now.capabilities |= now.permitted & kFileCapabilities;
}

bool is_own_user(const Credentials& who, uint32_t user) {
    return user == who.uid || user == who.euid || user == who.suid;
}
bool is_own_group(const Credentials& who, uint32_t group) {
    return group == who.gid || group == who.egid || group == who.sgid;
}

}  // namespace

Result<int64_t> getuid(Call& call) { return identity(call).uid; }
Result<int64_t> geteuid(Call& call) { return identity(call).euid; }
Result<int64_t> getgid(Call& call) { return identity(call).gid; }
Result<int64_t> getegid(Call& call) { return identity(call).egid; }

Result<int64_t> setuid(Call& call) {
    Credentials& who = identity(call);
    Credentials const before = who;
    uint32_t const user = call.argument_as<uint32_t>(0);
    if (user == kNone) return Errno::kEINVAL;
    if (who.has_capability(kCAP_SETUID)) {
        who.uid = who.suid = user;
    } else if (user != who.uid && user != who.suid) {
        return Errno::kEPERM;
    }
    who.euid = who.fsuid = user;
    user_changed(who, before);
    return 0;
}

Result<int64_t> setgid(Call& call) {
    Credentials& who = identity(call);
    uint32_t const group = call.argument_as<uint32_t>(0);
    if (group == kNone) return Errno::kEINVAL;
    if (who.has_capability(kCAP_SETGID)) {
        who.gid = who.sgid = group;
    } else if (group != who.gid && group != who.sgid) {
        return Errno::kEPERM;
    }
    who.egid = who.fsgid = group;
    return 0;
}

Result<int64_t> setreuid(Call& call) {
    Credentials& who = identity(call);
    Credentials const before = who;
    uint32_t const real = call.argument_as<uint32_t>(0), effective = call.argument_as<uint32_t>(1);
    bool const may = who.has_capability(kCAP_SETUID);
    if (!may && real != kNone && real != who.uid && real != who.euid) return Errno::kEPERM;
    if (!may && effective != kNone && !is_own_user(who, effective)) return Errno::kEPERM;
    if (real != kNone) who.uid = real;
    if (effective != kNone) who.euid = effective;
    if (real != kNone || (effective != kNone && effective != before.uid)) who.suid = who.euid;
    who.fsuid = who.euid;
    user_changed(who, before);
    return 0;
}

Result<int64_t> setregid(Call& call) {
    Credentials& who = identity(call);
    uint32_t const old_real = who.gid;
    uint32_t const real = call.argument_as<uint32_t>(0), effective = call.argument_as<uint32_t>(1);
    bool const may = who.has_capability(kCAP_SETGID);
    if (!may && real != kNone && real != who.gid && real != who.egid) return Errno::kEPERM;
    if (!may && effective != kNone && !is_own_group(who, effective)) return Errno::kEPERM;
    if (real != kNone) who.gid = real;
    if (effective != kNone) who.egid = effective;
    if (real != kNone || (effective != kNone && effective != old_real)) who.sgid = who.egid;
    who.fsgid = who.egid;
    return 0;
}

Result<int64_t> setresuid(Call& call) {
    Credentials& who = identity(call);
    Credentials const before = who;
    uint32_t const wanted[3] = {call.argument_as<uint32_t>(0), call.argument_as<uint32_t>(1),
                                call.argument_as<uint32_t>(2)};
    for (uint32_t const user : wanted) {
        if (user != kNone && !is_own_user(who, user) && !who.has_capability(kCAP_SETUID)) return Errno::kEPERM;
    }
    if (wanted[0] != kNone) who.uid = wanted[0];
    if (wanted[1] != kNone) who.euid = wanted[1];
    if (wanted[2] != kNone) who.suid = wanted[2];
    who.fsuid = who.euid;
    user_changed(who, before);
    return 0;
}

Result<int64_t> setresgid(Call& call) {
    Credentials& who = identity(call);
    uint32_t const wanted[3] = {call.argument_as<uint32_t>(0), call.argument_as<uint32_t>(1),
                                call.argument_as<uint32_t>(2)};
    for (uint32_t const group : wanted) {
        if (group != kNone && !is_own_group(who, group) && !who.has_capability(kCAP_SETGID)) return Errno::kEPERM;
    }
    if (wanted[0] != kNone) who.gid = wanted[0];
    if (wanted[1] != kNone) who.egid = wanted[1];
    if (wanted[2] != kNone) who.sgid = wanted[2];
    who.fsgid = who.egid;
    return 0;
}

Result<int64_t> getresuid(Call& call) {
    const Credentials& who = identity(call);
    KOS_TRY_STATUS(call.write_user(call.argument(0), who.uid));
    KOS_TRY_STATUS(call.write_user(call.argument(1), who.euid));
    KOS_TRY_STATUS(call.write_user(call.argument(2), who.suid));
    return 0;
}

Result<int64_t> getresgid(Call& call) {
    const Credentials& who = identity(call);
    KOS_TRY_STATUS(call.write_user(call.argument(0), who.gid));
    KOS_TRY_STATUS(call.write_user(call.argument(1), who.egid));
    KOS_TRY_STATUS(call.write_user(call.argument(2), who.sgid));
    return 0;
}

// Both answer with the number before, whether they changed it or not (setfsuid(2)).
Result<int64_t> setfsuid(Call& call) {
    Credentials& who = identity(call);
    uint32_t const user = call.argument_as<uint32_t>(0), before = who.fsuid;
    if (user != kNone && (is_own_user(who, user) || user == before || who.has_capability(kCAP_SETUID))) {
        who.fsuid = user;
        file_user_changed(who, before);
    }
    return before;
}

Result<int64_t> setfsgid(Call& call) {
    Credentials& who = identity(call);
    uint32_t const group = call.argument_as<uint32_t>(0), before = who.fsgid;
    if (group != kNone && (is_own_group(who, group) || group == before || who.has_capability(kCAP_SETGID))) {
        who.fsgid = group;
    }
    return before;
}

Result<int64_t> getgroups(Call& call) {
    const std::vector<uint32_t>& groups = identity(call).groups;
    int const room = call.argument_as<int>(0);
    if (room < 0) return Errno::kEINVAL;
    if (room == 0) return static_cast<int64_t>(groups.size());
    if (static_cast<size_t>(room) < groups.size()) return Errno::kEINVAL;
    if (!groups.empty()) {
        KOS_TRY_STATUS(call.memory().copy_out(call.argument(1), groups.data(), groups.size() * sizeof groups[0]));
    }
    return static_cast<int64_t>(groups.size());
}

Result<int64_t> setgroups(Call& call) {
    Credentials& who = identity(call);
    if (!who.has_capability(kCAP_SETGID)) return Errno::kEPERM;
    uint32_t const count = call.argument_as<uint32_t>(0);
    if (count > kGroupsMax) return Errno::kEINVAL;
    std::vector<uint32_t> groups(count);
    if (count) KOS_TRY_STATUS(call.memory().copy_in(groups.data(), call.argument(1), count * sizeof groups[0]));
    who.groups = std::move(groups);
    return 0;
}

namespace {

constexpr uint32_t kCapabilityVersions[3] = {0x1998'0330, 0x2007'1026, 0x2008'0522};

struct CapabilityHeader {
    uint32_t version;
    int32_t pid;
};
struct CapabilityData {
    uint32_t effective, permitted, inheritable;
};

// How many CapabilityData follow; on kEINVAL the version that is preferred has been written.
Result<unsigned> capability_words(Call& call, const CapabilityHeader& header) {
    if (header.version == kCapabilityVersions[0]) return 1u;
    if (header.version == kCapabilityVersions[1] || header.version == kCapabilityVersions[2]) return 2u;
    KOS_TRY_STATUS(call.write_user(call.argument(0), kCapabilityVersions[2]));
    return Errno::kEINVAL;
}

}  // namespace

Result<int64_t> capget(Call& call) {
    KOS_TRY(CapabilityHeader const header, call.read_user<CapabilityHeader>(call.argument(0)));
    uint64_t const address = call.argument(1);
    auto words = capability_words(call, header);
    // To ask for the version only, programs give no data.
    if (!words.ok()) return words.error() == Errno::kEINVAL && !address ? Result<int64_t>{0} : words.error();
    if (header.pid < 0) return Errno::kEINVAL;
    Thread* const thread = header.pid == 0 ? &call.thread : call.process().system.find_thread(header.pid);
    if (!thread) return Errno::kESRCH;
    if (!address) return 0;
    const Credentials& who = thread->process.credentials;
    uint64_t const all = Credentials::kAllCapabilities;
    CapabilityData data[2];
    for (unsigned word = 0; word < 2; ++word) {
        unsigned const shift = 32 * word;
        data[word] = {static_cast<uint32_t>((who.capabilities & all) >> shift),
                      static_cast<uint32_t>((who.permitted & all) >> shift),
                      static_cast<uint32_t>(who.inheritable >> shift)};
    }
    KOS_TRY_STATUS(call.memory().copy_out(address, data, *words * sizeof data[0]));
    return 0;
}

Result<int64_t> capset(Call& call) {
    KOS_TRY(CapabilityHeader const header, call.read_user<CapabilityHeader>(call.argument(0)));
    KOS_TRY(unsigned const words, capability_words(call, header));
    if (header.pid != 0 && header.pid != call.thread.tid && header.pid != call.process().pid) return Errno::kEPERM;
    CapabilityData data[2] = {};
    KOS_TRY_STATUS(call.memory().copy_in(data, call.argument(1), words * sizeof data[0]));
    auto const join = [&](uint32_t CapabilityData::*part) {
        return (uint64_t{data[1].*part} << 32 | data[0].*part) & Credentials::kAllCapabilities;
    };
    uint64_t const effective = join(&CapabilityData::effective), permitted = join(&CapabilityData::permitted),
                   inheritable = join(&CapabilityData::inheritable);
    Credentials& who = identity(call);
    uint64_t const may_inherit = who.has_capability(kCAP_SETPCAP) ? who.bounding : who.permitted;
    if (inheritable & ~(who.inheritable | may_inherit)) return Errno::kEPERM;
    if (permitted & ~who.permitted) return Errno::kEPERM;
    if (effective & ~permitted) return Errno::kEPERM;
    who.capabilities = effective;
    who.permitted = permitted;
    who.inheritable = inheritable;
    who.ambient &= permitted & inheritable;
    return 0;
}

}  // namespace kos::lx
