// Domains that make kernel objects of their own (kernel_objects in the manifest; the Linux personality): their untyped
// memory, the two-level CSpace, address space identifiers, CPU time for their threads, frames of images (domain.h).
//
// All of it is made of the domain's memory or consists of copies of capabilities in CNodes made of it, so the revoke
// that ends the domain ends this as well. Such a domain can neither give itself time nor raise a priority above what
// the manifest says.
#include "bundle.h"
#include "console.h"
#include "domain.h"
#include "push.h"

namespace root {

using namespace kos::sel4;

namespace {

// Address bits below the top CNode's index.
constexpr unsigned kLowerLevelBits = 32;
// Each may have to be hashed, on the time of who asks: about 100 us.
constexpr Word kImagePagesPerRequest = 8;

bool make_top_cnode(Domain& domain) {
    Word const d = domain.number;
    Word const made = new_domain_slot(domain);
    if (!make_object(domain, seL4_CapTableObject, kTopCNodeBits, made)) return false;
    domain.used_bytes += Word{1} << (kTopCNodeBits + seL4_SlotBits);
    Word const guard = 64 - kLowerLevelBits - kTopCNodeBits;
    if (!cnode_mutate(path(domain_cap(d, kSlotTop)), path(domain_cap(d, made)), guard).ok()) return false;
    // Entry 0: the ordinary CNode, its guard shorter by what the top CNode translates.
    SlotPath const entry{domain_cap(d, kSlotTop), 0, 64 - kLowerLevelBits};
    return cnode_mint(entry, path(domain_cap(d, kSlotCSpace)), seL4_AllRights, kLowerLevelBits - domain.cspace_bits)
        .ok();
}

bool make_authority(Domain& domain) {
    if (!make_object(domain, seL4_TCBObject, 0, kSlotAuthority)) return false;
    domain.used_bytes += Word{1} << seL4_TCBBits;
    return tcb_set_mc_priority(domain_cap(domain.number, kSlotAuthority), seL4_CapInitThreadTCB,
                               domain.spec->program_priority)
        .ok();
}

bool make_asid_pool(Domain& domain) {
    constexpr unsigned kPoolBits = seL4_ASIDPoolBits;
    Word const untyped = new_domain_slot(domain);
    if (!make_object(domain, seL4_UntypedObject, kPoolBits, untyped)) return false;
    domain.used_bytes += Word{1} << kPoolBits;
    return asid_control_make_pool(seL4_CapASIDControl, domain_cap(domain.number, untyped),
                                  path(domain_cap(domain.number, kSlotAsidPool)))
        .ok();
}

}  // namespace

void prepare_kernel_objects(Domain& domain) {
    domain.kernel_untyped_count = static_cast<Word>(__builtin_popcountl(domain.spec->kernel_objects));
    if (domain.kernel_untyped_count) domain.kernel_untypeds = new_slot(domain.kernel_untyped_count);
}

bool make_kernel_untypeds(Domain& domain) {
    // Largest first, at the beginning of the memory: each lies at a multiple of its size without a gap.
    Word left = domain.spec->kernel_objects;
    for (Word i = 0; i < domain.kernel_untyped_count; ++i) {
        Word const bits = 63 - static_cast<Word>(__builtin_clzl(left));
        left -= Word{1} << bits;
        CPtr const slot = domain.kernel_untypeds + i;
        if (!untyped_retype(domain.untyped, seL4_UntypedObject, bits, {top_cnode, 0, kTopBits, slot, 1}).ok()) {
            return false;
        }
    }
    return true;
}

bool make_kernel_spaces(Domain& domain) {
    if (!domain.spec->kernel_objects) return true;
    return make_top_cnode(domain) && make_asid_pool(domain) && make_authority(domain);
}

kos_status_t give_program_time(Domain& domain, Word address, Word core) {
    if (!domain.spec->kernel_objects) return KOS_STATUS_UNAUTHORIZED;
    if (core >= static_cast<Word>(boot_info->numNodes)) return KOS_STATUS_INVALID_ARGUMENT;
    // Whatever lies there: only a scheduling context of this domain can be configured, and only with this.
    static CPtr const kTemporary = new_slot();
    SlotPath const from{domain_cap(domain.number, kSlotTop), address, 64};
    if (!cnode_copy(path(kTemporary), from).ok()) return KOS_STATUS_INVALID_ARGUMENT;
    SchedContextParams params{};
    params.budget_us = params.period_us = domain.spec->period_us;
    bool const done = sched_control_configure(boot_info->schedcontrol.start + core, kTemporary, params).ok();
    cnode_delete(path(kTemporary));
    return done ? KOS_STATUS_OK : KOS_STATUS_INVALID_ARGUMENT;
}

kos_status_t give_image_pages(Domain& domain, const Word words[4]) {
    const auto& images = domain.spec->images;
    if (words[0] >= images.count) return KOS_STATUS_NOT_FOUND;
    FileRef const file = image_file(domain, words[0]);
    if (!file.bytes) return KOS_STATUS_NOT_FOUND;
    Word const pages = round_up(file.size) / kPageBytes;
    Word const first = words[1], count = words[2];
    if (count == 0 || count > kImagePagesPerRequest || first >= pages || count > pages - first) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    for (Word i = 0; i < count; ++i) {
        if (!file.is_checked && !check_image_page(file.bytes, file.size, first + i)) {
            Text line;
            line.add("a page of an image is not the one that the manifest names: page ").add(first + i);
            log(Level::kError, line, static_cast<uint16_t>(domain.number), domain.instance);
            return KOS_STATUS_INVALID_ARGUMENT;
        }
        SlotPath const to{domain_cap(domain.number, kSlotTop), words[3] + i, 64};
        CPtr const frame = file_frame(file.bytes + (first + i) * kPageBytes);
        if (!frame || !cnode_copy(to, path(frame), seL4_CanRead).ok()) return KOS_STATUS_INVALID_ARGUMENT;
    }
    return KOS_STATUS_OK;
}

}  // namespace root
