// Loads programs: "#!" scripts, the ELF file and its interpreter, the first stack with arguments, environment and
// auxiliary vector (getauxval(3)), the shim.
#include "task/exec.h"

#include "shim/layout.h"
#include "signal/signals.h"
#include "task/elf.h"
#include "task/relations.h"
#include "task/system.h"
#include "vfs/truncate.h"

#include <string.h>

namespace kos::lx {

namespace {

constexpr uint64_t kStackTop = kUserEnd - 0x10000;
constexpr uint64_t kStackBytes = 8u << 20;
constexpr uint64_t kProgramBase = 0x5555'5555'0000;  // of movable programs
constexpr unsigned kScriptsMax = 4;
constexpr size_t kScriptLineMax = 256;

constexpr uint64_t kAT_NULL = 0, kAT_PHDR = 3, kAT_PHENT = 4, kAT_PHNUM = 5, kAT_PAGESZ = 6, kAT_BASE = 7,
                   kAT_FLAGS = 8, kAT_ENTRY = 9, kAT_UID = 11, kAT_EUID = 12, kAT_GID = 13, kAT_EGID = 14,
                   kAT_PLATFORM = 15, kAT_HWCAP = 16, kAT_CLKTCK = 17, kAT_SECURE = 23, kAT_RANDOM = 25,
                   kAT_HWCAP2 = 26, kAT_EXECFN = 31, kAT_SYSINFO_EHDR = 33, kAT_MINSIGSTKSZ = 51;

struct Loading {  // what has been loaded so far; the process has nothing of it yet
    Ref<AddressSpace> memory;
    Ref<File> file;
    ElfProgram program;
    uint64_t base = 0;
    uint64_t interpreter_base = 0;
    uint64_t entry = 0;
};

Result<Ref<File>> open_program(Process& process, const Location& location) {
    Inode* const inode = location.inode();
    if (!inode) return Errno::kENOENT;
    if (!inode->is_regular()) return Errno::kEACCES;
    KOS_TRY(Attributes const attributes, inode->attributes());
    KOS_TRY_STATUS(check_access(attributes, kMayExecute, process.credentials));
    KOS_TRY_STATUS(check_not_written(process, *inode));
    KOS_TRY(Ref<File> file, inode->open(kO_RDONLY, process));
    file->location = location;
    return file;
}

// "#!interpreter argument": true and the two, false if it is no script.
Result<bool> read_script(File& file, std::string& interpreter, std::string& argument) {
    char line[kScriptLineMax + 1] = {};
    LocalBuffer buffer(line, kScriptLineMax);
    KOS_TRY(size_t const bytes, file.read_at(buffer, 0));
    if (bytes < 3 || line[0] != '#' || line[1] != '!') return false;
    char* const end = static_cast<char*>(memchr(line, '\n', bytes));
    if (!end && bytes == kScriptLineMax) return Errno::kENOEXEC;
    if (end) *end = 0;
    constexpr const char* kBlanks = " \t";
    const char* const start = line + 2 + strspn(line + 2, kBlanks);
    size_t const length = strcspn(start, kBlanks);
    if (length == 0) return Errno::kENOEXEC;
    interpreter.assign(start, length);
    const char* rest = start + length + strspn(start + length, kBlanks);
    argument = rest;
    while (!argument.empty() && strchr(kBlanks, argument.back())) argument.pop_back();
    return true;
}

// Follows "#!" to the program that is to be loaded; the arguments grow at their front.
Result<Ref<File>> find_program(Process& process, Location& location, std::string& name, ExecArguments& arguments) {
    for (unsigned depth = 0; depth <= kScriptsMax; ++depth) {
        KOS_TRY(Ref<File> file, open_program(process, location));
        std::string interpreter, argument;
        KOS_TRY(bool const is_script, read_script(*file, interpreter, argument));
        if (!is_script) return file;
        if (!arguments.arguments.empty()) arguments.arguments.erase(arguments.arguments.begin());
        arguments.arguments.insert(arguments.arguments.begin(), name);
        if (!argument.empty()) arguments.arguments.insert(arguments.arguments.begin(), argument);
        arguments.arguments.insert(arguments.arguments.begin(), interpreter);
        name = interpreter;
        KOS_TRY(WalkResult const found,
                walk(process.paths->context, process.credentials, process.paths->context.working, name, kWalkFollow));
        location = found.location;
    }
    return Errno::kELOOP;
}

Status load_interpreter(Process& process, Loading& image) {
    KOS_TRY(WalkResult const found, walk(process.paths->context, process.credentials, process.paths->context.working,
                                         image.program.interpreter, kWalkFollow));
    KOS_TRY(Ref<File> const file, open_program(process, found.location));
    KOS_TRY(ElfProgram const program, read_elf(*file));
    if (!program.is_movable || !program.interpreter.empty()) return Errno::kENOEXEC;
    uint64_t const bytes = program.end() - program.begin();
    KOS_TRY(uint64_t const room, image.memory->map(0, bytes, 0, kMAP_PRIVATE | kMAP_ANONYMOUS, nullptr, 0));
    image.interpreter_base = room - program.begin();
    image.entry = image.interpreter_base + program.entry;
    return map_elf(*image.memory, file, program, image.interpreter_base);
}

Status map_shim(System& system, AddressSpace& memory) {
    class ShimFile final : public File {
    public:
        explicit ShimFile(std::span<const Ref<Frame>> frames) : frames_(frames) {}
        bool can_map() const override { return true; }
        Result<Ref<Frame>> page(uint64_t index, bool) override {
            if (index >= frames_.size()) return Errno::kENXIO;
            return frames_[index];
        }

    private:
        std::span<const Ref<Frame>> frames_;
    };
    auto const frames = system.platform.shim_frames();
    if (frames.empty()) return {};
    auto const file = Ref<File>(new ShimFile(frames));
    // Data behind the code: the one that the server writes and programs only read.
    uint64_t const bytes = frames.size() * kPageBytes;
    KOS_TRY(uint64_t const room, memory.map(0, bytes, kPROT_READ, kMAP_PRIVATE, file, 0, "[vvar]"));
    KOS_TRY(uint64_t const code,
            memory.map(room, kShimCodeBytes, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE | kMAP_FIXED, file, 0, "[vdso]"));
    memory.shim = code;
    return {};
}

Result<Loading> load(Process& process, Location& location, std::string& name, ExecArguments& arguments) {
    Loading image;
    KOS_TRY(image.file, find_program(process, location, name, arguments));
    KOS_TRY(image.program, read_elf(*image.file));
    KOS_TRY(std::unique_ptr<MachineSpace> machine, process.system.platform.make_space());
    KOS_TRY(image.memory, AddressSpace::create(process.system.frames, std::move(machine)));
    image.memory->limit_bytes = process.limits[kRLIMIT_AS].now;
    image.base = image.program.is_movable ? kProgramBase - image.program.begin() : 0;
    if (image.base + image.program.end() > kStackTop - kStackBytes || image.base + image.program.begin() < kUserBegin) {
        return Errno::kENOEXEC;
    }
    KOS_TRY_STATUS(map_elf(*image.memory, image.file, image.program, image.base));
    image.memory->break_start = image.memory->break_end = image.base + image.program.end();
    image.entry = image.base + image.program.entry;
    KOS_TRY_STATUS(map_shim(process.system, *image.memory));
    if (!image.program.interpreter.empty()) KOS_TRY_STATUS(load_interpreter(process, image));
    return image;
}

// The first stack, from the top: strings, the platform's name and random bytes, auxiliary vector, environment,
// arguments, their number.
class StackBuilder {
public:
    StackBuilder(AddressSpace& memory, uint64_t top) : memory_(memory), at_(top) {}

    Result<uint64_t> bytes(const void* from, size_t count) {
        at_ -= count;
        KOS_TRY_STATUS(memory_.copy_out(at_, from, count));
        return at_;
    }
    Result<uint64_t> text(const std::string& from) { return bytes(from.c_str(), from.size() + 1); }
    void align(uint64_t to) { at_ &= ~(to - 1); }

private:
    AddressSpace& memory_;
    uint64_t at_;
};

Result<uint64_t> build_stack(Process& process, Loading& image, const std::string& name,
                             const ExecArguments& arguments) {
    AddressSpace& memory = *image.memory;
    uint32_t const protection = kPROT_READ | kPROT_WRITE | (image.program.has_executable_stack ? kPROT_EXEC : 0);
    auto const mapped = memory.map(kStackTop - kStackBytes, kStackBytes, protection,
                                   kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED | kMAP_STACK, nullptr, 0, "[stack]");
    if (!mapped.ok()) return mapped.error();
    StackBuilder stack(memory, kStackTop);
    KOS_TRY(uint64_t const name_at, stack.text(name));
    std::vector<uint64_t> words{arguments.arguments.size()};
    std::vector<uint64_t> environment;
    process.environment_end = name_at;
    for (auto text = arguments.environment.rbegin(); text != arguments.environment.rend(); ++text) {
        KOS_TRY(process.environment_start, stack.text(*text));
        environment.insert(environment.begin(), process.environment_start);
    }
    if (arguments.environment.empty()) process.environment_start = process.environment_end;
    process.arguments_end = process.environment_start;
    std::vector<uint64_t> texts;
    for (auto text = arguments.arguments.rbegin(); text != arguments.arguments.rend(); ++text) {
        KOS_TRY(process.arguments_start, stack.text(*text));
        texts.insert(texts.begin(), process.arguments_start);
    }
    KOS_TRY(uint64_t const platform, stack.text("aarch64"));
    uint8_t random[16];
    KOS_TRY_STATUS(process.system.platform.random(random, sizeof random));
    KOS_TRY(uint64_t const random_at, stack.bytes(random, sizeof random));
    words.insert(words.end(), texts.begin(), texts.end());
    words.push_back(0);
    words.insert(words.end(), environment.begin(), environment.end());
    words.push_back(0);
    const Credentials& who = process.credentials;
    uint64_t const auxiliary[][2] = {
        {kAT_SYSINFO_EHDR, memory.shim},
        {kAT_HWCAP, process.system.platform.processor().capabilities},
        {kAT_HWCAP2, process.system.platform.processor().more_capabilities},
        {kAT_PAGESZ, kPageBytes},
        {kAT_CLKTCK, 100},
        {kAT_PHDR, image.program.headers ? image.base + image.program.headers : 0},
        {kAT_PHENT, 56},
        {kAT_PHNUM, image.program.header_count},
        {kAT_BASE, image.interpreter_base},
        {kAT_FLAGS, 0},
        {kAT_ENTRY, image.base + image.program.entry},
        {kAT_UID, who.uid},
        {kAT_EUID, who.euid},
        {kAT_GID, who.gid},
        {kAT_EGID, who.egid},
        {kAT_SECURE, 0},
        {kAT_RANDOM, random_at},
        {kAT_EXECFN, name_at},
        {kAT_PLATFORM, platform},
        {kAT_MINSIGSTKSZ, 4720},
        {kAT_NULL, 0},
    };
    size_t const auxiliary_at = words.size();
    for (auto const& [key, value] : auxiliary) {
        if (key == kAT_SYSINFO_EHDR && !value) continue;
        words.push_back(key);
        words.push_back(value);
    }
    process.auxiliary_vector.assign(reinterpret_cast<const char*>(&words[auxiliary_at]),
                                    (words.size() - auxiliary_at) * sizeof(uint64_t));
    // The stack pointer is a multiple of 16.
    stack.align(16);
    if (words.size() % 2) KOS_TRY_STATUS(stack.bytes("\0\0\0\0\0\0\0", 8));
    return stack.bytes(words.data(), words.size() * sizeof(uint64_t));
}

// The new program runs in the leader's thread, whoever called (execve(2)): one that has ended is made anew.
Result<Ref<Thread>> leader_for(Thread& thread, AddressSpace& memory) {
    Process& process = thread.process;
    if (Thread* const leader = process.find_thread(process.pid)) return Ref<Thread>(leader);
    KOS_TRY(Ref<Thread> made, process.system.make_thread(process, process.pid));
    auto machine = process.system.platform.make_thread(*made, memory);
    if (!machine.ok()) {
        std::erase(process.threads, made);
        process.system.forget(*made);
        return machine.error();
    }
    made->machine = machine.take();
    return made;
}

void end_all_but(Process& process, const Thread& one) {
    std::vector<Ref<Thread>> const all = process.threads;
    for (const Ref<Thread>& other : all) {
        if (other.get() == &one) continue;
        if (other->state == ThreadState::kRunning) other->machine->interrupt();
        end_thread(*other);
    }
}

// What the new program keeps of the thread that called.
void take_over(Thread& leader, Thread& caller) {
    leader.process.system.abandon_call(leader);
    std::swap(leader.signals, caller.signals);
    leader.affinity = caller.affinity;
    leader.nice = caller.nice;
    leader.io_priority = caller.io_priority;
    leader.policy = caller.policy;
    leader.priority = caller.priority;
    leader.resets_on_fork = caller.resets_on_fork;
    leader.timer_slack = caller.timer_slack;
    leader.clear_tid = 0;
}

// The point of no return is behind us: the process becomes the new program.
void become(Thread& thread, Loading& image, uint64_t stack, const Location& location, const std::string& name) {
    Process& process = thread.process;
    end_all_but(process, thread);
    thread.robust_list = 0;
    if (thread.clear_tid) {
        // The old memory's; nobody can wait there any more unless it is shared (vfork(2)).
        thread.clear_tid = 0;
    }
    process.files->close_for_exec(process);
    process.credentials.begin_program();
    reset_handlers(process);
    thread.signals.alternate_stack = thread.signals.alternate_bytes = 0;
    thread.signals.alternate_flags = 2;
    Ref<AddressSpace> const old = std::exchange(process.memory, image.memory);
    process.executable = location;
    size_t const slash = name.rfind('/');
    process.command = name.substr(slash == std::string::npos ? 0 : slash + 1).substr(0, sizeof thread.name - 1);
    memset(thread.name, 0, sizeof thread.name);
    memcpy(thread.name, process.command.data(), process.command.size());
    process.has_executed = true;
    thread.registers = Registers();
    thread.registers.sp = stack;
    thread.registers.pc = image.entry;
    if (thread.process.memory->shim) {
        // By way of the shim, which clears the floating-point registers.
        thread.registers.pc = thread.process.memory->shim + kShimStart;
        thread.registers.x[16] = image.entry;
    }
    if (thread.machine) {
        thread.machine->set_no_result();
        thread.machine->set_memory(*process.memory);
    }
    if (process.is_vfork_child) {
        process.is_vfork_child = false;
        process.vfork_done.wake();
    }
}

}  // namespace

Status execute(Thread& thread, Location location, std::string name, ExecArguments arguments) {
    KOS_TRY(Loading image, load(thread.process, location, name, arguments));
    size_t total = 0;
    for (const std::string& text : arguments.arguments) total += text.size() + 1 + sizeof(uint64_t);
    for (const std::string& text : arguments.environment) total += text.size() + 1 + sizeof(uint64_t);
    if (total > kArgumentsMax) return Errno::kE2BIG;
    KOS_TRY(uint64_t const stack, build_stack(thread.process, image, name, arguments));
    Ref<Thread> runner(&thread);
    // The first program's first thread has no kernel's thread yet.
    if (thread.machine && thread.tid != thread.process.pid) {
        KOS_TRY(runner, leader_for(thread, *image.memory));
        take_over(*runner, thread);
    }
    become(*runner, image, stack, location, name);
    if (runner.get() == &thread) return {};
    runner->state = ThreadState::kRunning;
    runner->machine->resume();
    if (must_deliver(*runner)) poke(*runner);
    return {};
}

}  // namespace kos::lx
