/*
 * Any bytes as a package, and any pieces as its files: what is taken lies inside the file's own memory, and a file is
 * complete only with the contents that its hash names.
 */
#include "incoming.h"

#include "fuzz.h"
#include "test_files.h"

namespace kos::fuzz {
namespace {

const root::test::Key& key() {
    static const root::test::Key kKey;
    return kKey;
}

push::File file_of(uint32_t kind, const Buffer& contents) {
    push::File file{};
    file.kind = kind;
    file.size_bytes = contents.size();
    crypto_hash_sha256(file.sha256, contents.data(), contents.size());
    return file;
}

constexpr uint8_t kPattern = 0xa5;
constexpr size_t kBeyond = 64;

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    if (reader.below(2) == 0) {
        push::SignedPackage package{};
        const Bytes bytes = reader.bytes(sizeof package);
        if (!bytes.empty()) std::memcpy(&package, bytes.data(), bytes.size());
        require(!root::is_package(package, key().public_key), "a signature that nobody made");
        return;
    }
    const Buffer contents(size_t{1} + reader.below(200), 0x4d);
    push::File file = file_of(3, contents);
    if (reader.below(3) == 0) {  // an image whose list nobody knows: no page is ever taken
        file.kind = 4;
        file.size_bytes = 1 + reader.below(3) * 5000;
    }
    const uint64_t room = root::staged_pages(file) * bundle::kAlignment;
    Buffer memory(room + kBeyond, kPattern);
    root::Incoming incoming;
    incoming.begin(file, memory.data());
    while (!reader.empty()) {
        const Bytes piece = reader.bytes(size_t{1} + reader.number());
        if (piece.empty()) break;
        require(incoming.reach(piece.size()) <= room, "reaches beyond its memory");
        const root::Incoming::Result result = incoming.take(piece.data(), piece.size());
        require(incoming.arrived() <= incoming.total(), "more than there is");
        if (result != root::Incoming::Result::kDone) continue;
        require(file.kind == 3 && std::equal(contents.begin(), contents.end(), memory.begin()), "other contents");
    }
    for (size_t i = 0; i < kBeyond; ++i) require(memory[room + i] == kPattern, "written beyond its memory");
}

std::vector<Buffer> seeds() {
    Writer whole;
    whole.number<uint8_t>(1).number<uint8_t>(9).number<uint8_t>(1).number<uint8_t>(9).text(std::string(10, 0x4d));
    Writer none;
    none.number<uint8_t>(0).text(std::string(sizeof(push::SignedPackage), 'k'));
    return {whole.result(), none.result()};
}

}  // namespace kos::fuzz
