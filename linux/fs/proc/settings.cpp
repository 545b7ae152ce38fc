// /proc/sys (sysctl(8)): limits and names. What programs may change, they change for their own domain.
#include "fs/proc/nodes.h"

#include <string.h>

namespace kos::lx::proc {

namespace {

template <int64_t Value>
Text number(const Subject&, Process&) {
    return std::to_string(Value) + "\n";
}

template <const char* Value>
Text text(const Subject&, Process&) {
    return std::string(Value) + "\n";
}

Text ostype(const Subject&, Process&) { return std::string(kSystemName) + "\n"; }
Text osrelease(const Subject&, Process&) { return std::string(kRelease) + "\n"; }
Text version(const Subject&, Process&) { return std::string(kVersion) + "\n"; }
Text hostname(const Subject& subject, Process&) { return subject.system->host_name + "\n"; }
Text domainname(const Subject& subject, Process&) { return subject.system->domain_name + "\n"; }

Status store_name(std::string& name, Process& writer, std::string_view value) {
    if (!writer.credentials.has_capability(kCAP_SYS_ADMIN)) return Errno::kEPERM;
    value = value.substr(0, value.find_first_of(std::string_view("\n\0", 2)));
    name = value.substr(0, kNameBytesMax);
    return {};
}
Status store_hostname(const Subject& subject, Process& writer, std::string_view value) {
    return store_name(subject.system->host_name, writer, value);
}
Status store_domainname(const Subject& subject, Process& writer, std::string_view value) {
    return store_name(subject.system->domain_name, writer, value);
}

// A random UUID of version 4 (RFC 4122, 4.4).
Text make_uuid(System& system) {
    uint8_t bytes[16];
    KOS_TRY_STATUS(system.platform.random(bytes, sizeof bytes));
    bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
    std::string result;
    for (int i = 0; i < 16; ++i) append(result, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
    return result + "\n";
}
Text uuid(const Subject& subject, Process&) { return make_uuid(*subject.system); }
Text boot_id(const Subject& subject, Process&) {
    // Of this system: a domain that begins again has a new one.
    static std::string id;
    if (id.empty()) {
        KOS_TRY(id, make_uuid(*subject.system));
    }
    return id;
}

// Nothing that could be told from Linux: changes are taken and forgotten.
Status ignore(const Subject&, Process&, std::string_view) { return {}; }

Text file_nr(const Subject& subject, Process&) {
    uint64_t open = 0;
    for (const auto& [pid, process] : subject.system->processes()) {
        if (!process->files) continue;
        for (int fd = process->files->next_open(0); fd >= 0; fd = process->files->next_open(fd + 1)) ++open;
    }
    return format("%llu\t0\t9223372036854775807\n", static_cast<unsigned long long>(open));
}

constexpr char kCore[] = "core", kPortRange[] = "32768\t60999", kNoGroups[] = "1\t0", kPrintk[] = "4\t4\t1\t7",
               kBuffers[] = "4096\t131072\t6291456", kSemaphores[] = "1000\t16000\t500\t256";

constexpr Node kRandom[] = {
    {"boot_id", kFile, boot_id},
    {"entropy_avail", kFile, number<256>},
    {"poolsize", kFile, number<256>},
    {"uuid", kFile, uuid},
};

constexpr Node kKernel[] = {
    {"cap_last_cap", kFile, number<40>},
    {"core_pattern", kFile, text<kCore>},
    {"domainname", kWritable, domainname, store_domainname},
    {"hostname", kWritable, hostname, store_hostname},
    {"msgmax", kFile, number<8192>},
    {"msgmnb", kFile, number<16384>},
    {"msgmni", kFile, number<128>},
    {"ngroups_max", kFile, number<65536>},
    {"osrelease", kFile, osrelease},
    {"ostype", kFile, ostype},
    {"overflowgid", kFile, number<65534>},
    {"overflowuid", kFile, number<65534>},
    {"panic", kFile, number<0>},
    {"perf_event_paranoid", kFile, number<3>},
    {"pid_max", kFile, number<32768>},
    {"printk", kFile, text<kPrintk>},
    {"random", kDirectory, nullptr, nullptr, kRandom},
    {"randomize_va_space", kFile, number<2>},
    {"sched_child_runs_first", kFile, number<0>},
    {"sem", kFile, text<kSemaphores>},
    {"shmall", kFile, number<INT64_MAX / 4096>},
    {"shmmax", kFile, number<INT64_MAX>},
    {"shmmni", kFile, number<1024>},
    {"threads-max", kFile, number<System::kThreadsMax>},
    {"version", kFile, version},
};

constexpr Node kMemory[] = {
    {"drop_caches", kWritable, number<0>, ignore},
    {"max_map_count", kFile, number<65530>},
    {"min_free_kbytes", kFile, number<0>},
    {"mmap_min_addr", kFile, number<65536>},
    {"nr_hugepages", kFile, number<0>},
    // Reservations of any size are granted: 1 of 0, 1 and 2 (proc(5)).
    {"overcommit_memory", kFile, number<1>},
    {"overcommit_ratio", kFile, number<50>},
    {"page-cluster", kFile, number<0>},
    {"swappiness", kFile, number<0>},
};

constexpr Node kEpoll[] = {{"max_user_watches", kFile, number<65536>}};
constexpr Node kInotify[] = {
    {"max_queued_events", kFile, number<16384>},
    {"max_user_instances", kFile, number<128>},
    {"max_user_watches", kFile, number<16384>},
};

// What PosixQueue (syscalls/message_queue.h) allows.
constexpr Node kQueues[] = {
    {"msg_default", kFile, number<10>},   {"msg_max", kFile, number<10>},     {"msgsize_default", kFile, number<8192>},
    {"msgsize_max", kFile, number<8192>}, {"queues_max", kFile, number<256>},
};

constexpr Node kFiles[] = {
    {"aio-max-nr", kFile, number<0>},
    {"aio-nr", kFile, number<0>},
    {"epoll", kDirectory, nullptr, nullptr, kEpoll},
    {"file-max", kFile, number<INT64_MAX>},
    {"file-nr", kFile, file_nr},
    {"inotify", kDirectory, nullptr, nullptr, kInotify},
    {"mqueue", kDirectory, nullptr, nullptr, kQueues},
    {"nr_open", kFile, number<FdTable::kDescriptorsMax>},
    {"pipe-max-size", kFile, number<1048576>},
    {"pipe-user-pages-hard", kFile, number<0>},
    {"pipe-user-pages-soft", kFile, number<16384>},
    {"protected_hardlinks", kFile, number<1>},
    {"protected_symlinks", kFile, number<1>},
    {"suid_dumpable", kFile, number<0>},
};

constexpr Node kNetCore[] = {
    {"rmem_default", kFile, number<212992>}, {"rmem_max", kFile, number<212992>}, {"somaxconn", kFile, number<4096>},
    {"wmem_default", kFile, number<212992>}, {"wmem_max", kFile, number<212992>},
};
constexpr Node kNetInet[] = {
    {"ip_forward", kFile, number<0>},
    {"ip_local_port_range", kFile, text<kPortRange>},
    {"ping_group_range", kFile, text<kNoGroups>},
    {"tcp_fin_timeout", kFile, number<60>},
    {"tcp_keepalive_time", kFile, number<7200>},
    {"tcp_rmem", kFile, text<kBuffers>},
};
constexpr Node kNetUnix[] = {{"max_dgram_qlen", kFile, number<512>}};
constexpr Node kNet[] = {
    {"core", kDirectory, nullptr, nullptr, kNetCore},
    {"ipv4", kDirectory, nullptr, nullptr, kNetInet},
    {"unix", kDirectory, nullptr, nullptr, kNetUnix},
};

constexpr Node kTable[] = {
    {"fs", kDirectory, nullptr, nullptr, kFiles},
    {"kernel", kDirectory, nullptr, nullptr, kKernel},
    {"net", kDirectory, nullptr, nullptr, kNet},
    {"vm", kDirectory, nullptr, nullptr, kMemory},
};

}  // namespace

const std::span<const Node> kSettings = kTable;

}  // namespace kos::lx::proc
