// Each file of /proc has the form that Linux 6.1 gives it (proc(5)).
#include "fs/proc/proc.h"

#include "testing/files.h"

#include <gtest/gtest.h>
#include <regex.h>
#include <string.h>

#include <algorithm>
#include <sstream>

namespace kos::lx {
namespace {

using testing::FileWorld;
using testing::kArea;

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
}

// All of `text` is an extended regular expression's; a line feed is a character like any other.
bool matches(const std::string& text, const std::string& expression) {
    regex_t compiled;
    if (regcomp(&compiled, ("^(" + expression + ")$").c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
    bool const result = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return result;
}

#define EXPECT_FORM(text, expression) EXPECT_TRUE(matches((text), (expression))) << (text)

class Proc : public ::testing::Test {
protected:
    Proc() {
        process.command = "beam.smp";
        strcpy(process.threads.front()->name, "beam.smp");
    }
    std::string own(const char* name) { return world.read(std::string("/proc/self/") + name); }

    FileWorld world;
    Process& process = *world.process;
};

TEST_F(Proc, ListsItsFilesAndProcesses) {
    auto const names = world.list("/proc");
    for (const char* name : {".", "..", "1", "cpuinfo", "self", "thread-self", "meminfo", "sys", "stat", "mounts"}) {
        EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
    }
    Process& child = world.make_process(&process);
    auto const after = world.list("/proc");
    EXPECT_EQ(std::count(after.begin(), after.end(), std::to_string(child.pid)), 1);
    EXPECT_EQ(world.open("/proc/777").error(), Errno::kENOENT);
    EXPECT_EQ(world.open("/proc/01").error(), Errno::kENOENT);
    EXPECT_EQ(world.open("/proc/-1").error(), Errno::kENOENT);
    EXPECT_EQ(world.open("/proc/x").error(), Errno::kENOENT);
    EXPECT_EQ(world.open("/proc/99999999999999999999").error(), Errno::kENOENT);
}

// Everything that is listed can be opened and read to its end, and is what the list says.
TEST_F(Proc, AllThatIsListedCanBeRead) {
    world.open_fd("/dev/null", kO_RDWR);
    for (std::string const& top : {std::string("/proc"), std::string("/sys")}) {
        std::vector<std::string> todo{top};
        size_t files = 0;
        while (!todo.empty()) {
            std::string const path = todo.back();
            todo.pop_back();
            Location const location = world.find(path, 0);
            ASSERT_TRUE(location.inode()) << path;
            auto const attributes = location.inode()->attributes();
            ASSERT_TRUE(attributes.ok()) << path;
            EXPECT_EQ(attributes->mode & kS_IFMT, location.inode()->type()) << path;
            switch (location.inode()->type()) {
                case kS_IFDIR:
                    for (const std::string& name : world.list(path)) {
                        if (name != "." && name != ".." && name != "self" && name != "thread-self") {
                            todo.push_back(path + "/" + name);
                        }
                    }
                    break;
                case kS_IFLNK: EXPECT_EQ(world.link(path)[0] == '!', path.ends_with("/exe")) << path; break;
                default: EXPECT_FALSE(world.read(path).starts_with('!')) << path << world.read(path); ++files;
            }
        }
        EXPECT_GT(files, 40u);
    }
}

TEST_F(Proc, TextStaysTheSameWhileItIsRead) {
    auto const file = FileWorld::must(world.open("/proc/uptime"));
    char bytes[64];
    LocalBuffer first(bytes, 3);
    ASSERT_EQ(*file->read(first), 3u);
    world.time.now += 1'000'000'000'000;
    std::string const rest = world.read_all(*file);
    EXPECT_EQ(std::string(bytes, 3) + rest, "1.00 4.00\n");
    // From the beginning it is made anew.
    EXPECT_EQ(*file->seek(0, 0), 0u);
    EXPECT_EQ(world.read_all(*file, 2), "1001.00 4004.00\n");
    EXPECT_EQ(*file->seek(-5, 1), 11u);
    EXPECT_EQ(world.read_all(*file), "4.00\n");
    EXPECT_EQ(file->seek(-1, 0).error(), Errno::kEINVAL);
    EXPECT_EQ(file->seek(0, 2).error(), Errno::kEINVAL);
    EXPECT_EQ(file->seek(INT64_MAX, 1).error(), Errno::kEINVAL);
}

TEST_F(Proc, LinksToItself) {
    EXPECT_EQ(world.link("/proc/self"), "1");
    EXPECT_EQ(world.link("/proc/thread-self"), "1/task/1");
    EXPECT_EQ(world.link("/proc/mounts"), "self/mounts");
    EXPECT_EQ(world.link("/proc/net"), "self/net");
    EXPECT_EQ(world.link("/proc/self/cwd"), "/");
    EXPECT_EQ(world.link("/proc/self/root"), "/");
    // The program is not known yet, then it is.
    EXPECT_EQ(world.link("/proc/self/exe"), "!2");
    FileWorld::must(world.open("/tmp/program", kO_WRONLY | kO_CREAT));
    process.executable = world.find("/tmp/program");
    EXPECT_EQ(world.link("/proc/self/exe"), "/tmp/program");
    EXPECT_EQ(world.find("/proc/self/exe").inode(), process.executable.inode());
    // Leads to the file itself, whatever its name leads to by now.
    FileWorld::must(world.open("/proc/self/exe"));
}

TEST_F(Proc, Descriptors) {
    int const null = world.open_fd("/dev/null", kO_WRONLY);
    int const zero = world.open_fd("/dev/zero", kO_RDWR);
    process.files->set_close_on_exec(zero, true);
    EXPECT_EQ(world.link("/proc/self/fd/" + std::to_string(null)), "/dev/null");
    EXPECT_EQ(world.find("/proc/self/fd/" + std::to_string(null), 0).inode()->attributes()->mode, kS_IFLNK | 0300u);
    EXPECT_EQ(world.find("/proc/self/fd/" + std::to_string(zero), 0).inode()->attributes()->mode, kS_IFLNK | 0700u);
    EXPECT_EQ(world.find("/dev/fd/" + std::to_string(zero)).inode(), world.find("/dev/zero").inode());
    auto const names = world.list("/proc/self/fd");
    EXPECT_EQ(names, (std::vector<std::string>{".", "..", "0", "1"}));
    EXPECT_FORM(world.read("/proc/self/fdinfo/0"), "pos:\t0\nflags:\t01\nmnt_id:\t[0-9]+\nino:\t[0-9]+\n");
    EXPECT_FORM(world.read("/proc/self/fdinfo/1"), "pos:\t0\nflags:\t02000002\nmnt_id:\t[0-9]+\nino:\t[0-9]+\n");
    EXPECT_EQ(world.open("/proc/self/fd/9").error(), Errno::kENOENT);
    EXPECT_EQ(world.open("/proc/self/fd/00").error(), Errno::kENOENT);
    EXPECT_EQ(world.open("/proc/self/fdinfo/70000").error(), Errno::kENOENT);
}

TEST_F(Proc, Maps) {
    auto const area = lines(own("maps"));
    ASSERT_FALSE(area.empty());
    EXPECT_EQ(area[0], "00100000-00140000 rw-p 00000000 00:00 0 ");
    ASSERT_TRUE(process.memory
                    ->map(0x400000, 0x2000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED,
                          nullptr, 0, "[vdso]")
                    .ok());
    auto const file = FileWorld::must(world.open("/tmp/lib name.so", kO_RDWR | kO_CREAT));
    LocalBuffer empty(nullptr, 0);
    ASSERT_TRUE(file->truncate(0x3000).ok());
    ASSERT_TRUE(process.memory->map(0x500000, 0x1000, kPROT_READ, kMAP_SHARED | kMAP_FIXED, file, 0x1000).ok());
    auto const all = lines(own("maps"));
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[1], "00400000-00402000 r-xp 00000000 00:00 0" + std::string(34, ' ') + "[vdso]");
    EXPECT_EQ(all[1].find("[vdso]"), 73u);
    EXPECT_FORM(all[2], "00500000-00501000 r--s 00001000 00:[0-9a-f]{2} [0-9]+ +/tmp/lib name.so");
    EXPECT_EQ(all[2].find("/tmp"), 73u);
    EXPECT_FORM(own("smaps_rollup"),
                "00100000-00501000 ---p 00000000 00:00 0 +\\[rollup\\]\nRss: +[0-9]+ kB\nPss: +[0-9]+ kB\n(.*\n)+");
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const std::string& line) { return line.empty(); }), 0);
    EXPECT_FORM(own("statm"), "67 [0-9]+ [0-9]+ [0-9]+ 0 [0-9]+ 0\n");
}

TEST_F(Proc, Stat) {
    world.machine(*process.threads.front()).used = 1'230'000'000;
    std::string const text = own("stat");
    EXPECT_FORM(text, "1 \\(beam\\.smp\\) R 0 1 1 0 -1 4194304 0 0 0 0 123 0 0 0 20 0 1 0 100 [0-9]+ .*\n");
    std::istringstream words(text);
    std::string word;
    unsigned count = 0;
    while (words >> word) ++count;
    EXPECT_EQ(count, 52u);
    Thread& second = world.make_thread(process);
    second.state = ThreadState::kAsleep;
    strcpy(second.name, "1_scheduler");
    std::string const task = world.read("/proc/self/task/" + std::to_string(second.tid) + "/stat");
    EXPECT_FORM(task, std::to_string(second.tid) + " \\(1_scheduler\\) S 0 1 1 0 -1 .*\n");
    EXPECT_EQ(world.list("/proc/self/task"), (std::vector<std::string>{".", "..", "1", std::to_string(second.tid)}));
    EXPECT_FORM(own("stat"), "1 .* 20 0 2 0 100 .*\n");
    EXPECT_EQ(world.open("/proc/self/task/4242").error(), Errno::kENOENT);
}

TEST_F(Proc, Status) {
    process.credentials.groups = {4, 20};
    process.paths->context.umask = 027;
    auto const all = lines(own("status"));
    auto const has = [&](const std::string& line) { return std::count(all.begin(), all.end(), line) == 1; };
    for (const char* line : {"Name:\tbeam.smp",
                             "Umask:\t0027",
                             "State:\tR (running)",
                             "Tgid:\t1",
                             "Ngid:\t0",
                             "Pid:\t1",
                             "PPid:\t0",
                             "TracerPid:\t0",
                             "Uid:\t0\t0\t0\t0",
                             "Gid:\t0\t0\t0\t0",
                             "FDSize:\t64",
                             "Groups:\t4 20 ",
                             "VmSize:\t     256 kB",
                             "Threads:\t1",
                             "SigQ:\t0/16",
                             "SigPnd:\t0000000000000000",
                             "SigBlk:\t0000000000000000",
                             "CapEff:\t000001ffffffffff",
                             "NoNewPrivs:\t0",
                             "Seccomp:\t0",
                             "Cpus_allowed:\tf",
                             "Cpus_allowed_list:\t0-3",
                             "Mems_allowed_list:\t0"}) {
        EXPECT_TRUE(has(line)) << line;
    }
    for (const std::string& line : all) EXPECT_FORM(line, "[A-Za-z_]+:\t.*");
    // A name that looks like lines.
    strcpy(process.threads.front()->name, "a\nUid:\t7");
    EXPECT_TRUE(own("status").starts_with("Name:\ta\\012Uid:\t7\nUmask:"));
}

TEST_F(Proc, Limits) {
    process.limits[kRLIMIT_STACK] = {8 << 20, ~uint64_t{0}};
    auto const all = lines(own("limits"));
    ASSERT_EQ(all.size(), 17u);
    EXPECT_EQ(all[0], "Limit                     Soft Limit           Hard Limit           Units     ");
    EXPECT_EQ(all[4], "Max stack size            8388608              unlimited            bytes     ");
    EXPECT_EQ(all[8], "Max open files            1024                 4096                 files     ");
    EXPECT_EQ(all[14], "Max nice priority         1024                 4096                           ");
}

TEST_F(Proc, WhatTheProgramHas) {
    FileWorld::put(process, kArea, std::array<char, 16>{"beam\0-a\0LANG=C"});
    process.arguments_start = kArea;
    process.arguments_end = process.environment_start = kArea + 8;
    process.environment_end = kArea + 15;
    EXPECT_EQ(own("cmdline"), std::string("beam\0-a\0", 8));
    EXPECT_EQ(own("environ"), std::string("LANG=C\0", 7));
    // Memory that is not there ends it; so do sizes that cannot be.
    process.arguments_start = kArea - 100;
    EXPECT_EQ(own("cmdline"), "");
    process.arguments_start = kArea + testing::kAreaBytes - 8;
    process.arguments_end = ~uint64_t{0};
    EXPECT_EQ(own("cmdline").size(), 8u);
    process.auxiliary_vector = std::string(32, 'a');
    EXPECT_EQ(own("auxv"), std::string(32, 'a'));
    EXPECT_EQ(own("cgroup"), "0::/\n");
    EXPECT_EQ(own("personality"), "00000000\n");
    EXPECT_EQ(own("loginuid"), "!2");
}

TEST_F(Proc, CommCanBeWritten) {
    EXPECT_EQ(own("comm"), "beam.smp\n");
    EXPECT_EQ(*world.write("/proc/self/comm", "a long name of a thread\n"), 24u);
    EXPECT_EQ(own("comm"), "a long name of \n");
    EXPECT_EQ(world.write("/proc/self/stat", "x").error(), Errno::kEACCES);
    EXPECT_EQ(*world.write("/proc/self/oom_score_adj", "-500\n"), 5u);
    EXPECT_EQ(own("oom_score_adj"), "-500\n");
    EXPECT_EQ(world.write("/proc/self/oom_score_adj", "1001").error(), Errno::kEINVAL);
    EXPECT_EQ(world.write("/proc/self/oom_score_adj", "").error(), Errno::kEINVAL);
    EXPECT_EQ(world.write("/proc/self/oom_score_adj", std::string(5000, '1')).error(), Errno::kEINVAL);
}

TEST_F(Proc, Mounts) {
    EXPECT_EQ(own("mounts"),
              "none / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\nsys /sys sysfs rw,relatime 0 0\n"
              "dev /dev tmpfs rw,relatime 0 0\n");
    EXPECT_EQ(world.read("/proc/mounts"), own("mounts"));
    world.make_directory("a b");
    world.mount("a b", Tmpfs::create(world.frames, world.system.timers));
    auto const all = lines(own("mountinfo"));
    ASSERT_EQ(all.size(), 5u);
    EXPECT_FORM(all[0], "([0-9]+) [0-9]+ 0:[0-9]+ / / rw,relatime - tmpfs none rw");
    EXPECT_FORM(all[1], "[0-9]+ [0-9]+ 0:[0-9]+ / /proc rw,relatime - proc proc rw");
    EXPECT_FORM(all[4], "[0-9]+ [0-9]+ 0:[0-9]+ / /a\\\\040b rw,relatime - tmpfs a\\\\040b rw");
}

TEST_F(Proc, ProcessesThatEnd) {
    Process& child = world.make_process(&process);
    std::string const name = "/proc/" + std::to_string(child.pid);
    auto const file = FileWorld::must(world.open(name + "/stat"));
    Location const directory = world.find(name);
    EXPECT_TRUE(directory.inode()->lookup("stat").ok());
    // A zombie has no memory and no files any more.
    child.state = ProcessState::kZombie;
    child.memory = nullptr;
    child.files = nullptr;
    child.paths = nullptr;
    EXPECT_FORM(world.read(name + "/stat"), std::to_string(child.pid) + " \\(.*\\) Z 1 .*\n");
    EXPECT_NE(world.read(name + "/status").find("State:\tZ (zombie)"), std::string::npos);
    for (const char* empty : {"maps", "cmdline", "environ", "mounts", "smaps"}) {
        EXPECT_EQ(world.read(name + "/" + empty), "") << empty;
    }
    EXPECT_EQ(world.read(name + "/smaps_rollup"), "!3");
    EXPECT_EQ(world.list(name + "/fd"), (std::vector<std::string>{".", ".."}));
    EXPECT_EQ(world.link(name + "/cwd"), "!2");
    // Waited for: the directory stands for nobody, whoever gets the number.
    Ref<Process> const held(&child);
    world.system.forget(child);
    EXPECT_EQ(directory.inode()->lookup("stat").error(), Errno::kESRCH);
    EXPECT_EQ(world.open(name).error(), Errno::kENOENT);
    (void)world.read_all(*file);
}

// --- Of the system.

TEST_F(Proc, Processors) {
    std::string const one =
        "processor\t: %\nBogoMIPS\t: 125.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n\n";
    std::string expected;
    for (char core = '0'; core < '4'; ++core) {
        expected += one;
        expected[expected.find('%')] = core;
    }
    EXPECT_EQ(world.read("/proc/cpuinfo"), expected);
    world.time.now = 10'000'000'000;
    world.machine(*process.threads.front()).used = 4'000'000'000;
    auto const all = lines(world.read("/proc/stat"));
    EXPECT_EQ(all[0], "cpu  400 0 0 3600 0 0 0 0 0 0");
    EXPECT_EQ(all[1], "cpu0 100 0 0 900 0 0 0 0 0 0");
    EXPECT_EQ(all[4], "cpu3 100 0 0 900 0 0 0 0 0 0");
    EXPECT_EQ(all[5], "intr 0");
    EXPECT_EQ(all[7], "btime 1700000000");
    EXPECT_EQ(world.read("/proc/uptime"), "10.00 36.00\n");
    EXPECT_FORM(world.read("/proc/loadavg"), "[0-9]+\\.[0-9]{2} [0-9]+\\.[0-9]{2} [0-9]+\\.[0-9]{2} 1/1 1\n");
}

TEST_F(Proc, Memory) {
    auto const all = lines(world.read("/proc/meminfo"));
    ASSERT_GT(all.size(), 20u);
    EXPECT_EQ(all[0], "MemTotal:        4194304 kB");
    EXPECT_FORM(all[1], "MemFree: +[0-9]+ kB");
    EXPECT_FORM(all[2], "MemAvailable: +[0-9]+ kB");
    for (const std::string& line : all) {
        EXPECT_FORM(line, "[A-Za-z_()]+: +[0-9]+( kB)?");
        EXPECT_EQ(line.substr(line.size() - 3) == " kB" ? line.size() : 27u, 27u) << line;
    }
}

TEST_F(Proc, MemoryInPages) {
    auto const all = lines(world.read("/proc/vmstat"));
    ASSERT_GT(all.size(), 10u);
    for (const std::string& line : all) EXPECT_FORM(line, "[a-z_]+ [0-9]+");
    std::string const free = world.read("/proc/meminfo").substr(28);
    EXPECT_EQ(all[0],
              "nr_free_pages " + std::to_string(std::stoull(free.substr(free.find_first_of("0123456789"))) / 4));
    EXPECT_NE(std::count(all.begin(), all.end(), "pswpout 0"), 0);
}

TEST_F(Proc, Settings) {
    auto const sys = [&](const char* name) { return world.read(std::string("/proc/sys/") + name); };
    EXPECT_EQ(sys("kernel/ostype"), "Linux\n");
    EXPECT_FORM(sys("kernel/osrelease"), "6\\.1\\.[0-9]+.*\n");
    EXPECT_EQ(sys("kernel/hostname"), "test\n");
    EXPECT_EQ(*world.write("/proc/sys/kernel/hostname", "device-7\n"), 9u);
    EXPECT_EQ(sys("kernel/hostname"), "device-7\n");
    EXPECT_EQ(world.system.host_name, "device-7");
    EXPECT_EQ(sys("kernel/cap_last_cap"), "40\n");
    EXPECT_EQ(sys("kernel/ngroups_max"), "65536\n");
    EXPECT_EQ(sys("vm/overcommit_memory"), "1\n");
    EXPECT_EQ(sys("vm/max_map_count"), "65530\n");
    EXPECT_EQ(sys("vm/mmap_min_addr"), "65536\n");
    EXPECT_EQ(sys("fs/file-max"), "9223372036854775807\n");
    EXPECT_EQ(sys("fs/pipe-max-size"), "1048576\n");
    EXPECT_EQ(sys("net/core/somaxconn"), "4096\n");
    const char* const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n";
    EXPECT_FORM(sys("kernel/random/uuid"), uuid);
    EXPECT_NE(sys("kernel/random/uuid"), sys("kernel/random/uuid"));
    EXPECT_FORM(sys("kernel/random/boot_id"), uuid);
    EXPECT_EQ(sys("kernel/random/boot_id"), sys("kernel/random/boot_id"));
    process.credentials.capabilities = 0;
    EXPECT_FALSE(world.write("/proc/sys/kernel/hostname", "other").ok());
    EXPECT_EQ(sys("kernel/hostname"), "device-7\n");
}

TEST_F(Proc, OthersOfTheSystem) {
    EXPECT_FORM(world.read("/proc/version"), "Linux version 6\\.1\\..* \\(.*\\) \\(gcc .*\\) #1 .*\n");
    EXPECT_NE(world.read("/proc/filesystems").find("nodev\ttmpfs\n"), std::string::npos);
    EXPECT_NE(world.read("/proc/filesystems").find("\n\terofs\n"), std::string::npos);
    EXPECT_NE(world.read("/proc/devices").find("  1 mem\n"), std::string::npos);
    EXPECT_EQ(lines(world.read("/proc/net/dev")).size(), 3u);
    EXPECT_EQ(lines(world.read("/proc/net/route"))[0].size(), 127u);
    EXPECT_EQ(lines(world.read("/proc/net/tcp"))[0].size(), 149u);
    EXPECT_EQ(lines(world.read("/proc/net/udp"))[0].size(), 127u);
}

}  // namespace
}  // namespace kos::lx
