// The EROFS reader on images that mkfs.erofs makes here, on damaged ones, and with few frames.
#include "fs/erofs/erofs.h"

#include "fs/erofs/extents.h"
#include "testing/frames.h"
#include "testing/visit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

namespace kos::lx {
namespace {

namespace fs = std::filesystem;
using testing::FakeFrames;
using testing::FakeImage;
using Bytes = std::vector<uint8_t>;

Bytes read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, const Bytes& bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// What compresses like a program's text: words of a small vocabulary, with stretches of noise.
Bytes text_of(size_t bytes, uint32_t seed) {
    std::mt19937 random(seed);
    Bytes result;
    while (result.size() < bytes) {
        if (random() % 64 == 0) {
            for (int i = 0; i < 200; ++i) result.push_back(static_cast<uint8_t>(random()));
        }
        unsigned const word = random() % 997;
        for (unsigned i = 0; i < 4 + word % 9; ++i) result.push_back(static_cast<uint8_t>('a' + (word * (i + 3)) % 26));
    }
    result.resize(bytes);
    return result;
}

Bytes noise(size_t bytes, uint32_t seed) {
    std::mt19937 random(seed);
    Bytes result(bytes);
    for (uint8_t& byte : result) byte = static_cast<uint8_t>(random());
    return result;
}

class Folder {
public:
    Folder() {
        char name[] = "/tmp/kos_erofs_XXXXXX";
        path = mkdtemp(name);
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
};

// A tree with what an image can hold. Large: also what takes long to make.
void make_tree(const fs::path& top, bool large) {
    fs::create_directories(top / "usr/lib/deep/er/still");
    fs::create_directory(top / "empty");
    for (size_t size : {0, 1, 100, 4095, 4096, 4097, 8192, 12288, 20000, 65536, 100001}) {
        write_file(top / ("text_" + std::to_string(size)), text_of(size, static_cast<uint32_t>(size)));
        write_file(top / ("noise_" + std::to_string(size)), noise(size, static_cast<uint32_t>(size)));
    }
    write_file(top / "usr/lib/zeros", Bytes(300'000));
    // Runs that compress well beside some that do not.
    Bytes mixed;
    for (uint32_t i = 0; i < (large ? 60u : 12u); ++i) {
        Bytes const part = i % 3 == 0   ? noise(5000 + i * 131, i)
                           : i % 3 == 1 ? Bytes(20'000)
                                        : text_of(17'000 + i * 77, i);
        mixed.insert(mixed.end(), part.begin(), part.end());
    }
    write_file(top / "usr/lib/mixed", mixed);
    if (large) {
        write_file(top / "usr/lib/large", text_of(1'200'000, 7));
        write_file(top / "usr/lib/many_zeros", Bytes(7'000'000));  // more than one extent can be
    }
    fs::create_directory(top / "long");
    for (int i = 0; i < (large ? 1500 : 300); ++i) {
        std::string name = "n" + std::to_string(i * 7919 % 10007);
        if (i % 50 == 0) name += std::string(240 - name.size(), 'x');
        write_file(top / "long" / name, text_of(static_cast<size_t>(i % 5), 1));
    }
    // Before "." in order of bytes, and beyond ASCII.
    for (const char* name : {"!first", "-dash", "..x", ".hidden", "\xc3\xa4", "~last"}) {
        write_file(top / "long" / name, text_of(10, 2));
    }
    fs::create_symlink("text_4096", top / "link");
    fs::create_symlink(std::string(3000, 'p'), top / "usr/long_link");
    fs::create_hard_link(top / "text_20000", top / "usr/hard");
    mkfifo((top / "fifo").c_str(), 0640);
    if (geteuid() == 0) {
        mknod((top / "null").c_str(), S_IFCHR | 0666, makedev(1, 3));
        mknod((top / "disk").c_str(), S_IFBLK | 0600, makedev(259, 70000));
        // More than 16 bits: an extended inode.
        EXPECT_EQ(chown((top / "text_100").c_str(), 100000, 200000), 0);
    }
    fs::permissions(top / "text_1", fs::perms(04755));
}

Bytes make_image(const fs::path& tree, const std::string& options) {
    Folder const folder;
    fs::path const image = folder.path / "image";
    std::string const command = "PATH=$PATH:/usr/sbin:/sbin mkfs.erofs " + options + " " + image.string() + " " +
                                tree.string() + " >" + (folder.path / "log").string() + " 2>&1";
    if (system(command.c_str()) != 0) {
        ADD_FAILURE() << command << ": is erofs-utils installed?";
        return {};
    }
    return read_file(image);
}

Ref<FileSystem> mount(const Bytes& image, FrameSource& frames, FakeImage::Memory memory = FakeImage::Memory::kApart) {
    auto result = make_erofs(std::make_unique<FakeImage>(image, memory), frames);
    EXPECT_EQ(result.error(), Errno::kOK);
    return result.ok() ? *result : nullptr;
}

struct Listed {
    uint64_t inode;
    Mode type;
    uint64_t cookie;  // to begin with this entry
};

class Sink final : public Inode::EntrySink {
public:
    explicit Sink(size_t most, uint64_t cookie) : cookie_(cookie), most_(most) {}
    bool take(const Inode::Entry& entry) override {
        if (names.size() == most_) return false;
        EXPECT_TRUE(names.emplace(entry.name, Listed{entry.inode, entry.type, cookie_}).second) << entry.name;
        order.emplace_back(entry.name);
        cookie_ = entry.next;
        return true;
    }
    uint64_t cookie() const { return cookie_; }
    std::map<std::string, Listed, std::less<>> names;
    std::vector<std::string> order;

private:
    uint64_t cookie_;
    size_t most_;
};

Bytes contents(Inode& inode) {
    uint64_t const size = inode.attributes()->size;
    Bytes result(size);
    for (uint64_t offset = 0; offset < size; offset += kPageBytes) {
        auto frame = inode.page(offset / kPageBytes, false);
        EXPECT_EQ(frame.error(), Errno::kOK) << offset;
        if (!frame.ok()) return {};
        size_t const count = std::min<uint64_t>(kPageBytes, size - offset);
        memcpy(result.data() + offset, (*frame)->data(), count);
        // A program that maps the last page sees zeros behind the end.
        for (size_t i = count; i < kPageBytes; ++i) EXPECT_EQ((*frame)->data()[i], std::byte{0});
    }
    EXPECT_EQ(inode.page((size + kPageBytes - 1) / kPageBytes, false).error(), Errno::kENXIO);
    return result;
}

// --all-root: compact inodes have owners of 16 bits only.
bool all_root = false;

void expect_equal(Inode& inode, const fs::path& path) {
    SCOPED_TRACE(path);
    struct stat host;
    ASSERT_EQ(lstat(path.c_str(), &host), 0);
    auto const found = inode.attributes();
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->mode, host.st_mode);
    EXPECT_EQ(inode.type(), host.st_mode & S_IFMT);
    EXPECT_EQ(found->uid, all_root ? 0 : host.st_uid);
    EXPECT_EQ(found->gid, all_root ? 0 : host.st_gid);
    EXPECT_NE(found->inode, 0u);
    switch (inode.type()) {
        case kS_IFREG:
            EXPECT_EQ(found->size, static_cast<uint64_t>(host.st_size));
            EXPECT_EQ(found->links, host.st_nlink);
            EXPECT_TRUE(contents(inode) == read_file(path));
            break;
        case kS_IFLNK: EXPECT_EQ(*inode.read_link(), fs::read_symlink(path).string()); break;
        case kS_IFCHR:
        case kS_IFBLK:
            EXPECT_EQ(major(found->device_number), major(host.st_rdev));
            EXPECT_EQ(minor(found->device_number), minor(host.st_rdev));
            break;
        default: break;
    }
}

void expect_equal_tree(const Ref<Inode>& directory, const fs::path& path) {
    expect_equal(*directory, path);
    Sink sink(SIZE_MAX, 0);
    ASSERT_TRUE(directory->read_directory(0, sink).ok());
    std::set<std::string> expected{".", ".."};
    for (const auto& entry : fs::directory_iterator(path)) expected.insert(entry.path().filename());
    std::set<std::string> listed;
    for (const auto& [name, entry] : sink.names) listed.insert(name);
    ASSERT_EQ(listed, expected);
    EXPECT_EQ(sink.order[0], ".");
    EXPECT_EQ(sink.order[1], "..");
    EXPECT_EQ(sink.names.at(".").inode, directory->attributes()->inode);
    for (const auto& [name, entry] : sink.names) {
        if (name == "." || name == "..") continue;
        auto child = directory->lookup(name);
        ASSERT_EQ(child.error(), Errno::kOK) << name;
        EXPECT_EQ((*child)->attributes()->inode, entry.inode);
        EXPECT_EQ((*child)->type(), entry.type);
        // As many do it: go on where a read ended.
        Sink one(1, entry.cookie);
        ASSERT_TRUE(directory->read_directory(entry.cookie, one).ok());
        EXPECT_EQ(one.order, std::vector<std::string>{name});
        if ((*child)->is_directory()) {
            expect_equal_tree(*child, path / name);
        } else {
            expect_equal(**child, path / name);
        }
    }
    for (const char* absent : {"absent", "!", "~~", "n", "zzzz", "\xff\xff", "text_4096x"}) {
        if (expected.contains(absent)) continue;
        EXPECT_EQ(directory->lookup(absent).error(), Errno::kENOENT) << absent;
    }
    EXPECT_EQ(directory->lookup(std::string(255, 'q')).error(), Errno::kENOENT);
}

const char* const kLayouts[] = {
    "",
    "-Eforce-inode-compact --all-root",
    "-Eforce-inode-extended",
    "-Enoinline_data",
    "--chunksize=4096",
    "--chunksize=65536 -Eforce-chunk-indexes",
    "--chunksize=4096 -Eforce-inode-blockmap",
    "-zlz4",
    "-zlz4hc",
    "-zlz4hc,12 -C16384",
    "-zlz4hc -C65536",
    "-zlz4 -C1048576",
    "-zlz4hc --max-extent-bytes=65536",
    "-zlz4 -Elegacy-compress",
    "-zlz4hc -C65536 -Elegacy-compress",
    "-zlz4hc -Eztailpacking",
    "-zlz4hc -C65536 -Eztailpacking",
};

class Erofs : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override { all_root = std::string_view(GetParam()).find("--all-root") != std::string_view::npos; }
    static void SetUpTestSuite() {
        tree_ = new Folder;
        make_tree(tree_->path, true);
    }
    static void TearDownTestSuite() {
        delete tree_;
        tree_ = nullptr;
    }
    static Folder* tree_;
};
Folder* Erofs::tree_ = nullptr;
class ErofsScarce : public Erofs {};

TEST_P(Erofs, IsWhatTheTreeIs) {
    Bytes const image = make_image(tree_->path, GetParam());
    FakeFrames frames;
    auto const file_system = mount(image, frames);
    ASSERT_TRUE(file_system);
    expect_equal_tree(file_system->root(), tree_->path);
    EXPECT_EQ(file_system->type_name(), "erofs");
    EXPECT_TRUE(file_system->status().is_read_only);
    EXPECT_EQ(file_system->status().blocks, (image.size() + 4095) / 4096);
    auto const together = mount(image, frames, FakeImage::Memory::kTogether);
    for (const char* name : {"text_100001", "noise_20000", "text_100"}) {
        expect_equal(**together->root()->lookup(name), tree_->path / name);
    }
    auto const library = *(*together->root()->lookup("usr"))->lookup("lib");
    expect_equal(**library->lookup("mixed"), tree_->path / "usr/lib/mixed");
}

// The cache gives way; what is read stays right. Without any frame reading fails, and works again later.
TEST_P(ErofsScarce, ReadsWithFewFrames) {
    Bytes const image = make_image(tree_->path, GetParam());
    FakeFrames frames(8);
    {
        auto const file_system = mount(image, frames);
        ASSERT_TRUE(file_system);
        expect_equal_tree(file_system->root(), tree_->path);
        EXPECT_LE(frames.used(), 8u);
        std::vector<Ref<Frame>> taken;
        while (true) {
            auto frame = frames.allocate();
            if (!frame.ok()) break;
            taken.push_back(*frame);
        }
        auto file = *file_system->root()->lookup("text_100001");
        Ref<Frame> held;
        for (uint64_t i = 0; i < 25; ++i) {
            auto page = file->page(i, false);
            if (page.ok()) {
                held = *page;
            } else {
                EXPECT_EQ(page.error(), Errno::kENOMEM);
            }
        }
        taken.clear();
        held = nullptr;
        expect_equal(*file, tree_->path / "text_100001");
    }
    EXPECT_EQ(frames.used(), 0u);
}

std::string name_of(const ::testing::TestParamInfo<const char*>& info) {
    std::string name = std::to_string(info.index);
    for (const char* c = info.param; *c; ++c) {
        if (isalnum(static_cast<unsigned char>(*c))) name += *c;
    }
    return name;
}
INSTANTIATE_TEST_SUITE_P(Layouts, Erofs, ::testing::ValuesIn(kLayouts), name_of);
INSTANTIATE_TEST_SUITE_P(Layouts, ErofsScarce,
                         ::testing::Values("", "--chunksize=4096", "-zlz4", "-zlz4hc -C65536",
                                           "-zlz4hc -Eztailpacking"),
                         name_of);

TEST(ErofsPages, LieInTheImageIfTheyCan) {
    Folder tree;
    write_file(tree.path / "plain", noise(10'000, 1));
    write_file(tree.path / "noise", noise(40'960, 2));
    FakeFrames frames;
    auto const plain = mount(make_image(tree.path, ""), frames);
    auto const file = *plain->root()->lookup("plain");
    EXPECT_TRUE((*file->page(0, false))->is_read_only());
    EXPECT_TRUE((*file->page(1, false))->is_read_only());
    EXPECT_EQ(frames.used(), 0u);
    EXPECT_FALSE((*file->page(2, false))->is_read_only());  // the tail
    EXPECT_EQ(frames.used(), 1u);
    EXPECT_EQ(file->page(0, false)->get(), file->page(0, false)->get());
    EXPECT_EQ(file->page(2, false)->get(), file->page(2, false)->get());
    EXPECT_EQ(file->page(0, true).error(), Errno::kEROFS);
    EXPECT_EQ(file->truncate(0).ok(), false);
    EXPECT_EQ(file->change({}).error(), Errno::kEROFS);
    auto const compressed = mount(make_image(tree.path, "-zlz4hc"), frames);
    EXPECT_TRUE((*(*compressed->root()->lookup("noise"))->page(3, false))->is_read_only());
}

// Frames that others need come back from the cache, but not those that are in use.
TEST(ErofsPages, AreGivenBackToOthers) {
    Folder tree;
    write_file(tree.path / "text", text_of(2'000'000, 3));
    Bytes const image = make_image(tree.path, "-zlz4hc");
    FakeFrames frames(1000);
    auto const file_system = mount(image, frames);
    auto const file = *file_system->root()->lookup("text");
    std::vector<Ref<Frame>> in_use;
    for (uint64_t page = 0; page < 488; ++page) {
        auto const frame = *file->page(page, false);
        if (page % 10 == 0 && !frame->is_read_only()) in_use.push_back(frame);
    }
    EXPECT_GE(frames.used(), 200u);
    EXPECT_EQ(frames.reclaimable_frames(), 250u);
    std::vector<Ref<Frame>> taken;
    for (;;) {
        auto frame = frames.allocate();
        if (!frame.ok()) break;
        taken.push_back(*frame);
    }
    EXPECT_EQ(taken.size(), 1000 - in_use.size());
    taken.clear();
    expect_equal(*file, tree.path / "text");
}

// Pages read one after the other: no extent is decompressed twice, and pages come out of the cache.
TEST(ErofsPages, AreDecompressedOnce) {
    Folder tree;
    write_file(tree.path / "text", text_of(1'000'000, 3));
    for (const char* layout : {"-zlz4hc", "-zlz4hc -C65536"}) {
        FakeFrames frames;
        auto volume = erofs::Volume::open(std::make_unique<FakeImage>(make_image(tree.path, layout)));
        ASSERT_TRUE(volume.ok());
        // The same as the file system does, with its parts, which count.
        auto const file_system = mount(make_image(tree.path, layout), frames);
        auto const file = *file_system->root()->lookup("text");
        auto const record = (*volume)->read_inode(file->attributes()->inode);
        ASSERT_TRUE(record.ok());
        auto index = erofs::ClusterIndex::open(**volume, *record);
        ASSERT_TRUE(index.ok());
        erofs::Extents extents(**volume);
        uint64_t compressed = 0;
        for (uint64_t at = 0; at < record->size;) {
            auto const extent = index->find(at);
            ASSERT_TRUE(extent.ok());
            ASSERT_EQ(extent->start, at);
            compressed += !extent->is_plain;
            // By pages, as compressed_page asks.
            for (uint64_t page = page_down(at); !extent->is_plain && page < extent->end; page += kPageBytes) {
                ASSERT_TRUE(extents.data(record->number, *extent).ok());
            }
            at = extent->end;
        }
        EXPECT_GT(compressed, 3u);
        EXPECT_EQ(extents.decompressed(), compressed);
        for (uint64_t page = 0; page < file->attributes()->size / kPageBytes; ++page) {
            auto const once = *file->page(page, false);
            EXPECT_EQ(once.get(), file->page(page, false)->get());
        }
    }
}

TEST(ErofsInodes, AreOneObjectEach) {
    Folder tree;
    write_file(tree.path / "a", noise(10, 1));
    fs::create_hard_link(tree.path / "a", tree.path / "b");
    FakeFrames frames;
    auto const file_system = mount(make_image(tree.path, ""), frames);
    auto const root = file_system->root();
    EXPECT_EQ(root.get(), file_system->root().get());
    auto const a = *root->lookup("a");
    EXPECT_EQ(a.get(), root->lookup("b")->get());
    EXPECT_EQ(a->attributes()->links, 2u);
    EXPECT_EQ(root->lookup("..")->get(), root.get());
    EXPECT_EQ(a->lookup("x").error(), Errno::kENOTDIR);
    EXPECT_EQ(a->read_link().error(), Errno::kEINVAL);
}

TEST(ErofsTimes, AreTheFiles) {
    Folder tree;
    write_file(tree.path / "a", noise(10, 1));
    timespec const times[2] = {{1'600'000'000, 5}, {1'600'000'001, 123'456'789}};
    ASSERT_EQ(utimensat(AT_FDCWD, (tree.path / "a").c_str(), times, 0), 0);
    FakeFrames frames;
    auto const exact = mount(make_image(tree.path, "-Eforce-inode-extended"), frames);
    auto const found = (*exact->root()->lookup("a"))->attributes()->modified;
    EXPECT_EQ(found.seconds, 1'600'000'001);
    EXPECT_EQ(found.nanoseconds, 123'456'789);
    auto const fixed = mount(make_image(tree.path, "-T1234567890 -Eforce-inode-compact"), frames);
    EXPECT_EQ((*fixed->root()->lookup("a"))->attributes()->modified.seconds, 1'234'567'890);
}

// --- Mounting.

TEST(ErofsMount, RefusesWhatIsNone) {
    Folder tree;
    write_file(tree.path / "a", noise(10, 1));
    Bytes const good = make_image(tree.path, "");
    FakeFrames frames;
    auto const error = [&](const Bytes& image) {
        return make_erofs(std::make_unique<FakeImage>(image), frames).error();
    };
    EXPECT_EQ(error(good), Errno::kOK);
    EXPECT_EQ(error({}), Errno::kEINVAL);
    EXPECT_EQ(error(Bytes(100)), Errno::kEINVAL);
    EXPECT_EQ(error(Bytes(1 << 20)), Errno::kEINVAL);
    EXPECT_EQ(error(Bytes(good.begin(), good.begin() + 1100)), Errno::kEINVAL);  // checksum
    Bytes damaged = good;
    damaged[1024 + 0x30] ^= 1;  // UUID: only the checksum tells
    EXPECT_EQ(error(damaged), Errno::kEINVAL);
    damaged = good;
    damaged[1024 + 8] &= 0xfe;  // has no checksum
    EXPECT_EQ(error(damaged), Errno::kOK);
    damaged[1024 + 0x50] |= 0x20;  // fragments
    EXPECT_EQ(error(damaged), Errno::kEINVAL);
    damaged[1024 + 0x50] = 0;
    damaged[1024 + 0x24] = 0xff;  // more blocks than there are
    EXPECT_EQ(error(damaged), Errno::kEINVAL);
}

// --- Damage.

TEST(ErofsDamage, IsAnErrorAndNothingWorse) {
    const char* const given = getenv("KOS_TEST_SEED");
    uint64_t const seed = given ? strtoull(given, nullptr, 10) : 1;
    printf("seed %llu (KOS_TEST_SEED)\n", static_cast<unsigned long long>(seed));
    Folder tree;
    make_tree(tree.path, false);
    std::vector<Bytes> images;
    for (const char* layout : {"", "--chunksize=4096", "-zlz4", "-zlz4hc -C65536", "-zlz4 -Elegacy-compress",
                               "-zlz4hc -C65536 -Eztailpacking"}) {
        images.push_back(make_image(tree.path, layout));
        ASSERT_FALSE(images.back().empty());
        images.back()[1024 + 8] &= 0xfe;  // no checksum: the superblock is damaged too
    }
    std::mt19937_64 random(seed);
    unsigned mounted = 0;
    auto slowest = std::chrono::steady_clock::duration::zero();
    for (unsigned round = 0; round < 3000; ++round) {
        Bytes image = images[round % images.size()];
        // Metadata lie at both ends; flips near known inodes find more than flips in data.
        unsigned const flips = 1 + random() % 24;
        for (unsigned i = 0; i < flips; ++i) {
            size_t const reach = random() % 4 == 0 ? 4096 : image.size();
            size_t at = random() % reach;
            if (random() % 2) at = image.size() - 1 - random() % std::min<size_t>(image.size(), 64 << 10);
            switch (random() % 3) {
                case 0: image[at] ^= static_cast<uint8_t>(1u << random() % 8); break;
                case 1: image[at] = static_cast<uint8_t>(random()); break;
                default: image[at] = random() % 2 ? 0xff : 0; break;
            }
        }
        if (random() % 32 == 0) image.resize(random() % image.size());
        auto const begin = std::chrono::steady_clock::now();
        FakeFrames frames(2000);
        auto const file_system = make_erofs(std::make_unique<FakeImage>(image), frames);
        if (file_system.ok()) {
            ++mounted;
            unsigned left = 200;
            testing::visit((*file_system)->root(), 0, left);
        }
        slowest = std::max(slowest, std::chrono::steady_clock::now() - begin);
    }
    EXPECT_GT(mounted, 1000u);
    EXPECT_LT(slowest, std::chrono::seconds(10));
}

}  // namespace
}  // namespace kos::lx
