// /run/kos: names of ports and streams, the manifest's parameters, facts about the domain.
//
// What the manifest does not grant has no name. A name in bind/ is there while the socket is that was bound to it, so
// that a server that has ended finds it free again.
#include "fs/generated/tree.h"
#include "net/kos_ports.h"
#include "net/kos_streams.h"
#include "task/system.h"
#include "vfs/extras.h"

namespace kos::lx {

namespace {

using generated::Node;
using generated::number_of;
using generated::Subject;
using generated::Tree;
using generated::TreeDirectory;
using generated::TreeInode;

constexpr int64_t kMagic = 0x6b6f7331;
constexpr Mode kDirectory = kS_IFDIR | 0755, kOpenDirectory = kS_IFDIR | 0777, kSocket = kS_IFSOCK | 0777,
               kText = kS_IFREG | 0444;

size_t index_of(std::span<const PortPlatform::Port> ports, std::string_view name) {
    for (size_t i = 0; i < ports.size(); ++i) {
        if (ports[i].name == name) return i;
    }
    return ports.size();
}

// A port of a native server, or a domain that takes streams; the socket behind it is the hub's (nullptr: refuses).
class UsedPort final : public TreeInode {
public:
    UsedPort(Tree& of, uint64_t number, uint64_t parent, UnixSocket* listener)
        : TreeInode(of, {&of.system()}, kSocket, number, parent) {
        make_extras().endpoint = listener;
    }
    ~UsedPort() override { extras->endpoint = nullptr; }
};

// A port that a program serves.
class BoundPort final : public TreeInode {
public:
    BoundPort(Tree& of, uint64_t number, uint64_t parent, size_t index)
        : TreeInode(of, {&of.system()}, kSocket, number, parent), index_(index) {}
    void socket_listens(UnixSocket* listener) override { tree().system().ports->listens(index_, listener); }

private:
    size_t index_;
};

class UsedPorts final : public TreeDirectory {
public:
    UsedPorts(Tree& of, uint64_t number, uint64_t parent)
        : TreeDirectory(of, {&of.system()}, kDirectory, number, parent, {}) {}

private:
    KosPorts& ports() const { return *tree().system().ports; }
    Extra next_extra(uint64_t after) override {
        auto const all = ports().platform().used();
        return after < all.size() ? Extra{after + 1, all[after].name, kS_IFSOCK} : Extra{};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        size_t const index = index_of(ports().platform().used(), name);
        if (index == ports().platform().used().size()) return Errno::kENOENT;
        return Ref<Inode>(make_ref<UsedPort>(tree(), number_of(number(), name), number(), &ports().listener_of(index)));
    }
};

// stream/NAME: the domains that this one may open streams to.
class StreamPeers final : public TreeDirectory {
public:
    StreamPeers(Tree& of, uint64_t number, uint64_t parent)
        : TreeDirectory(of, {&of.system()}, kDirectory, number, parent, {}) {}

private:
    size_t next_peer(size_t from, std::string_view name) const {
        KosStreams* const streams = tree().system().streams;
        size_t const count = streams ? streams->links() : 0;
        for (; from < count; ++from) {
            const StreamPlatform::Link& link = streams->about(from);
            if (link.may_connect && (name.empty() || link.peer == name)) return from;
        }
        return SIZE_MAX;
    }
    Extra next_extra(uint64_t after) override {
        size_t const index = next_peer(after, {});
        return index == SIZE_MAX ? Extra{} : Extra{index + 1, tree().system().streams->about(index).peer, kS_IFSOCK};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        size_t const index = next_peer(0, name);
        if (index == SIZE_MAX) return Errno::kENOENT;
        UnixSocket* const listener = tree().system().streams->listener_of(index);
        return Ref<Inode>(make_ref<UsedPort>(tree(), number_of(number(), name), number(), listener));
    }
};

// The socket that takes streams of other domains.
class StreamListener final : public TreeInode {
public:
    StreamListener(Tree& of, uint64_t number, uint64_t parent)
        : TreeInode(of, {&of.system()}, kSocket, number, parent) {}
    void socket_listens(UnixSocket* listener) override { tree().system().streams->listens(listener); }
};

// listen/stream: there while a program has bound it.
class StreamListeners final : public TreeDirectory {
public:
    StreamListeners(Tree& of, uint64_t number, uint64_t parent)
        : TreeDirectory(of, {&of.system()}, kOpenDirectory, number, parent, {}) {}

    Result<Ref<Inode>> create(std::string_view name, Mode mode, uint64_t, uint32_t, uint32_t) override {
        KosStreams* const streams = tree().system().streams;
        if (name != kName || !streams || !accepts(*streams)) return Errno::kENOENT;
        if ((mode & kS_IFMT) != kS_IFSOCK) return Errno::kEPERM;
        if (streams->bound_inode()) return Errno::kEEXIST;
        Ref<Inode> made = make_ref<StreamListener>(tree(), number_of(number(), name), number());
        streams->bind(made);
        return made;
    }
    Status unlink(std::string_view) override { return Errno::kEPERM; }  // goes with its socket

private:
    static constexpr std::string_view kName = "stream";
    static bool accepts(const KosStreams& streams) {
        for (size_t i = 0; i < streams.links(); ++i) {
            if (!streams.about(i).may_connect) return true;
        }
        return false;
    }
    Extra next_extra(uint64_t after) override {
        KosStreams* const streams = tree().system().streams;
        return after == 0 && streams && streams->bound_inode() ? Extra{1, std::string(kName), kS_IFSOCK} : Extra{};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        KosStreams* const streams = tree().system().streams;
        if (name != kName || !streams || !streams->bound_inode()) return Errno::kENOENT;
        return Ref<Inode>(streams->bound_inode());
    }
};

class BoundPorts final : public TreeDirectory {
public:
    BoundPorts(Tree& of, uint64_t number, uint64_t parent)
        : TreeDirectory(of, {&of.system()}, kOpenDirectory, number, parent, {}) {}

    Result<Ref<Inode>> create(std::string_view name, Mode mode, uint64_t, uint32_t, uint32_t) override {
        size_t const index = index_of(ports().platform().served(), name);
        if (index == ports().platform().served().size()) return Errno::kENOENT;
        if ((mode & kS_IFMT) != kS_IFSOCK) return Errno::kEPERM;
        if (ports().bound_inode(index)) return Errno::kEEXIST;
        Ref<Inode> made = make_ref<BoundPort>(tree(), number_of(number(), name), number(), index);
        ports().bind(index, made);
        return made;
    }
    Status unlink(std::string_view) override { return Errno::kEPERM; }  // goes with its socket

private:
    KosPorts& ports() const { return *tree().system().ports; }
    Extra next_extra(uint64_t after) override {
        auto const all = ports().platform().served();
        while (after < all.size() && !ports().bound_inode(after)) ++after;
        return after < all.size() ? Extra{after + 1, all[after].name, kS_IFSOCK} : Extra{};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        size_t const index = index_of(ports().platform().served(), name);
        bool const is_bound = index < ports().platform().served().size() && ports().bound_inode(index);
        return is_bound ? Result<Ref<Inode>>(Ref<Inode>(ports().bound_inode(index))) : Errno::kENOENT;
    }
};

// NAME -> text: the manifest's parameters, or what the domain is.
using Texts = std::span<const PortPlatform::Parameter> (PortPlatform::*)();
template <Texts texts>
class TextDirectory final : public TreeDirectory {
public:
    TextDirectory(Tree& of, uint64_t number, uint64_t parent)
        : TreeDirectory(of, {&of.system()}, kDirectory, number, parent, {}) {}

private:
    static std::span<const PortPlatform::Parameter> all(System& system) { return (system.ports->platform().*texts)(); }
    static Result<std::string> text(const Subject& subject, Process&) {
        return all(*subject.system)[subject.index].value;
    }
    static constexpr Node kFile = {"", kText, text};

    Extra next_extra(uint64_t after) override {
        auto const entries = all(tree().system());
        return after < entries.size() ? Extra{after + 1, entries[after].name, kS_IFREG} : Extra{};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        auto const entries = all(tree().system());
        for (unsigned i = 0; i < entries.size(); ++i) {
            if (entries[i].name != name) continue;
            return tree().make({.system = &tree().system(), .index = i}, kFile, number_of(number(), name));
        }
        return Errno::kENOENT;
    }
};

template <class Directory>
Ref<Inode> make_directory(Tree& tree, const Subject&, const Node&, uint64_t number, uint64_t parent) {
    return make_ref<Directory>(tree, number, parent);
}

constexpr Node kRoot[] = {
    {"bind", kOpenDirectory, nullptr, nullptr, {}, make_directory<BoundPorts>},
    {"domain", kDirectory, nullptr, nullptr, {}, make_directory<TextDirectory<&PortPlatform::domain_facts>>},
    {"listen", kOpenDirectory, nullptr, nullptr, {}, make_directory<StreamListeners>},
    {"parameters", kDirectory, nullptr, nullptr, {}, make_directory<TextDirectory<&PortPlatform::parameters>>},
    {"port", kDirectory, nullptr, nullptr, {}, make_directory<UsedPorts>},
    {"stream", kDirectory, nullptr, nullptr, {}, make_directory<StreamPeers>},
};

class KosTree final : public Tree {
public:
    explicit KosTree(System& of) : Tree(of, kMagic, "kos") {}
    Ref<Inode> root() override {
        return make_ref<TreeDirectory>(*this, Subject{&system()}, kDirectory, uint64_t{1}, uint64_t{1}, kRoot);
    }
    bool may_cache_names() override { return false; }
};

}  // namespace

Ref<FileSystem> make_kos_tree(System& system, KosPorts& ports) {
    system.ports = &ports;
    return make_ref<KosTree>(system);
}

}  // namespace kos::lx
