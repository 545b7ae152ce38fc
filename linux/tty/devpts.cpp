// devpts: a directory with a node for each pseudo terminal.
#include "task/system.h"
#include "tty/pty.h"
#include "vfs/devices.h"

#include <stdio.h>

#include <charconv>
#include <map>

namespace kos::lx {

namespace {

constexpr int64_t kDevptsMagic = 0x1cd1;
constexpr uint64_t kRootNumber = 1, kPtmxNumber = 2, kFirstNumber = 3;
constexpr uint32_t kTtyGroup = 5;  // Debian's
constexpr int kPtmx = -1;

class Devpts;

class Node final : public Inode {
public:
    // `number`: kPtmx or a pseudo terminal's.
    Node(Devpts& devpts, int number, const Attributes& attributes);
    ~Node() override;
    Mode type() const override { return kS_IFCHR; }
    Result<Attributes> attributes() override { return attributes_; }
    Status change(const AttributeChange& change) override;
    FileSystem& file_system() override;

private:
    Ref<Devpts> devpts_;
    int const number_;
    Attributes attributes_;
};

class Root final : public Inode {
public:
    Root(Devpts& devpts, const Attributes& attributes) : devpts_(devpts), attributes_(attributes) {}
    Mode type() const override { return kS_IFDIR; }
    Result<Attributes> attributes() override { return attributes_; }
    Status change(const AttributeChange&) override { return Errno::kEPERM; }
    FileSystem& file_system() override;
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Status read_directory(uint64_t cookie, EntrySink& sink) override;

private:
    Devpts& devpts_;
    Attributes attributes_;
};

class Devpts final : public FileSystem {
public:
    explicit Devpts(System& system) : system_(system) {
        Attributes attributes = common(kRootNumber, kS_IFDIR | 0755);
        attributes.links = 2;
        root_ = make_ref<Root>(*this, attributes);
    }
    Ref<Inode> root() override { return root_; }
    FileSystemStatus status() override {
        FileSystemStatus status;
        status.type = kDevptsMagic;
        return status;
    }
    std::string_view type_name() override { return "devpts"; }
    uint64_t device() override { return device_; }
    bool may_cache_names() override { return false; }

    Attributes common(uint64_t number, Mode mode) const {
        Attributes attributes;
        attributes.device = device_;
        attributes.inode = number;
        attributes.mode = mode;
        attributes.accessed = attributes.modified = attributes.changed = attributes.born =
            timespec_of(system_.timers.realtime());
        return attributes;
    }

    Result<Ref<Inode>> node(int number) {
        Attributes attributes;
        if (number == kPtmx) {
            attributes = common(kPtmxNumber, kS_IFCHR | 0666);
            attributes.device_number = make_device(5, 2);
        } else {
            Pty* const pty = Pty::find(number);
            if (!pty) return Errno::kENOENT;
            attributes = common(kFirstNumber + static_cast<uint64_t>(number), kS_IFCHR | 0620);
            attributes.device_number = pty->device_number();
            attributes.uid = pty->uid();
            attributes.gid = kTtyGroup;
        }
        if (auto const found = nodes.find(number); found != nodes.end()) return Ref<Inode>(found->second);
        return Ref<Inode>(new Node(*this, number, attributes));
    }

    std::map<int, Node*> nodes;  // that somebody has

private:
    System& system_;
    uint64_t device_ = next_device_number();
    Ref<Inode> root_;
};

Node::Node(Devpts& devpts, int number, const Attributes& attributes)
    : devpts_(&devpts), number_(number), attributes_(attributes) {
    devpts.nodes[number] = this;
}

Node::~Node() { devpts_->nodes.erase(number_); }

FileSystem& Node::file_system() { return *devpts_; }

Status Node::change(const AttributeChange& change) {
    if (change.has_mode) attributes_.mode = kS_IFCHR | (change.mode & kPermissions);
    if (change.has_uid) attributes_.uid = change.uid;
    if (change.has_gid) attributes_.gid = change.gid;
    if (change.has_accessed) attributes_.accessed = change.accessed;
    if (change.has_modified) attributes_.modified = change.modified;
    return {};
}

FileSystem& Root::file_system() { return devpts_; }

Result<Ref<Inode>> Root::lookup(std::string_view name) {
    if (name == "ptmx") return devpts_.node(kPtmx);
    int number = 0;
    auto const parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    bool const is_number = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() && name[0] != '-' &&
                           (name[0] != '0' || name.size() == 1);
    if (!is_number) return Errno::kENOENT;
    return devpts_.node(number);
}

// Cookies: 1 "..", 2 ptmx, 3 + number + 1 after a terminal.
Status Root::read_directory(uint64_t cookie, EntrySink& sink) {
    if (cookie == 0 && !sink.take({".", kRootNumber, kS_IFDIR, 1})) return {};
    if (cookie <= 1 && !sink.take({"..", kRootNumber, kS_IFDIR, 2})) return {};
    if (cookie <= 2 && !sink.take({"ptmx", kPtmxNumber, kS_IFCHR, kFirstNumber})) return {};
    int from = cookie <= kFirstNumber             ? 0
               : cookie > kFirstNumber + kPtysMax ? kPtysMax
                                                  : static_cast<int>(cookie - kFirstNumber);
    while (Pty* const pty = Pty::next(from)) {
        char name[16];
        snprintf(name, sizeof name, "%d", pty->number());
        from = pty->number() + 1;
        uint64_t const place = kFirstNumber + static_cast<uint64_t>(from);
        if (!sink.take({name, place - 1, kS_IFCHR, place})) return {};
    }
    return {};
}

}  // namespace

Ref<FileSystem> make_devpts(System& system) { return make_ref<Devpts>(system); }

}  // namespace kos::lx
