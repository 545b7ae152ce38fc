// /proc/PID/fd, fdinfo, and the links that lead to places: exe, cwd, root.
#include "fs/generated/text_file.h"
#include "fs/proc/nodes.h"
#include "vfs/dentry.h"
#include "vfs/file.h"

namespace kos::lx::proc {

namespace {

using generated::TreeDirectory;
using generated::TreeInode;

const Location& root_of(const Process* process) {
    static const Location kNone;
    return process && process->paths ? process->paths->context.root : kNone;
}

class DescriptorLink final : public TreeInode {
public:
    DescriptorLink(Tree& of, Subject whom, Mode mode, uint64_t number, uint64_t parent)
        : TreeInode(of, std::move(whom), mode, number, parent) {}

    Result<std::string> read_link() override {
        KOS_TRY(Ref<File> const file, target());
        if (std::string name = file->anonymous_name(); !name.empty()) return name;
        if (!file->location.is_set()) return Errno::kENOENT;
        return path_of(file->location, root_of(subject().process.get()));
    }
    Result<bool> follow(Location& to) override {
        KOS_TRY(Ref<File> const file, target());
        if (file->anonymous_name().empty()) to = file->location;
        return true;
    }
    Ref<File> follow_file() override {
        auto file = target();
        return file.ok() ? *file : nullptr;
    }

private:
    Result<Ref<File>> target() const {
        if (!subject().process->files) return Errno::kENOENT;
        KOS_TRY_STATUS(check_may_inspect(*subject().process));
        auto file = subject().process->files->get(static_cast<int>(subject().index));
        if (!file.ok()) return Errno::kENOENT;
        return file;
    }
};

Text descriptor_info(const Subject& subject, Process&) {
    const FdTable* const files = subject.process->files.get();
    int const fd = static_cast<int>(subject.index);
    auto const file = files ? files->get(fd) : Result<Ref<File>>(Errno::kENOENT);
    if (!file.ok()) return Errno::kENOENT;
    uint32_t const flags = (*file)->flags | (files->close_on_exec(fd) ? kO_CLOEXEC : 0);
    auto const attributes = (*file)->attributes();
    std::string result =
        format("pos:\t%llu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", static_cast<unsigned long long>((*file)->position),
               flags, (*file)->location.mount ? (*file)->location.mount->id : 0,
               attributes.ok() ? static_cast<unsigned long long>(attributes->inode) : 0);
    return result + (*file)->details();
}

constexpr Node kInfo{"", kPrivate, descriptor_info};

// The open descriptors, by number; keys are one more.
class Descriptors : public TreeDirectory {
public:
    Descriptors(Tree& of, Subject whom, Mode mode, uint64_t number, uint64_t parent, bool infos)
        : TreeDirectory(of, std::move(whom), mode, number, parent, {}), infos_(infos) {}

private:
    Extra next_extra(uint64_t after) override {
        const FdTable* const files = subject().process->files.get();
        int const fd = files ? files->next_open(static_cast<int>(after)) : -1;
        if (fd < 0) return {};
        return {static_cast<uint64_t>(fd) + 1, std::to_string(fd), infos_ ? kS_IFREG : kS_IFLNK};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        int64_t const fd = generated::number_from_name(name, FdTable::kDescriptorsMax);
        const FdTable* const files = subject().process->files.get();
        if (fd < 0 || !files) return Errno::kENOENT;
        auto const file = files->get(static_cast<int>(fd));
        if (!file.ok()) return Errno::kENOENT;
        Subject whom = subject();
        whom.index = static_cast<unsigned>(fd);
        uint64_t const child = generated::number_of(number(), name);
        if (infos_) return Ref<Inode>(make_ref<generated::TextInode>(tree(), std::move(whom), kInfo, child, number()));
        Mode const mode = kS_IFLNK | ((*file)->may_read() ? 0500 : 0) | ((*file)->may_write() ? 0300 : 0);
        return Ref<Inode>(make_ref<DescriptorLink>(tree(), std::move(whom), mode, child, number()));
    }
    bool infos_;
};

class PlaceLink final : public TreeInode {
public:
    PlaceLink(Tree& of, Subject whom, const Node& node, uint64_t number, uint64_t parent)
        : TreeInode(of, std::move(whom), node.mode, number, parent), node_(node) {}

    Result<std::string> read_link() override {
        KOS_TRY(Location const place, target());
        return path_of(place, root_of(subject().process.get()));
    }
    Result<bool> follow(Location& to) override {
        KOS_TRY(to, target());
        return true;
    }

private:
    Result<Location> target() const {
        const Process& process = *subject().process;
        KOS_TRY_STATUS(check_may_inspect(process));
        Location place;
        if (node_.name == "exe") {
            place = process.executable;
        } else if (process.paths) {
            place = node_.name == "cwd" ? process.paths->context.working : process.paths->context.root;
        }
        if (!place.is_set()) return Errno::kENOENT;
        return place;
    }

    const Node& node_;
};

}  // namespace

Ref<Inode> make_descriptors(Tree& tree, const Subject& subject, const Node& node, uint64_t number, uint64_t parent) {
    return make_ref<Descriptors>(tree, subject, node.mode, number, parent, false);
}

Ref<Inode> make_descriptor_infos(Tree& tree, const Subject& subject, const Node& node, uint64_t number,
                                 uint64_t parent) {
    return make_ref<Descriptors>(tree, subject, node.mode, number, parent, true);
}

Ref<Inode> make_place(Tree& tree, const Subject& subject, const Node& node, uint64_t number, uint64_t parent) {
    return make_ref<PlaceLink>(tree, subject, node, number, parent);
}

}  // namespace kos::lx::proc
