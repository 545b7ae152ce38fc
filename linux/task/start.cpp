// Mounts, /.kos/start, the first process.
#include "task/start.h"

#include "fs/dev/dev.h"
#include "fs/overlay.h"
#include "fs/proc/proc.h"
#include "fs/sys/sys.h"
#include "fs/tmpfs.h"
#include "net/inet/socket.h"
#include "net/kos_ports.h"
#include "task/exec.h"
#include "tty/pty.h"
#include "vfs/file_systems.h"
#include "vfs/operations.h"

#include <stdlib.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr size_t kStartFileMax = 64u << 10;
constexpr int kDescriptors = 1024;  // RLIMIT_NOFILE: BEAM sizes tables by it

struct Start {
    ExecArguments what;
    std::string working = "/";
    uint32_t uid = 0, gid = 0;
};

Result<std::string> read_file(Process& process, std::string_view path) {
    KOS_TRY(Ref<File> const file, open_path(process, process.paths->context.root, path, kO_RDONLY, 0));
    std::string text(kStartFileMax, 0);
    LocalBuffer buffer(text.data(), text.size());
    while (buffer.remaining()) {
        KOS_TRY(size_t const now, file->read_at(buffer, buffer.done()));
        if (now == 0) break;
    }
    text.resize(buffer.done());
    return text;
}

Status parse_line(std::string_view line, Start& start) {
    size_t const blank = line.find(' ');
    if (line.empty() || line[0] == '#') return {};
    if (blank == std::string_view::npos) return Errno::kEINVAL;
    std::string_view const key = line.substr(0, blank);
    std::string const value(line.substr(blank + 1));
    if (key == "arg") {
        start.what.arguments.push_back(value);
    } else if (key == "env") {
        start.what.environment.push_back(value);
    } else if (key == "cwd") {
        start.working = value;
    } else if (key == "user") {
        char* rest = nullptr;
        start.uid = static_cast<uint32_t>(strtoul(value.c_str(), &rest, 10));
        start.gid = static_cast<uint32_t>(strtoul(rest, nullptr, 10));
    } else {
        return Errno::kEINVAL;
    }
    return {};
}

Status parse(std::string_view text, Start& start) {
    while (!text.empty()) {
        size_t const end = std::min(text.find('\n'), text.size());
        KOS_TRY_STATUS(parse_line(text.substr(0, end), start));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

// A later NAME=VALUE replaces an earlier one.
void set_variable(std::vector<std::string>& environment, const std::string& entry) {
    std::string const name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(environment, [&](const std::string& other) { return other.rfind(name, 0) == 0; });
    environment.push_back(entry);
}

void set_limits(Process& process) {
    constexpr uint64_t kUnlimited = ~uint64_t{0};
    for (ResourceLimit& limit : process.limits) limit = {kUnlimited, kUnlimited};
    process.limits[kRLIMIT_STACK].now = 8u << 20;
    process.limits[kRLIMIT_CORE] = {0, kUnlimited};
    process.limits[kRLIMIT_NPROC] = {System::kProcessesMax, System::kProcessesMax};
    process.limits[kRLIMIT_NOFILE] = {kDescriptors, 4096};
    process.limits[kRLIMIT_MEMLOCK] = {8u << 20, 8u << 20};
    process.limits[kRLIMIT_SIGPENDING] = {1024, 1024};
    process.limits[kRLIMIT_MSGQUEUE] = {819200, 819200};
    process.limits[kRLIMIT_NICE] = process.limits[kRLIMIT_RTPRIO] = {0, 0};
}

// For mount(2); what the first process finds is mounted already.
void register_file_systems() {
    using Made = Result<Ref<FileSystem>>;
    register_file_system("proc",
                         [](System& system, std::string_view, std::string_view) -> Made { return make_proc(system); });
    register_file_system("sysfs",
                         [](System& system, std::string_view, std::string_view) -> Made { return make_sys(system); });
    register_file_system("devtmpfs", [](System& system, std::string_view, std::string_view) -> Made {
        TmpfsOptions small;
        small.bytes_max = 1u << 20;
        small.mode = 0755;
        Ref<FileSystem> const made = Tmpfs::create(system.frames, system.timers, small);
        KOS_TRY_STATUS(populate_dev(*made->root()));
        return made;
    });
}

Status mount_on(Process& process, std::string_view path, Ref<FileSystem> file_system, std::string_view source) {
    auto const found =
        walk(process.paths->context, process.credentials, process.paths->context.root, path, kWalkFollow);
    if (!found.ok()) return {};  // the root has no such directory: nobody expects it
    auto const mounted = mount_at(found->location, std::move(file_system), source, 0);
    return mounted.ok() ? Status() : Status(mounted.error());
}

}  // namespace

Status make_tree(System& system, Ref<FileSystem> root) {
    // What programs change of the image lies in memory and is gone when the domain begins again.
    TmpfsOptions upper;
    upper.bytes_max = system.frames.total_frames() / 2 * kPageBytes;
    upper.files_max = 65536;
    upper.mode = 0755;
    Ref<FileSystem> const whole = Overlay::create(std::move(root), Tmpfs::create(system.frames, system.timers, upper));
    KOS_TRY(system.root, mount_at(Location(), whole, "root", 0));
    // Somebody who walks, before there is a process.
    Process mounter(system, 0);
    mounter.paths = make_ref<PathState>();
    mounter.paths->context.root = mounter.paths->context.working = system.root;
    register_memory_devices();
    register_terminals();
    register_file_systems();
    register_inet_sockets();
    FrameSource& frames = system.frames;
    KOS_TRY(Ref<FileSystem> dev, make_file_system("devtmpfs", system, {}, {}));
    KOS_TRY_STATUS(mount_on(mounter, "/dev", std::move(dev), "dev"));
    KOS_TRY_STATUS(mount_on(mounter, "/dev/pts", make_devpts(system), "devpts"));
    TmpfsOptions large;
    large.bytes_max = system.frames.total_frames() / 2 * kPageBytes;
    KOS_TRY_STATUS(mount_on(mounter, "/dev/shm", Tmpfs::create(frames, system.timers, large), "tmpfs"));
    KOS_TRY_STATUS(mount_on(mounter, "/tmp", Tmpfs::create(frames, system.timers, large), "tmpfs"));
    TmpfsOptions run = large;
    run.mode = 0755;
    KOS_TRY_STATUS(mount_on(mounter, "/run", Tmpfs::create(frames, system.timers, run), "tmpfs"));
    KOS_TRY_STATUS(mount_on(mounter, "/proc", make_proc(system), "proc"));
    return mount_on(mounter, "/sys", make_sys(system), "sysfs");
}

Status mount_kos(System& system, KosPorts& ports) {
    Process mounter(system, 0);
    mounter.paths = make_ref<PathState>();
    mounter.paths->context.root = mounter.paths->context.working = system.root;
    PathUser const user{mounter.paths->context, mounter.credentials};
    // Without /run nobody expects it.
    auto const made = make_node(user, system.root, "/run/kos", kS_IFDIR | 0755, 0);
    if (!made.ok() && made.error() != Errno::kEEXIST) return {};
    return mount_on(mounter, "/run/kos", make_kos_tree(system, ports), "kos");
}

Status complete_file(System& system, std::string_view path, std::string_view word, std::string_view text) {
    Process writer(system, 0);
    writer.paths = make_ref<PathState>();
    writer.paths->context.root = writer.paths->context.working = system.root;
    std::string have;
    if (auto found = read_file(writer, path); found.ok()) have = found.take();
    constexpr std::string_view kBlanks = " \t\n";
    for (size_t at = have.find(word); at != std::string::npos; at = have.find(word, at + 1)) {
        size_t const end = at + word.size();
        bool const begins = at == 0 || kBlanks.find(have[at - 1]) != std::string_view::npos;
        if (begins && (end == have.size() || kBlanks.find(have[end]) != std::string_view::npos)) return {};
    }
    constexpr Mode kReadable = 0644;
    auto const file = open_path(writer, system.root, path, kO_WRONLY | kO_CREAT, kReadable);
    if (!file.ok()) return file.error() == Errno::kENOENT ? Status() : Status(file.error());
    std::string copy(text);
    LocalBuffer buffer(copy.data(), copy.size());
    KOS_TRY(size_t const written, (*file)->write_at(buffer, have.size()));
    return written == text.size() ? Status() : Status(Errno::kENOSPC);
}

Status start_first_process(System& system, StartOptions options) {
    KOS_TRY(Ref<Process> const process, system.make_process(nullptr));
    process->files = make_ref<FdTable>();
    process->files->limit = kDescriptors;
    process->paths = make_ref<PathState>();
    process->paths->context.root = process->paths->context.working = system.root;
    process->handlers = make_ref<SignalHandlers>();
    process->session = make_ref<Session>(process->pid);
    process->group = process->pid;
    set_limits(*process);
    Start start;
    if (auto text = read_file(*process, "/.kos/start"); text.ok()) KOS_TRY_STATUS(parse(*text, start));
    if (!options.arguments.empty()) start.what.arguments = std::move(options.arguments);
    for (const std::string& entry : options.environment) set_variable(start.what.environment, entry);
    if (start.what.arguments.empty()) return Errno::kEINVAL;
    PathContext& paths = process->paths->context;
    KOS_TRY(WalkResult const working,
            walk(paths, process->credentials, paths.root, start.working, kWalkFollow | kWalkDirectory));
    paths.working = working.location;
    for (int fd = 0; fd < 3; ++fd) {
        KOS_TRY(Ref<File> console, open_path(*process, paths.root, "/dev/console", kO_RDWR, 0));
        auto const added = process->files->add(std::move(console), false);
        if (!added.ok()) return added.error();
    }
    Credentials& who = process->credentials;
    who.uid = who.euid = who.suid = who.fsuid = start.uid;
    who.gid = who.egid = who.sgid = who.fsgid = start.gid;
    if (start.uid) who.capabilities = 0;
    KOS_TRY(Ref<Thread> const thread, system.make_thread(*process));
    std::string const name = start.what.arguments[0];
    KOS_TRY(WalkResult const program, walk(paths, who, paths.working, name, kWalkFollow));
    KOS_TRY_STATUS(execute(*thread, program.location, name, std::move(start.what)));
    KOS_TRY(thread->machine, system.platform.make_thread(*thread, *process->memory));
    thread->state = ThreadState::kRunning;
    thread->machine->resume();
    return {};
}

}  // namespace kos::lx
