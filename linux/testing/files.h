// A world with names: tmpfs at the root, /proc, /sys and /dev where they belong, and ways to read them as a program
// would.
#pragma once

#include "fs/dev/dev.h"
#include "fs/proc/proc.h"
#include "fs/sys/sys.h"
#include "fs/tmpfs.h"
#include "task/current.h"
#include "testing/world.h"
#include "vfs/dentry.h"
#include "vfs/operations.h"

#include <string>
#include <string_view>
#include <vector>

namespace kos::lx::testing {

class FileWorld : public World {
public:
    FileWorld() {
        register_memory_devices();
        process->paths->context.root = process->paths->context.working =
            must(mount_at({}, Tmpfs::create(frames, system.timers), "none", 0));
        system.root = process->paths->context.root;
        for (const char* name : {"proc", "sys", "dev", "tmp"}) make_directory(name);
        mount("proc", make_proc(system));
        mount("sys", make_sys(system));
        auto devices = Tmpfs::create(frames, system.timers);
        if (!populate_dev(*devices->root()).ok()) abort();
        mount("dev", devices);
    }

    const PathContext& context() const { return process->paths->context; }
    void make_directory(const std::string& name) {
        must(make_node({context(), process->credentials}, context().root, "/" + name, kS_IFDIR | 0755, 0));
    }
    void mount(const std::string& name, Ref<FileSystem> file_system) {
        must(mount_at(find("/" + name), std::move(file_system), name, 0));
    }
    Location find(std::string_view path, uint32_t flags = kWalkFollow) {
        CurrentThread const current(*process->threads.front());
        return must(walk(context(), process->credentials, context().root, path, flags)).location;
    }
    Result<Ref<File>> open(std::string_view path, uint32_t flags = kO_RDONLY) {
        CurrentThread const current(*process->threads.front());
        return open_path(*process, context().root, path, flags, 0644);
    }
    int open_fd(std::string_view path, uint32_t flags = kO_RDONLY) {
        return must(process->files->add(must(open(path, flags)), false));
    }

    // All of the file, by pieces of `piece` bytes; "!" and the error's number if something fails.
    std::string read(std::string_view path, size_t piece = 1024) {
        auto file = open(path);
        if (!file.ok()) return "!" + std::to_string(static_cast<int>(file.error()));
        return read_all(**file, piece);
    }
    std::string read_all(File& file, size_t piece = 1024) {
        CurrentThread const current(*process->threads.front());
        std::string result;
        std::vector<char> bytes(piece);
        for (;;) {
            LocalBuffer buffer(bytes.data(), piece);
            auto count = file.read(buffer);
            if (!count.ok()) return "!" + std::to_string(static_cast<int>(count.error()));
            if (*count == 0) return result;
            result.append(bytes.data(), *count);
            if (result.size() > 1 << 20) return result;
        }
    }
    Result<size_t> write(std::string_view path, std::string text) {
        auto file = open(path, kO_WRONLY);
        if (!file.ok()) return file.error();
        CurrentThread const current(*process->threads.front());
        LocalBuffer buffer(text.data(), text.size());
        return (*file)->write(buffer);
    }
    std::string link(std::string_view path) {
        auto location = find(path, 0);
        CurrentThread const current(*process->threads.front());
        auto target = location.inode()->read_link();
        return target.ok() ? *target : "!" + std::to_string(static_cast<int>(target.error()));
    }
    std::vector<std::string> list(std::string_view path) {
        class Sink final : public Inode::EntrySink {
        public:
            bool take(const Inode::Entry& entry) override {
                names.emplace_back(entry.name);
                // A few at a time, as getdents64(2) with a small buffer.
                next = entry.next;
                return names.size() % 3 != 0;
            }
            std::vector<std::string> names;
            uint64_t next = 0;
        } sink;
        auto file = must(open(path, kO_RDONLY | kO_DIRECTORY));
        CurrentThread const current(*process->threads.front());
        for (;;) {
            size_t const before = sink.names.size();
            if (!file->read_directory(sink, sink.next).ok()) abort();
            if (sink.names.size() == before) return sink.names;
        }
    }

    template <class T>
    static T must(Result<T> result) {
        if (result.ok()) return result.take();
        fprintf(stderr, "unexpected error %d\n", static_cast<int>(result.error()));
        abort();
    }

    Process* process = &make_process();
};

}  // namespace kos::lx::testing
