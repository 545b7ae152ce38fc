/*
 * See device_tree.h.
 */
#include "device_tree.h"

#include <libfdt.h>
#include <string.h>

#include "elf_file.h"
#include "sha256.h"

namespace kos::boot {
namespace {

constexpr char kSubject[] = "device tree";
constexpr char kCores[] = "cores";
constexpr uint64_t kMpidrAffinity = 0xff'00ff'ffff;  // MPIDR_EL1: Aff3 and Aff2..Aff0 (Arm ARM, D19.2.101)

Failure fdt_failure(int error) {
    return {BootError::kDeviceTreeInvalid, kSubject, static_cast<uint64_t>(-static_cast<int64_t>(error))};
}

// A property as a string, or an empty string if it is absent or not terminated.
const char* string_property(const void* fdt, int node, const char* name) {
    int length = 0;
    const auto* value = static_cast<const char*>(fdt_getprop(fdt, node, name, &length));
    if (value == nullptr || length <= 0 || value[length - 1] != '\0') {
        return "";
    }
    return value;
}

// One number of `cells` cells at `offset` bytes into a property.
bool read_cells(const void* property, int length, int offset, int cells, uint64_t& value) {
    if (cells < 1 || cells > 2 || offset < 0 || length < offset + cells * 4) {
        return false;
    }
    value = 0;
    const auto* bytes = static_cast<const uint8_t*>(property) + offset;
    for (int i = 0; i < cells * 4; ++i) {
        value = value << 8 | bytes[i];
    }
    return true;
}

// A node is usable unless its status says otherwise (Devicetree Specification, 2.3.4).
bool is_enabled(const void* fdt, int node) {
    const char* status = string_property(fdt, node, "status");
    return status[0] == '\0' || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

// Size from `base` to the end of the region of this /memory node that holds it.
uint64_t size_in_node(const void* fdt, int node, uint64_t base, int address_cells, int size_cells) {
    int length = 0;
    const void* reg = fdt_getprop(fdt, node, "reg", &length);
    const int step = (address_cells + size_cells) * 4;
    for (int offset = 0; reg != nullptr && offset + step <= length; offset += step) {
        uint64_t start = 0;
        uint64_t size = 0;
        if (!read_cells(reg, length, offset, address_cells, start) ||
            !read_cells(reg, length, offset + address_cells * 4, size_cells, size)) {
            return 0;
        }
        if (base >= start && base - start < size) {
            return size - (base - start);
        }
    }
    return 0;
}

// An error of libfdt, or 0.
int add_to_chosen(void* fdt, const TreeAdditions& additions) {
    int chosen = fdt_path_offset(fdt, "/chosen");
    if (chosen < 0) {
        chosen = fdt_add_subnode(fdt, 0, "chosen");
    }
    if (chosen < 0) {
        return chosen;
    }
    int error = 0;
    if (additions.bootargs[0] != '\0') {
        error = fdt_setprop_string(fdt, chosen, "bootargs", additions.bootargs);
    }
    if (error == 0 && additions.has_sha256_instructions) {
        error = fdt_setprop_string(fdt, chosen, kSha256Property, "");
    } else if (error == 0) {
        error = fdt_delprop(fdt, chosen, kSha256Property);
        error = error == -FDT_ERR_NOTFOUND ? 0 : error;
    }
    return error;
}

}  // namespace

uint64_t device_tree_size(Bytes bytes) {
    if (bytes.size() < sizeof(fdt_header) || fdt_magic(bytes.data()) != FDT_MAGIC) {
        return 0;
    }
    const uint64_t size = fdt_totalsize(bytes.data());
    return size >= sizeof(fdt_header) && size <= bytes.size() ? size : 0;
}

Status check_device_tree(Bytes tree) {
    // fdt_check_full() of libfdt 1.6.1 follows a null pointer in trees of versions before 16.
    constexpr uint32_t kOldestVersion = 16;
    if (tree.size() >= sizeof(fdt_header) && fdt_magic(tree.data()) == FDT_MAGIC &&
        fdt_version(tree.data()) < kOldestVersion) {
        return fdt_failure(-FDT_ERR_BADVERSION);
    }
    if (const int error = fdt_check_full(tree.data(), tree.size()); error != 0) {
        return fdt_failure(error);
    }
    return kOk;
}

uint64_t memory_size_at(Bytes tree, uint64_t ram_base) {
    const void* fdt = tree.data();
    const int address_cells = fdt_address_cells(fdt, 0);
    const int size_cells = fdt_size_cells(fdt, 0);
    if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2) {
        return 0;
    }
    int node = -1;
    fdt_for_each_subnode(node, fdt, 0) {
        if (strcmp(string_property(fdt, node, "device_type"), "memory") != 0 || !is_enabled(fdt, node)) {
            continue;
        }
        const uint64_t size = size_in_node(fdt, node, ram_base, address_cells, size_cells);
        if (size != 0) {
            return size;
        }
    }
    return 0;
}

PsciConduit psci_conduit(Bytes tree) {
    const void* fdt = tree.data();
    // "arm,psci" alone is PSCI 0.1, whose function numbers are not fixed; from 0.2 on they are.
    int node = fdt_node_offset_by_compatible(fdt, -1, "arm,psci-1.0");
    if (node < 0) {
        node = fdt_node_offset_by_compatible(fdt, -1, "arm,psci-0.2");
    }
    if (node < 0) {
        return PsciConduit::kNone;
    }
    const char* method = string_property(fdt, node, "method");
    if (strcmp(method, "smc") == 0) {
        return PsciConduit::kSmc;
    }
    return strcmp(method, "hvc") == 0 ? PsciConduit::kHvc : PsciConduit::kNone;
}

Result<Cores> choose_cores(Bytes tree, uint64_t boot_mpidr, uint32_t count) {
    const void* fdt = tree.data();
    const int cpus = fdt_path_offset(fdt, "/cpus");
    const int cells = cpus >= 0 ? fdt_address_cells(fdt, cpus) : 0;
    Cores cores;
    cores.mpidr[0] = boot_mpidr & kMpidrAffinity;
    bool boot_core_listed = false;
    uint32_t usable = 1;
    int node = -1;
    if (cpus >= 0) {
        fdt_for_each_subnode(node, fdt, cpus) {
            int length = 0;
            const void* reg = fdt_getprop(fdt, node, "reg", &length);
            uint64_t mpidr = 0;
            if (strcmp(string_property(fdt, node, "device_type"), "cpu") != 0 || !is_enabled(fdt, node) ||
                reg == nullptr || !read_cells(reg, length, 0, cells, mpidr)) {
                continue;
            }
            if (mpidr == cores.mpidr[0]) {
                boot_core_listed = true;
                continue;
            }
            if (usable < count) {
                if (strcmp(string_property(fdt, node, "enable-method"), "psci") != 0) {
                    return Failure{BootError::kCoreMethod, kCores, mpidr};
                }
                cores.mpidr[usable] = mpidr;
            }
            ++usable;
        }
    }
    if (!boot_core_listed) {
        return Failure{BootError::kCoreNotListed, kCores, cores.mpidr[0]};
    }
    if (usable < count) {
        return Failure{BootError::kCoresMissing, kCores, usable, count};
    }
    cores.count = count;
    return cores;
}

Result<uint64_t> prepare_device_tree(Bytes tree, const TreeAdditions& additions, std::span<uint8_t> buffer) {
    void* fdt = buffer.data();
    const int room = static_cast<int>(tree.size() + kDeviceTreeSlackBytes);
    if (tree.size() > kDeviceTreeMaxBytes || buffer.size() < static_cast<size_t>(room)) {
        return Failure{BootError::kDeviceTreeTooLarge, kSubject, tree.size(), kDeviceTreeMaxBytes};
    }
    if (const int error = fdt_open_into(tree.data(), fdt, room); error != 0) {
        return fdt_failure(error);
    }
    if (const int error = add_to_chosen(fdt, additions); error != 0) {
        return fdt_failure(error);
    }
    if (const int error = fdt_pack(fdt); error != 0) {
        return fdt_failure(error);
    }
    const uint64_t packed = fdt_totalsize(fdt);
    const uint64_t size = (packed + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (size > static_cast<uint64_t>(room)) {
        return Failure{BootError::kDeviceTreeTooLarge, kSubject, size, static_cast<uint64_t>(room)};
    }
    memset(buffer.data() + packed, 0, size - packed);
    fdt_set_totalsize(fdt, static_cast<uint32_t>(size));
    return size;
}

}  // namespace kos::boot
