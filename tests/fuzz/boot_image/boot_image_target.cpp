/*
 * The loader's checks as a fuzz target.
 */
#include "boot_image_fuzz.h"

#include <libfdt.h>

#include "fuzz.h"
#include "test_files.h"

namespace kos::fuzz {
namespace {

namespace test = boot::test;
using boot::fuzz::InputKind;

Buffer input(InputKind kind, const Buffer& contents) {
    Buffer result = {static_cast<uint8_t>(kind)};
    result.insert(result.end(), contents.begin(), contents.end());
    return result;
}

Buffer small_tree() {
    Buffer buffer(4096);
    void* fdt = buffer.data();
    fdt_create(fdt, static_cast<int>(buffer.size()));
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    fdt_property_u32(fdt, "#address-cells", 1);
    fdt_property_u32(fdt, "#size-cells", 1);
    fdt_begin_node(fdt, "memory@40000000");
    fdt_property_string(fdt, "device_type", "memory");
    const uint32_t reg[] = {cpu_to_fdt32(0x40000000), cpu_to_fdt32(0x80000000)};
    fdt_property(fdt, "reg", reg, sizeof(reg));
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "psci");
    fdt_property_string(fdt, "compatible", "arm,psci-1.0");
    fdt_property_string(fdt, "method", "smc");
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "cpus");
    fdt_property_u32(fdt, "#address-cells", 1);
    fdt_property_u32(fdt, "#size-cells", 0);
    for (const char* name : {"cpu@0", "cpu@1"}) {
        fdt_begin_node(fdt, name);
        fdt_property_string(fdt, "device_type", "cpu");
        fdt_property_string(fdt, "enable-method", "psci");
        fdt_property_u32(fdt, "reg", static_cast<uint32_t>(name[4] - '0'));
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    require(fdt_finish(fdt) == 0, "cannot write a device tree");
    buffer.resize(fdt_totalsize(fdt));
    return buffer;
}

}  // namespace

void run(Bytes input) { static_cast<void>(boot::fuzz::check_input({input.data(), input.size()})); }

std::vector<Buffer> seeds() {
    const test::KeyPair key(1);
    const std::vector<Buffer> good = {
        input(InputKind::kImage, test::ImageBuilder().build(key)), input(InputKind::kKernel, test::kernel_file()),
        input(InputKind::kRootTask, test::root_file()), input(InputKind::kDeviceTree, small_tree())};
    for (const Buffer& one : good) require(boot::fuzz::check_input(one), "a good input is refused");
    return good;
}

}  // namespace kos::fuzz
