// Root: starts the system that the signed manifest describes (docs/design/core.md).
#include "bundle.h"
#include "chosen.h"
#include "console.h"
#include "cores.h"
#include "entropy.h"
#include "push.h"
#include "threads.h"

#include <sha256.h>

extern "C" [[noreturn]] void root_start(const seL4_BootInfo* info);

namespace root {

constinit System the_system;

namespace {

// A domain that obeys whoever has the development key is for developers' machines; no production key makes it anything
// else.
void check_development(const Manifest& manifest, bool development) {
    for (const kos::manifest::Domain& domain : manifest.domains) {
        if (!(domain.rights & kos::manifest::kRightDevelopment)) continue;
        if (!development) panic("the right \"development\" needs the development key: ", domain.name);
        log(Level::kWarning,
            Text().add("DEVELOPMENT LINK: who has the development key controls this device through ").add(domain.name));
    }
}

void read_manifest() {
    bool development = false;
    const char* reason = "";
    the_system.manifest_tree = find_manifest(the_system.manifest_bytes, development, reason);
    if (!the_system.manifest_tree) panic(reason);
    kos::manifest::Status const status =
        kos::manifest::read(the_system.manifest_tree, the_system.manifest_bytes, the_system.manifest);
    if (!status.ok()) {
        Text line;
        line.add(status.error().path).add(": ").add(status.error().text);
        panic("the manifest is wrong: ", line.text());
    }
    const Manifest& manifest = the_system.manifest;
    log(Level::kInfo, Text()
                          .add("system ")
                          .add(manifest.system)
                          .add(", generation ")
                          .add(manifest.generation)
                          .add(", ")
                          .add(uint64_t{manifest.domain_count})
                          .add(" domains, ")
                          .add(boot_info->numNodes)
                          .add(" cores"));
    if (development) {
        log(Level::kWarning,
            Text().add("the manifest is signed with a DEVELOPMENT KEY: anybody can sign for this device"));
    }
    check_development(manifest, development);
    hash_programs();
    const char* const missing = check_programs();
    if (missing) panic("a program is missing or not the one that the manifest names: ", missing);
}

// The supervisor starts the others. A system without one gets everything at once, once.
void start_first_domains() {
    bool has_supervisor = false;
    for (Domain& domain : the_system.domains) {
        if (!domain.spec || !(domain.spec->rights & kos::manifest::kRightControl)) continue;
        has_supervisor = true;
        start(domain);
    }
    if (has_supervisor) return;
    const Manifest& manifest = the_system.manifest;
    for (uint32_t i = 0; i < manifest.domain_count; ++i) {
        Domain& domain = the_system.domains[manifest.start_order[i]];
        if (domain.spec->mode_mask & 1) start(domain);
    }
}

}  // namespace

}  // namespace root

void root_start(const seL4_BootInfo* info) {
    using namespace root;
    kos::sel4::set_ipc_buffer(info->ipcBuffer);
    kos::sel4::detect_label_shift(seL4_CapInitThreadTCB);
    start_boot(info);
    start_console();
    size_t length = 0;
    kos::sha256_use_instructions(chosen_property(kos::kSha256Property, length) != nullptr);
    read_manifest();
    collect_boot_entropy();
    make_endpoints();
    prepare_cores();
    prepare_loans();
    prepare_domains();
    prepare_shared();
    prepare_push();
    start_first_domains();
    run_threads();
}
