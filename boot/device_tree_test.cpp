/*
 * Tests of device_tree.h on trees made with libfdt's sequential writer.
 */
#include "device_tree.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <functional>
#include <string>
#include <vector>

#include "elf_file.h"
#include "sha256.h"
#include "test_files.h"

namespace kos::boot {
namespace {

using test::Buffer;

// Everything about the machine that a test may want to change.
struct Machine {
    std::vector<uint64_t> cores = {0, 1, 2, 3};
    uint32_t cpu_cells = 1;
    std::string disabled_core = "";  // its number, as text
    std::string enable_method = "psci";
    std::string psci_compatible = "arm,psci-1.0";
    std::string psci_method = "smc";
    std::vector<std::pair<uint64_t, uint64_t>> memory = {{0x40000000, 0x80000000}};
    std::string bootargs = "";
    bool chosen = true;
    size_t size = 16384;
};

void put_string(void* fdt, const char* name, const std::string& value) {
    ASSERT_EQ(fdt_property_string(fdt, name, value.c_str()), 0);
}

void put_cores(void* fdt, const Machine& machine) {
    fdt_begin_node(fdt, "cpus");
    fdt_property_u32(fdt, "#address-cells", machine.cpu_cells);
    fdt_property_u32(fdt, "#size-cells", 0);
    for (const uint64_t core : machine.cores) {
        fdt_begin_node(fdt, ("cpu@" + std::to_string(core)).c_str());
        put_string(fdt, "device_type", "cpu");
        put_string(fdt, "enable-method", machine.enable_method);
        if (std::to_string(core) == machine.disabled_core) {
            put_string(fdt, "status", "disabled");
        }
        if (machine.cpu_cells == 2) {
            fdt_property_u64(fdt, "reg", core);
        } else {
            fdt_property_u32(fdt, "reg", static_cast<uint32_t>(core));
        }
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
}

Buffer tree_of(const Machine& machine) {
    Buffer buffer(machine.size);
    void* fdt = buffer.data();
    fdt_create(fdt, static_cast<int>(buffer.size()));
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    fdt_property_u32(fdt, "#address-cells", 2);
    fdt_property_u32(fdt, "#size-cells", 2);
    for (const auto& [start, size] : machine.memory) {
        fdt_begin_node(fdt, ("memory@" + std::to_string(start)).c_str());
        put_string(fdt, "device_type", "memory");
        const uint64_t reg[] = {cpu_to_fdt64(start), cpu_to_fdt64(size)};
        fdt_property(fdt, "reg", reg, sizeof(reg));
        fdt_end_node(fdt);
    }
    if (!machine.psci_compatible.empty()) {
        fdt_begin_node(fdt, "psci");
        put_string(fdt, "compatible", machine.psci_compatible);
        put_string(fdt, "method", machine.psci_method);
        fdt_end_node(fdt);
    }
    put_cores(fdt, machine);
    if (machine.chosen) {
        fdt_begin_node(fdt, "chosen");
        put_string(fdt, "bootargs", machine.bootargs);
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
    EXPECT_EQ(fdt_finish(fdt), 0);
    buffer.resize(fdt_totalsize(fdt));
    return buffer;
}

std::string bootargs_of(const Buffer& tree) {
    int length = 0;
    const int chosen = fdt_path_offset(tree.data(), "/chosen");
    const void* value = chosen < 0 ? nullptr : fdt_getprop(tree.data(), chosen, "bootargs", &length);
    return value == nullptr ? "(none)" : static_cast<const char*>(value);
}

TEST(DeviceTree, SizeOfWhatIsNoTree) {
    EXPECT_EQ(device_tree_size(Buffer(8)), 0u);
    EXPECT_EQ(device_tree_size(Buffer(4096)), 0u);
    Buffer tree = tree_of({});
    EXPECT_EQ(device_tree_size(tree), tree.size());
    EXPECT_EQ(device_tree_size(Bytes(tree).first(tree.size() - 1)), 0u);
    fdt_set_totalsize(tree.data(), 8);
    EXPECT_EQ(device_tree_size(tree), 0u);
    fdt_set_totalsize(tree.data(), 0xffffffff);
    EXPECT_EQ(device_tree_size(tree), 0u);
}

TEST(DeviceTree, OldVersionsAreRefused) {
    for (uint32_t version = 0; version < 16; ++version) {
        Buffer tree = tree_of({});
        fdt_set_version(tree.data(), version);
        fdt_set_last_comp_version(tree.data(), version);
        EXPECT_FALSE(check_device_tree(tree).ok()) << version;
    }
}

TEST(DeviceTree, DamagedTreesAreRefusedOrRead) {
    const Buffer tree = tree_of({});
    ASSERT_BOOT_OK(check_device_tree(tree));
    unsigned refused = 0;
    for (size_t offset = 0; offset < tree.size(); ++offset) {
        for (const uint8_t value : {0x00, 0x7f, 0xff}) {
            Buffer damaged = tree;
            damaged[offset] = value;
            if (device_tree_size(damaged) != damaged.size() || !check_device_tree(damaged).ok()) {
                ++refused;
                continue;
            }
            // Whatever passes the check must be safe to read; the sanitizers watch.
            memory_size_at(damaged, 0x40000000);
            psci_conduit(damaged);
            const Result<Cores> cores = choose_cores(damaged, 0, 4);
            EXPECT_TRUE(!cores.ok() || cores.value().count == 4);
            std::vector<uint8_t> buffer(damaged.size() + kDeviceTreeSlackBytes);
            const Result<uint64_t> prepared = prepare_device_tree(damaged, {.bootargs = "x=1"}, buffer);
            EXPECT_TRUE(!prepared.ok() || prepared.value() <= buffer.size());
        }
    }
    EXPECT_GT(refused, 0u);
}

TEST(DeviceTree, Memory) {
    EXPECT_EQ(memory_size_at(tree_of({}), 0x40000000), 0x80000000u);
    EXPECT_EQ(memory_size_at(tree_of({}), 0x50000000), 0x70000000u);
    EXPECT_EQ(memory_size_at(tree_of({}), 0x3fffffff), 0u);
    EXPECT_EQ(memory_size_at(tree_of({}), 0xc0000000), 0u);
    EXPECT_EQ(memory_size_at(tree_of({.memory = {}}), 0x40000000), 0u);
    EXPECT_EQ(memory_size_at(tree_of({.memory = {{0, 0x1000}, {0x40000000, 0x2000}}}), 0x40000000), 0x2000u);
}

TEST(DeviceTree, Psci) {
    EXPECT_EQ(psci_conduit(tree_of({})), PsciConduit::kSmc);
    EXPECT_EQ(psci_conduit(tree_of({.psci_compatible = "arm,psci-0.2", .psci_method = "hvc"})), PsciConduit::kHvc);
    EXPECT_EQ(psci_conduit(tree_of({.psci_compatible = "arm,psci"})), PsciConduit::kNone);
    EXPECT_EQ(psci_conduit(tree_of({.psci_compatible = ""})), PsciConduit::kNone);
    EXPECT_EQ(psci_conduit(tree_of({.psci_method = "tcp"})), PsciConduit::kNone);
}

TEST(DeviceTree, CoresInOrderWithTheBootCoreFirst) {
    const Result<Cores> result = choose_cores(tree_of({}), 0x80000002, 3);  // bit 31 of MPIDR_EL1 is not affinity
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(result.value().count, 3u);
    EXPECT_EQ(result.value().mpidr[0], 2u);
    EXPECT_EQ(result.value().mpidr[1], 0u);
    EXPECT_EQ(result.value().mpidr[2], 1u);
}

TEST(DeviceTree, CoresWithWideNumbers) {
    const Machine machine = {.cores = {0x100000000, 0x100000100}, .cpu_cells = 2};
    const Result<Cores> result = choose_cores(tree_of(machine), 0x180000000, 2);  // Aff3 = 1, and bit 31
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(result.value().mpidr[0], 0x100000000u);
    EXPECT_EQ(result.value().mpidr[1], 0x100000100u);
}

TEST(DeviceTree, CoresThatAreMissing) {
    const Result<Cores> result = choose_cores(tree_of({.cores = {0, 1}}), 0, 4);
    EXPECT_BOOT_ERROR(result, kCoresMissing);
    EXPECT_EQ(result.failure().found, 2u);
    EXPECT_EQ(result.failure().expected, 4u);
    EXPECT_BOOT_ERROR(choose_cores(tree_of({.disabled_core = "3"}), 0, 4), kCoresMissing);
    EXPECT_BOOT_ERROR(choose_cores(tree_of({}), 7, 1), kCoreNotListed);
    EXPECT_BOOT_ERROR(choose_cores(tree_of({.cores = {}}), 0, 1), kCoreNotListed);
    EXPECT_BOOT_ERROR(choose_cores(tree_of({.enable_method = "spin-table"}), 0, 2), kCoreMethod);
    ASSERT_BOOT_OK(choose_cores(tree_of({.enable_method = "spin-table"}), 0, 1));
}

TEST(DeviceTree, PreparedTreeIsPackedIntoWholePages) {
    const Buffer tree = tree_of({.bootargs = "seed=1", .size = 1 << 20});
    std::vector<uint8_t> buffer(tree.size() + kDeviceTreeSlackBytes, 0x55);
    const Result<uint64_t> size = prepare_device_tree(tree, {}, buffer);
    ASSERT_BOOT_OK(size);
    EXPECT_EQ(size.value() % kPageBytes, 0u);
    buffer.resize(size.value());
    ASSERT_BOOT_OK(check_device_tree(buffer));
    EXPECT_EQ(device_tree_size(buffer), size.value());
    EXPECT_EQ(bootargs_of(buffer), "seed=1");
}

TEST(DeviceTree, BootargsOfTheImageWin) {
    for (const bool chosen : {true, false}) {
        const Buffer tree = tree_of({.bootargs = "from the machine", .chosen = chosen});
        std::vector<uint8_t> buffer(tree.size() + kDeviceTreeSlackBytes);
        const std::string bootargs(kBootargsBytes - 1, 'b');
        ASSERT_BOOT_OK(prepare_device_tree(tree, {.bootargs = bootargs.c_str()}, buffer));
        EXPECT_EQ(bootargs_of(buffer), bootargs);
    }
}

TEST(DeviceTree, WhatTheProcessorHasIsNotTheMachinesToSay) {
    for (const bool chosen : {true, false}) {
        Buffer tree = tree_of({.chosen = chosen});
        for (const bool is_there : {true, false, true}) {
            std::vector<uint8_t> buffer(tree.size() + kDeviceTreeSlackBytes);
            const Result<uint64_t> size = prepare_device_tree(tree, {.has_sha256_instructions = is_there}, buffer);
            ASSERT_BOOT_OK(size);
            buffer.resize(size.value());
            const int node = fdt_path_offset(buffer.data(), "/chosen");
            EXPECT_EQ(fdt_getprop(buffer.data(), node, kSha256Property, nullptr) != nullptr, is_there);
            tree = buffer;
        }
    }
}

TEST(DeviceTree, BufferThatIsTooSmall) {
    const Buffer tree = tree_of({});
    std::vector<uint8_t> buffer(tree.size() + kDeviceTreeSlackBytes - 1);
    EXPECT_BOOT_ERROR(prepare_device_tree(tree, {}, buffer), kDeviceTreeTooLarge);
}

}  // namespace
}  // namespace kos::boot
