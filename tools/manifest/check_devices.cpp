// Devices, interrupts, rings, rights, groups. See checks.h.
#include <kos/manifest/manifest.h>

#include <algorithm>

#include "board.h"
#include "checks.h"

namespace kos::compiler {
namespace {

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "0x%08llx", static_cast<unsigned long long>(value));
    return text;
}

bool overlap(uint64_t start, uint64_t size, uint64_t other_start, uint64_t other_size) {
    return start < other_start + other_size && other_start < start + size;
}

bool overlap(const Device& one, const Device& two) {
    return overlap(one.address.value, one.size.value, two.address.value, two.size.value);
}

// What no domain may have: RAM, and what belongs to the kernel.
void check_forbidden(const Domain& domain, const Device& device, Diagnostics& diagnostics) {
    struct Forbidden {
        const char* what;
        uint64_t start, size;
    };
    constexpr Forbidden kForbidden[] = {
        {"RAM", KOS_BOARD_RAM_BASE, KOS_BOARD_RAM_SIZE_BYTES},
        {"the kernel's interrupt controller", KOS_BOARD_GIC_DISTRIBUTOR_BASE, 0x1000},
        {"the kernel's interrupt controller", KOS_BOARD_GIC_CPU_INTERFACE_BASE, 0x1000},
    };
    for (const Forbidden& forbidden : kForbidden) {
        if (overlap(device.address.value, device.size.value, forbidden.start, forbidden.size)) {
            diagnostics.error(device.address.place,
                              "the device " + device.name.value + " of " + domain.name.value + " at " +
                                  hex(device.address.value) + " is in " + forbidden.what,
                              "the registers of a device");
        }
    }
    for (const InterruptLine& line : device.interrupts) {
        if (line.number.value == KOS_BOARD_TIMER_VIRTUAL_IRQ) {
            diagnostics.error(line.number.place,
                              "the interrupt " + std::to_string(line.number.value) + " of " + domain.name.value +
                                  " is the kernel's timer",
                              "an interrupt of a device");
        }
    }
}

// The [[share]] that lets these two have the page; null if there is none.
bool is_declared(const System& system, const Domain& one, const Domain& two, const Device& device,
                 const Device& other) {
    const auto names = [](const Share& share, const Domain& domain) {
        return std::any_of(share.domains.begin(), share.domains.end(),
                           [&](const Text& name) { return name.value == domain.name.value; });
    };
    return std::any_of(system.shares.begin(), system.shares.end(), [&](const Share& share) {
        return share.device.value == device.address.value && share.device.value == other.address.value &&
               device.size.value == other.size.value && names(share, one) && names(share, two);
    });
}

void check_pair(System& system, uint32_t i, uint32_t k, Diagnostics& diagnostics) {
    Domain& one = system.domains[i];
    Domain& two = system.domains[k];
    for (size_t a = 0; a < one.devices.size(); ++a) {
        for (size_t b = i == k ? a + 1 : 0; b < two.devices.size(); ++b) {
            Device& device = one.devices[a];
            Device& other = two.devices[b];
            if (!overlap(device, other) || (one.mode_mask & two.mode_mask) == 0) {
                continue;
            }
            if (i != k && is_declared(system, one, two, device, other)) {
                device.shared = other.shared = true;
                continue;
            }
            diagnostics.error(other.address.place,
                              "the device " + other.name.value + " of " + two.name.value + " at " +
                                  hex(other.address.value) + " has a page of the device " + device.name.value + " of " +
                                  one.name.value,
                              i == k ? "pages of its own" : "pages of its own, or a [[share]]");
        }
    }
}

void check_interrupts(const System& system, Diagnostics& diagnostics) {
    std::map<uint64_t, const Domain*> owners;
    for (const Domain& domain : system.domains) {
        for (const Device& device : domain.devices) {
            for (const InterruptLine& line : device.interrupts) {
                const auto [owner, is_new] = owners.try_emplace(line.number.value, &domain);
                if (!is_new) {
                    diagnostics.error(line.number.place,
                                      "the interrupt " + std::to_string(line.number.value) + " belongs to " +
                                          owner->second->name.value + " and " + domain.name.value,
                                      "one owner");
                }
            }
        }
    }
}

void check_shares(const System& system, Diagnostics& diagnostics) {
    for (const Share& share : system.shares) {
        for (size_t i = 0; i < share.domains.size(); ++i) {
            const Text& name = share.domains[i];
            const int index = find_domain(system, name.value);
            if (index < 0 && system.is_incomplete) {
                continue;
            }
            if (index < 0) {
                diagnostics.error(name.place, "the domain " + in_quotes(name.value) + " is unknown",
                                  "one of " + joined(domain_names(system)));
                continue;
            }
            const auto repeated = [&](const Text& other) { return other.value == name.value; };
            if (std::any_of(share.domains.begin(), share.domains.begin() + static_cast<ptrdiff_t>(i), repeated)) {
                diagnostics.error(name.place, name.value + " is there twice", "different domains");
            }
            const std::vector<Device>& devices = system.domains[static_cast<size_t>(index)].devices;
            const bool has_device = std::any_of(devices.begin(), devices.end(), [&](const Device& device) {
                return device.address.value == share.device.value;
            });
            if (!has_device && !system.domains[static_cast<size_t>(index)].is_incomplete) {
                diagnostics.error(name.place, name.value + " has no device at " + hex(share.device.value),
                                  "a [[device]] of that address");
            }
        }
    }
}

void add_stream(System& system, Domain& domain, const StreamTo& stream, Diagnostics& diagnostics) {
    const int to = find_domain(system, stream.to.value);
    if (to < 0) {
        if (!system.is_incomplete) {
            diagnostics.error(stream.to.place,
                              "a [[stream]] goes to " + in_quotes(stream.to.value) + ", which is unknown",
                              "one of " + joined(domain_names(system)));
        }
        return;
    }
    Domain& peer = system.domains[static_cast<size_t>(to)];
    if (&peer == &domain) {
        diagnostics.error(stream.to.place, "a [[stream]] goes to its own domain", "another domain");
        return;
    }
    const std::string name = "stream_" + std::to_string(domain.number) + "_" + std::to_string(peer.number);
    RingTo out{{name + "_out", stream.to.place}, stream.to, stream.size, {}, false, true};
    RingTo in{{name + "_in", stream.to.place}, {domain.name.value, stream.to.place}, stream.size, {}, true, true};
    domain.rings.push_back(std::move(out));
    peer.rings.push_back(std::move(in));
}

void check_rings(const System& system, Diagnostics& diagnostics) {
    std::map<std::string, const Domain*> names;
    for (const Domain& domain : system.domains) {
        for (const RingTo& ring : domain.rings) {
            const auto [entry, is_new] = names.try_emplace(ring.name.value, &domain);
            if (!is_new) {
                diagnostics.error(ring.name.place,
                                  "the ring " + in_quotes(ring.name.value) + " belongs to " +
                                      entry->second->name.value + " and " + domain.name.value,
                                  "different names");
            }
            const int to = find_domain(system, ring.to.value);
            if (to < 0 && system.is_incomplete) {
                continue;
            }
            if (to < 0) {
                diagnostics.error(ring.to.place,
                                  "the ring " + in_quotes(ring.name.value) + " goes to " + in_quotes(ring.to.value) +
                                      ", which is unknown",
                                  "one of " + joined(domain_names(system)));
                continue;
            }
            const Domain& consumer = system.domains[static_cast<size_t>(to)];
            if (&consumer == &domain) {
                diagnostics.error(ring.to.place, "the ring " + in_quotes(ring.name.value) + " goes to its own domain",
                                  "another domain");
            }
            if (ring.dma.value && domain.devices.empty()) {
                diagnostics.error(ring.dma.place,
                                  "the ring " + in_quotes(ring.name.value) + " of " + domain.name.value +
                                      ", which has no device, has dma = true",
                                  "a domain with a [[device]]: only drivers need physical addresses");
            }
            const uint32_t missing = domain.mode_mask & ~consumer.mode_mask;
            if (missing != 0 && !ring.is_generated) {
                // The name of a stream's ring is not the author's.
                const std::string what = ring.is_stream ? "a [[stream]]" : "the ring " + in_quotes(ring.name.value);
                diagnostics.error(
                    ring.to.place,
                    what + " goes to " + consumer.name.value + ", which does not run in " + mode_names(system, missing),
                    "a domain in every mode of " + domain.name.value);
            }
        }
    }
}

bool has_member(const Group& group, const std::string& name) {
    return std::any_of(group.members.begin(), group.members.end(),
                       [&](const Text& member) { return member.value == name; });
}

int find_group(const System& system, const std::string& name) {
    for (size_t i = 0; i < system.groups.size(); ++i) {
        if (system.groups[i].name.value == name) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

void check_members(const System& system, size_t index, std::map<std::string, std::string>& parents,
                   Diagnostics& diagnostics) {
    const Group& group = system.groups[index];
    for (const Text& member : group.members) {
        if (find_domain(system, member.value) < 0 && find_group(system, member.value) < 0) {
            if (system.is_incomplete) {
                continue;
            }
            diagnostics.error(member.place,
                              "the member " + in_quotes(member.value) + " of " + group.name.value + " is unknown",
                              "a domain or another group");
            continue;
        }
        const auto [parent, is_new] = parents.try_emplace(member.value, group.name.value);
        if (!is_new) {
            diagnostics.error(member.place,
                              parent->second == group.name.value
                                  ? member.value + " is a member of " + group.name.value + " twice"
                                  : member.value + " is a member of " + parent->second + " and " + group.name.value,
                              "one group");
        }
    }
}

// From each group upwards: who meets itself is in a circle, which the first group of it reports.
void check_group_circles(const System& system, Diagnostics& diagnostics) {
    std::set<std::string> told;
    for (const Group& start : system.groups) {
        std::vector<std::string> path = {start.name.value};
        for (size_t steps = 0; steps <= system.groups.size(); ++steps) {
            const auto parent = std::find_if(system.groups.begin(), system.groups.end(),
                                             [&](const Group& group) { return has_member(group, path.back()); });
            if (parent == system.groups.end()) {
                break;
            }
            path.push_back(parent->name.value);
            if (path.back() == start.name.value) {
                if (told.count(start.name.value) == 0) {
                    diagnostics.error(start.name.place, "groups are members of each other: " + joined(path, " in "),
                                      "a tree");
                }
                told.insert(path.begin(), path.end());
                break;
            }
        }
    }
}

}  // namespace

void plan_streams(System& system, Diagnostics& diagnostics) {
    for (Domain& domain : system.domains) {
        for (const StreamTo& stream : domain.streams) {
            add_stream(system, domain, stream, diagnostics);
        }
    }
}

void check_devices(System& system, Diagnostics& diagnostics) {
    for (uint32_t i = 0; i < system.domains.size(); ++i) {
        for (const Device& device : system.domains[i].devices) {
            check_forbidden(system.domains[i], device, diagnostics);
        }
        for (uint32_t k = 0; k <= i; ++k) {
            check_pair(system, k, i, diagnostics);
        }
    }
    check_interrupts(system, diagnostics);
    check_shares(system, diagnostics);
    check_rings(system, diagnostics);
}

void check_rights(const System& system, Diagnostics& diagnostics) {
    std::map<std::string, const Domain*> holders;
    for (const Domain& domain : system.domains) {
        if (domain.staging.value != 0 && !domain.has_right("development")) {
            diagnostics.error(domain.staging.place, domain.name.value + " has staging and no right \"development\"",
                              "none: it is for core:devlink");
        }
        for (const Text& right : domain.rights) {
            if (!domain.is_core) {
                diagnostics.error(right.place, domain.name.value + " has the right " + in_quotes(right.value),
                                  "none: rights are for services that come with KOS (path = \"core:...\")");
            }
            if (right.value == "control" || right.value == "time") {
                const auto [holder, is_new] = holders.try_emplace(right.value, &domain);
                if (!is_new) {
                    diagnostics.error(right.place,
                                      holder->second->name.value + " and " + domain.name.value + " have the right " +
                                          in_quotes(right.value),
                                      "one holder");
                }
            }
        }
    }
    if (!system.groups.empty() && !system.is_incomplete && holders.count("control") == 0) {
        diagnostics.error(system.groups.front().name.place, "there are groups, but no domain has the right \"control\"",
                          "a supervisor (path = \"core:appman\")");
    }
}

void check_groups(const System& system, Diagnostics& diagnostics) {
    std::map<std::string, std::string> parents;
    for (size_t i = 0; i < system.groups.size(); ++i) {
        const Group& group = system.groups[i];
        if (!group.name.value.empty() && find_domain(system, group.name.value) >= 0) {
            diagnostics.error(group.name.place,
                              "the group " + in_quotes(group.name.value) + " has the name of a domain",
                              "a name of its own");
        } else if (!group.name.value.empty() && find_group(system, group.name.value) != static_cast<int>(i)) {
            diagnostics.error(group.name.place, "two groups have the name " + in_quotes(group.name.value),
                              "different names");
        }
        check_members(system, i, parents, diagnostics);
    }
    check_group_circles(system, diagnostics);
}

}  // namespace kos::compiler
