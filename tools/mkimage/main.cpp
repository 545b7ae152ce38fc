/*
 * mkimage: packs loader, kernel and root task into one signed boot image. See README.md.
 */
#include <filesystem>
#include <iostream>

#include "board.h"
#include "elf_file.h"
#include "failure.h"
#include "files.h"
#include "image.h"
#include "image_writer.h"
#include "keys.h"
#include "layout.h"
#include "loader_file.h"
#include "options.h"

namespace {

using namespace kos::mkimage;
using namespace kos::tools;
namespace boot = kos::boot;

template <typename T>
T value_or_throw(const boot::Result<T>& result) {
    if (!result.ok()) {
        char line[boot::kFailureLineBytes];
        boot::describe(result.failure(), line);
        throw Error(line);
    }
    return result.value();
}

// What the loader will check, so that a wrong file is found here and not on the device.
void check_as_loader(const Buffer& image, const SigningKey& key) {
    const boot::Image checked = value_or_throw(boot::check_image(image, KOS_BOARD_MAX_CORES, key.public_key()));
    const boot::ElfFile kernel = value_or_throw(boot::check_elf(checked.kernel, "kernel", boot::kKernelLimits));
    constexpr uint64_t kVirtualBase = KOS_BOARD_KERNEL_WINDOW_OFFSET + KOS_BOARD_KERNEL_PHYSICAL_BASE;
    value_or_throw(boot::check_kernel_base(kernel, kVirtualBase, KOS_BOARD_KERNEL_PHYSICAL_BASE));
    const boot::ElfFile root = value_or_throw(boot::check_elf(checked.root_task, "root task", boot::kRootTaskLimits));
    value_or_throw(boot::plan_layout(kernel, boot::kPageBytes, root, KOS_BOARD_LOADER_BASE));
}

Buffer pack(const Options& options, const SigningKey& key) {
    ImageContents contents;
    contents.kernel = read_file(options.kernel);
    contents.root_task = read_file(options.root);
    contents.kernel_name = std::filesystem::path(options.kernel).filename();
    contents.root_task_name = std::filesystem::path(options.root).filename();
    contents.bootargs = options.bootargs;
    contents.core_count = options.core_count;
    contents.slot = options.slot;
    return write_image(contents, key);
}

void make_image(const Options& options) {
    const SigningKey key = options.key.read();
    LoaderFile loader(read_file(options.resign.empty() ? options.loader : options.resign));
    const Buffer image = options.resign.empty() ? pack(options, key) : sign_again(loader.image(), key);
    if (!options.unchecked) {
        check_as_loader(image, key);
    }
    loader.attach(image, key.public_key(), options.key.is_development());
    if (!options.output.empty()) {
        write_file(options.output, loader.elf());
    }
    if (!options.raw.empty()) {
        write_file(options.raw, loader.raw());
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse_options(argc, argv);
        if (options.help) {
            std::cout << kUsage;
        } else {
            make_image(options);
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "mkimage: " << error.what() << '\n';
        return 1;
    }
}
