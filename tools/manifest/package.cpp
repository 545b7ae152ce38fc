// See package.h.
#include "package.h"

#include <kos/manifest/manifest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "bundle_format.h"
#include "push_format.h"
#include "system_digest.h"

namespace kos::compiler {
namespace {

using tools::Buffer;
using tools::Error;

const Domain& find_domain(const System& system, const std::string& name) {
    const auto found = std::find_if(system.domains.begin(), system.domains.end(),
                                    [&](const Domain& domain) { return domain.name.value == name; });
    if (found == system.domains.end()) {
        throw Error("--domain " + name + ": the system has no such domain");
    }
    // Root refuses it as well.
    if (!found->rights.empty()) {
        throw Error("--domain " + name + " has the right \"" + found->rights.front().value +
                    "\"; expected an application: core services are not replaced on a running device");
    }
    if (1 + found->images.size() > push::kMaxFiles) {
        throw Error("--domain " + name + " has " + std::to_string(found->images.size()) + " images; expected at most " +
                    std::to_string(push::kMaxFiles - 1));
    }
    return *found;
}

void add_file(push::Package& package, bundle::Kind kind, uint64_t size, const std::array<uint8_t, 32>& hash) {
    push::File& file = package.files[package.file_count++];
    file.kind = static_cast<uint32_t>(kind);
    file.size_bytes = size;
    std::copy(hash.begin(), hash.end(), file.sha256);
}

}  // namespace

Buffer make_package(std::span<const uint8_t> manifest, const System& system, const std::string& name,
                    const tools::SigningKey& key, uint64_t sequence) {
    const Domain& domain = find_domain(system, name);
    const auto decoded = std::make_unique<manifest::Manifest>();
    if (!manifest::read(manifest.data(), manifest.size(), *decoded).ok()) {
        throw Error("the manifest is not one that root accepts");
    }
    push::SignedPackage signed_package{};
    push::Package& package = signed_package.package;
    std::memcpy(package.context, push::kContext, sizeof(push::kContext));
    std::copy(name.begin(), name.end(), package.domain);
    push::system_digest(manifest.data(), manifest.size(), *decoded, package.system);
    package.sequence = sequence;
    add_file(package, bundle::Kind::kProgram, domain.program->contents.size(), domain.program->sha256);
    for (const ImageFile& image : domain.images) {
        add_file(package, bundle::Kind::kImage, image.contents.size(), image.sha256);
    }
    const auto* const text = reinterpret_cast<const uint8_t*>(&package);
    key.sign(Buffer(text, text + sizeof(package)), signed_package.signature);

    const auto* const start = reinterpret_cast<const uint8_t*>(&signed_package);
    Buffer result(start, start + sizeof(signed_package));
    result.insert(result.end(), domain.program->contents.begin(), domain.program->contents.end());
    for (const ImageFile& image : domain.images) {
        result.insert(result.end(), image.page_hashes.begin(), image.page_hashes.end());
        result.insert(result.end(), image.contents.begin(), image.contents.end());
        const uint64_t pages = bundle::pages_of(image.contents.size());
        result.resize(result.size() + pages * bundle::kAlignment - image.contents.size());
    }
    return result;
}

}  // namespace kos::compiler
