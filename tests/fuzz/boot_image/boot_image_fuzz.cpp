/*
 * See boot_image_fuzz.h.
 */
#include "boot_image_fuzz.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "board.h"
#include "device_tree.h"
#include "image.h"
#include "layout.h"
#include "test_files.h"

namespace kos::boot::fuzz {
namespace {

// Of its own and not assert(): it must also work in builds that leave assertions out.
void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "boot_image_fuzz: %s\n", what);
        std::abort();
    }
}

bool inside(Bytes part, Bytes whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void require_sound(const ElfFile& elf, Bytes file, AddressLimits limits) {
    require(elf.segment_count >= 1 && elf.segment_count <= kElfMaxSegments, "number of segments");
    bool entry_found = false;
    for (uint32_t i = 0; i < elf.segment_count; ++i) {
        const ElfSegment& segment = elf.segments[i];
        const uint64_t end = segment.virtual_address + segment.memory_size;
        require(inside(segment.contents, file), "segment outside the file");
        require(segment.contents.size() <= segment.memory_size, "segment larger than its memory");
        require(segment.virtual_address >= limits.start && end > segment.virtual_address && end <= limits.end,
                "segment outside its limits");
        for (uint32_t j = 0; j < i; ++j) {
            const ElfSegment& other = elf.segments[j];
            require(
                end <= other.virtual_address || other.virtual_address + other.memory_size <= segment.virtual_address,
                "segments overlap");
        }
        entry_found |= segment.executable && elf.entry >= segment.virtual_address && elf.entry < end;
    }
    require(entry_found, "entry outside");
    require(elf.virtual_start() % kPageBytes == 0 && elf.virtual_end() % kPageBytes == 0, "not whole pages");
}

bool check_root_task(Bytes file) {
    const Result<ElfFile> root = check_elf(file, "root task", kRootTaskLimits);
    if (!root.ok()) {
        return false;
    }
    require_sound(root.value(), file, kRootTaskLimits);
    return true;
}

bool check_kernel(Bytes file) {
    constexpr uint64_t kVirtualBase = KOS_BOARD_KERNEL_WINDOW_OFFSET + KOS_BOARD_KERNEL_PHYSICAL_BASE;
    const Result<ElfFile> kernel = check_elf(file, "kernel", kKernelLimits);
    if (!kernel.ok()) {
        return false;
    }
    require_sound(kernel.value(), file, kKernelLimits);
    if (!check_kernel_base(kernel.value(), kVirtualBase, KOS_BOARD_KERNEL_PHYSICAL_BASE).ok()) {
        return false;
    }
    const Result<Layout> layout = plan_layout(kernel.value(), kPageBytes, kernel.value(), KOS_BOARD_LOADER_BASE);
    if (!layout.ok()) {
        return false;
    }
    const PhysicalRange range = layout.value().kernel;
    require(range.start == KOS_BOARD_KERNEL_PHYSICAL_BASE && range.end <= KOS_BOARD_LOADER_BASE, "kernel misplaced");
    for (uint32_t i = 0; i < kernel.value().segment_count; ++i) {
        const ElfSegment& segment = kernel.value().segments[i];
        require(segment.physical_address >= range.start && segment.physical_address + segment.memory_size <= range.end,
                "kernel segment outside its range");
    }
    require(layout.value().device_tree.start == range.end &&
                layout.value().root_task.start == layout.value().device_tree.end,
            "not back to back");
    return true;
}

// Hashes and signature as they would be if the rest of the header were meant.
void put_right(test::Buffer& image, const test::KeyPair& key) {
    ImageHeader header;
    if (image.size() < sizeof(header)) {
        return;
    }
    std::memcpy(image.data() + offsetof(ImageHeader, signer), key.public_key, sizeof(key.public_key));
    std::memcpy(&header, image.data(), sizeof(header));
    for (uint32_t i = 0; i < header.entry_count && i < kImageMaxEntries; ++i) {
        const size_t place = sizeof(header) + i * sizeof(ImageEntry);
        ImageEntry entry;
        if (image.size() < place + sizeof(entry)) {
            return;
        }
        std::memcpy(&entry, image.data() + place, sizeof(entry));
        if (entry.offset <= image.size() && entry.size <= image.size() - entry.offset) {
            Range deferred{entry.deferred_offset, entry.deferred_size};
            if (deferred.offset > entry.size || deferred.size > entry.size - deferred.offset) {
                deferred = {};
            }
            hash_part(Bytes(image).subspan(entry.offset, entry.size), deferred, entry.hash);
            std::memcpy(image.data() + place, &entry, sizeof(entry));
        }
    }
    if (header.header_size < kSignatureBytes || header.header_size > image.size()) {
        return;
    }
    const size_t signed_size = header.header_size - kSignatureBytes;
    crypto_sign_ed25519_detached(image.data() + signed_size, nullptr, image.data(), signed_size, key.secret);
}

bool check_packed(Bytes bytes) {
    static const test::KeyPair kKey(1);
    const Result<Image> unsigned_image = check_image(bytes, KOS_BOARD_MAX_CORES, kKey.public_key);
    test::Buffer image(bytes.begin(), bytes.end());
    put_right(image, kKey);
    const Result<Image> result = check_image(image, KOS_BOARD_MAX_CORES, kKey.public_key);
    require(!unsigned_image.ok() || result.ok(), "signing again broke an image");
    if (!result.ok()) {
        return false;
    }
    const Image& checked = result.value();
    require(inside(checked.kernel, image) && inside(checked.root_task, image), "part outside the image");
    require(checked.core_count >= 1 && checked.core_count <= KOS_BOARD_MAX_CORES, "number of cores");
    require(std::memchr(checked.bootargs, '\0', sizeof(checked.bootargs)) != nullptr, "bootargs not terminated");
    check_kernel(checked.kernel);
    check_root_task(checked.root_task);
    return true;
}

bool check_tree(Bytes bytes) {
    // libfdt wants 8-byte alignment, which a vector has; exactly as large as the tree says, so that ASan sees more.
    const uint64_t size = device_tree_size(bytes);
    if (size == 0) {
        return false;
    }
    const test::Buffer tree(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    if (!check_device_tree(tree).ok()) {
        return false;
    }
    memory_size_at(tree, KOS_BOARD_RAM_BASE);
    psci_conduit(tree);
    const Result<Cores> cores = choose_cores(tree, 0, KOS_BOARD_MAX_CORES);
    require(!cores.ok() || cores.value().count == KOS_BOARD_MAX_CORES, "number of chosen cores");
    std::vector<uint8_t> buffer(tree.size() + kDeviceTreeSlackBytes);
    const Result<uint64_t> prepared = prepare_device_tree(tree, {.bootargs = "seed=1"}, buffer);
    if (prepared.ok()) {
        require(prepared.value() % kPageBytes == 0 && prepared.value() <= buffer.size(), "size of the prepared tree");
        require(check_device_tree(Bytes(buffer).first(prepared.value())).ok(), "the prepared tree is damaged");
    }
    return true;
}

}  // namespace

bool check_input(Bytes input) {
    if (input.empty()) {
        return false;
    }
    // A copy without the first byte: aligned, and ASan sees every byte read beyond it.
    const test::Buffer rest(input.begin() + 1, input.end());
    switch (static_cast<InputKind>(input[0] % kInputKinds)) {
        case InputKind::kImage: return check_packed(rest);
        case InputKind::kKernel: return check_kernel(rest);
        case InputKind::kRootTask: return check_root_task(rest);
        case InputKind::kDeviceTree: return check_tree(rest);
    }
    return false;
}

}  // namespace kos::boot::fuzz
