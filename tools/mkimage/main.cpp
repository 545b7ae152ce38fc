/*
 * mkimage: packs loader, kernel and root task into one signed boot image. See README.md.
 */
#include <getopt.h>

#include <cstdlib>
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

namespace {

using namespace kos::mkimage;
namespace boot = kos::boot;

constexpr char kUsage[] = R"(usage: mkimage --loader FILE --kernel FILE --root FILE -o FILE [options]

Packs the loader, a kernel and a root task (ELF files) into one signed boot image.

  --loader FILE    the loader (build/target/boot/loader.elf)
  --kernel FILE    a kernel with the seL4 ABI: Keel or a prebuilt seL4
  --root FILE      the root task
  -o, --output FILE  the image as an ELF file
  --raw FILE       the image as a raw arm64 Image, for firmware
  --cores N        cores the kernel is built for (default 1)
  --bootargs TEXT  /chosen/bootargs for the root task, instead of the machine's
  --slot A|B       update slot the image is made for (default: none)
  --key FILE       signing key: 32-byte Ed25519 seed, raw or hexadecimal
  --development-key FILE  the same, made if it does not exist; the loader will warn.
                   Without either: )" KOS_DEVELOPMENT_KEY R"(
  --unchecked      pack files that the loader will refuse (for tests)
  --help           this text
)";

struct Options {
  std::string loader;
  std::string kernel;
  std::string root;
  std::string output;
  std::string raw;
  std::string key;
  std::string development_key = KOS_DEVELOPMENT_KEY;
  std::string bootargs;
  uint32_t core_count = 1;
  boot::Slot slot = boot::Slot::kNone;
  bool unchecked = false;
};

boot::Slot parse_slot(const std::string& text) {
  if (text == "A") {
    return boot::Slot::kA;
  }
  if (text == "B") {
    return boot::Slot::kB;
  }
  throw Error("--slot is A or B, not " + text);
}

uint32_t parse_cores(const std::string& text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 1 || value > KOS_BOARD_MAX_CORES) {
    throw Error("--cores is 1 to " + std::to_string(KOS_BOARD_MAX_CORES) + ", not " + text);
  }
  return static_cast<uint32_t>(value);
}

void require(const std::string& value, const char* option) {
  if (value.empty()) {
    throw Error(std::string(option) + " is missing (mkimage --help)");
  }
}

Options parse(int argc, char** argv) {
  enum { kLoader = 256, kKernel, kRoot, kRaw, kCores, kBootargs, kSlot, kKey, kDevelopmentKey, kUnchecked, kHelp };
  static const option kOptions[] = {
      {"loader", required_argument, nullptr, kLoader},
      {"kernel", required_argument, nullptr, kKernel},
      {"root", required_argument, nullptr, kRoot},
      {"output", required_argument, nullptr, 'o'},
      {"raw", required_argument, nullptr, kRaw},
      {"cores", required_argument, nullptr, kCores},
      {"bootargs", required_argument, nullptr, kBootargs},
      {"slot", required_argument, nullptr, kSlot},
      {"key", required_argument, nullptr, kKey},
      {"development-key", required_argument, nullptr, kDevelopmentKey},
      {"unchecked", no_argument, nullptr, kUnchecked},
      {"help", no_argument, nullptr, kHelp},
      {nullptr, 0, nullptr, 0},
  };
  Options options;
  for (int choice = 0; (choice = getopt_long(argc, argv, "o:", kOptions, nullptr)) != -1;) {
    switch (choice) {
      case kLoader: options.loader = optarg; break;
      case kKernel: options.kernel = optarg; break;
      case kRoot: options.root = optarg; break;
      case 'o': options.output = optarg; break;
      case kRaw: options.raw = optarg; break;
      case kCores: options.core_count = parse_cores(optarg); break;
      case kBootargs: options.bootargs = optarg; break;
      case kSlot: options.slot = parse_slot(optarg); break;
      case kKey: options.key = optarg; break;
      case kDevelopmentKey: options.development_key = optarg; break;
      case kUnchecked: options.unchecked = true; break;
      case kHelp: std::cout << kUsage; std::exit(0);
      default: throw Error("see mkimage --help");
    }
  }
  if (optind != argc) {
    throw Error(std::string("unexpected argument ") + argv[optind]);
  }
  require(options.loader, "--loader");
  require(options.kernel, "--kernel");
  require(options.root, "--root");
  if (options.output.empty() && options.raw.empty()) {
    throw Error("neither --output nor --raw is given (mkimage --help)");
  }
  return options;
}

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

void make_image(const Options& options) {
  const bool development = options.key.empty();
  const SigningKey key =
      development ? SigningKey::read_or_create(options.development_key) : SigningKey::read(options.key);
  ImageContents contents;
  contents.kernel = read_file(options.kernel);
  contents.root_task = read_file(options.root);
  contents.kernel_name = std::filesystem::path(options.kernel).filename();
  contents.root_task_name = std::filesystem::path(options.root).filename();
  contents.bootargs = options.bootargs;
  contents.core_count = options.core_count;
  contents.slot = options.slot;
  const Buffer image = write_image(contents, key);
  if (!options.unchecked) {
    check_as_loader(image, key);
  }
  LoaderFile loader(read_file(options.loader));
  loader.attach(image, key.public_key(), development);
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
    make_image(parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "mkimage: " << error.what() << '\n';
    return 1;
  }
}
