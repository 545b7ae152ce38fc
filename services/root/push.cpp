// See push.h.
#include "push.h"

#include "bundle.h"
#include "bundle_format.h"
#include "console.h"
#include "incoming.h"
#include "program_file.h"
#include "system_digest.h"

#include <kos/push.h>

namespace root {

using namespace kos::sel4;
using kos::bundle::Kind;
using kos::push::File;
using kos::push::kMaxFiles;
using kos::push::SignedPackage;

namespace {

constexpr unsigned kMaxKept = 32;     // files in the staging area
constexpr unsigned kMaxFailures = 3;  // failed starts, then the boot image's version is back
constexpr Word kStableSeconds = 30;   // an end before that is a failed start
constexpr Word kStagingBase = 0x6000000000;
constexpr unsigned kFromBoot = kMaxKept;  // instead of the index of a kept file

// The staging area. Frames are made when they are first needed, from the first one on.
struct {
    CPtr untyped = 0;
    CPtr frames = 0;  // slots
    Word pages = 0;
    Word made = 0;
    uint16_t domain = 0;  // whose window it is
    SharedPages window;
    uint8_t* mapped_window = nullptr;
} area;

struct Kept {
    Word first = 0, pages = 0;  // 0 pages: none
    File file{};
};
Kept kept[kMaxKept];

// What a domain runs: indices of kept files, or kFromBoot: a file of the boot image, which need not be the one that the
// manifest gives this domain.
struct Version {
    uint64_t sequence = 0;  // 0: the manifest's files
    uint32_t count = 0;
    uint8_t files[kMaxFiles] = {};
    uint8_t hashes[kMaxFiles][32] = {};
};

struct History {
    Version now, next;
    uint64_t newest = 0;  // sequence of all that were ever committed
    uint32_t failures = 0;
    Word started = 0;  // ticks
};
History histories[KOS_MAX_DOMAINS];

// What arrives.
struct {
    bool is_open = false;
    SignedPackage package;
    Domain* domain = nullptr;
    Version version;
    uint32_t missing = 0;  // bit n: file n
    unsigned file = 0;     // that arrives now
    Incoming incoming;
} coming;

uint8_t* page_address(Word page) { return reinterpret_cast<uint8_t*>(kStagingBase + page * kPageBytes); }

bool uses(const Version& version, unsigned index) {
    for (unsigned i = 0; version.sequence && i < version.count; ++i) {
        if (version.files[i] == index) return true;
    }
    return false;
}

bool is_used(unsigned index) {
    for (const History& history : histories) {
        if (uses(history.now, index) || uses(history.next, index)) return true;
    }
    return coming.is_open && uses(coming.version, index);
}

void forget_unused() {
    for (unsigned i = 0; i < kMaxKept; ++i) {
        if (kept[i].pages && !is_used(i)) kept[i] = Kept{};
    }
}

// The lowest gap that is large enough; false if there is none.
bool find_room(Word pages, Word& first) {
    first = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (const Kept& one : kept) {
            bool const overlaps = one.pages && first < one.first + one.pages && one.first < first + pages;
            if (overlaps) first = one.first + one.pages;
            moved = moved || overlaps;
        }
    }
    return pages <= area.pages && first <= area.pages - pages;
}

Word room_left() {
    Word used = 0;
    for (const Kept& one : kept) used += one.pages;
    return (area.pages - used) * kPageBytes;
}

bool keep(const File& file, uint8_t& index) {
    for (unsigned i = 0; i < kMaxKept; ++i) {
        Word first = 0;
        if (kept[i].pages || !find_room(staged_pages(file), first)) continue;
        kept[i] = {first, staged_pages(file), file};
        index = static_cast<uint8_t>(i);
        return true;
    }
    return false;
}

// Frames up to `pages`. Their memory was set aside, so nothing is missing here.
void make_frames(Word pages) {
    while (area.made < pages && area.made < area.pages) {
        CPtr const frame = area.frames + area.made;
        auto const address = reinterpret_cast<Word>(page_address(area.made));
        if (!untyped_retype(area.untyped, seL4_ARM_SmallPageObject, 0, {top_cnode, 0, kTopBits, frame, 1}).ok()) {
            panic("cannot make frames of the staging area");
        }
        map_own_frame(frame, address);
        ++area.made;
    }
}

const uint8_t* boot_file(const Domain& domain, unsigned number, Word& size) {
    if (number == 0) return find_program(domain.spec->program, size);
    return find_image(the_system.manifest.images[domain.spec->images.first + number - 1].file, size);
}

// A file with these contents that is there already.
bool find_file(const File& file, uint8_t& index) {
    Word size = 0;
    bool const is_program = file.kind == static_cast<uint32_t>(Kind::kProgram);
    const uint8_t* const boot = is_program ? find_program(file.sha256, size) : find_image(file.sha256, size);
    if (boot && size == file.size_bytes) {
        index = kFromBoot;
        return true;
    }
    for (unsigned i = 0; i < kMaxKept; ++i) {
        if (!kept[i].pages || !is_used(i) || __builtin_memcmp(&kept[i].file, &file, sizeof file) != 0) continue;
        index = static_cast<uint8_t>(i);
        return true;
    }
    return false;
}

void begin_next_file() {
    coming.file = coming.missing ? static_cast<unsigned>(__builtin_ctz(coming.missing)) : kMaxFiles;
    if (!coming.missing) return;
    const Kept& to = kept[coming.version.files[coming.file]];
    coming.incoming.begin(coming.package.package.files[coming.file], page_address(to.first));
}

// The digest of the manifest that runs, made once.
const uint8_t (&own_digest())[32] {
    static uint8_t digest[32];
    static bool is_made;
    if (!is_made) {
        kos::push::system_digest(the_system.manifest_tree, the_system.manifest_bytes, the_system.manifest, digest);
    }
    is_made = true;
    return digest;
}

Domain* find_named(const char* name) {
    for (Domain& domain : the_system.domains) {
        if (domain.spec && __builtin_strcmp(domain.spec->name, name) == 0) return &domain;
    }
    return nullptr;
}

kos_status_t begin(Words& answer) {
    coming.is_open = false;
    // Copied first: what lies in the window may change while it is looked at.
    __builtin_memcpy(&coming.package, area.mapped_window, sizeof coming.package);
    uint8_t key[32];
    if (!development_key(key) || !is_package(coming.package, key)) return KOS_STATUS_BAD_REQUEST;
    const kos::push::Package& package = coming.package.package;
    if (__builtin_memcmp(package.system, own_digest(), sizeof package.system) != 0) return KOS_STATUS_CONFLICT;
    Domain* const domain = find_named(package.domain);
    if (!domain || package.file_count != 1u + domain->spec->images.count) return KOS_STATUS_NOT_FOUND;
    // Who has a right is part of what everybody relies on.
    if (domain->spec->rights) return KOS_STATUS_UNAUTHORIZED;
    if (package.sequence <= histories[domain->number].newest) return KOS_STATUS_INVALID_ARGUMENT;
    forget_unused();
    coming.domain = domain;
    coming.version = Version{};
    coming.version.sequence = package.sequence;
    coming.version.count = package.file_count;
    for (unsigned i = 0; i < package.file_count; ++i) {
        coming.version.files[i] = kFromBoot;
        __builtin_memcpy(coming.version.hashes[i], package.files[i].sha256, sizeof package.files[i].sha256);
    }
    coming.missing = 0;
    coming.is_open = true;
    Word bytes = 0;
    for (unsigned i = 0; i < package.file_count; ++i) {
        if (find_file(package.files[i], coming.version.files[i])) continue;
        bytes += staged_pages(package.files[i]) * kPageBytes;
        coming.missing |= 1u << i;
    }
    Word const left = room_left();
    answer = {{domain->number, coming.missing, bytes, left}};
    for (unsigned i = 0; i < package.file_count; ++i) {
        if (!(coming.missing >> i & 1) || keep(package.files[i], coming.version.files[i])) continue;
        coming.is_open = false;
        forget_unused();
        return KOS_STATUS_FULL;
    }
    begin_next_file();
    return KOS_STATUS_OK;
}

void describe_arrived(unsigned file, Words& answer) {
    answer = {{file, coming.incoming.arrived(), coming.incoming.total(), 0}};
}

kos_status_t take(const uint8_t* from, Word count, Words& answer) {
    if (!coming.is_open || !coming.missing) return KOS_STATUS_CONFLICT;
    unsigned const file = coming.file;
    const Kept& to = kept[coming.version.files[file]];
    make_frames(to.first + round_up(coming.incoming.reach(count)) / kPageBytes);
    Incoming::Result const result = coming.incoming.take(from, count);
    describe_arrived(file, answer);
    if (result == Incoming::Result::kMisfit || result == Incoming::Result::kWrong) return KOS_STATUS_INVALID_ARGUMENT;
    if (result == Incoming::Result::kDone) {
        coming.missing &= ~(1u << file);
        begin_next_file();
    }
    return KOS_STATUS_OK;
}

kos_status_t take_data(Word bytes, Words& answer) {
    if (bytes == 0 || bytes > KOS_PUSH_WINDOW_BYTES) return KOS_STATUS_INVALID_ARGUMENT;
    return take(area.mapped_window, bytes, answer);
}

kos_status_t take_copy(Word first, Word count, Words& answer) {
    if (!coming.is_open || !coming.missing) return KOS_STATUS_CONFLICT;
    Word size = 0;
    const uint8_t* const from = boot_file(*coming.domain, coming.file, size);
    Word const pages = from ? round_up(size) / kPageBytes : 0;
    bool const fits =
        coming.file != 0 && count != 0 && count <= KOS_PUSH_PAGES && first < pages && count <= pages - first;
    return fits ? take(from + first * kPageBytes, count * kPageBytes, answer) : KOS_STATUS_INVALID_ARGUMENT;
}

kos_status_t give_hashes(Word file, Word first, Words& answer) {
    using namespace kos::bundle;
    if (!coming.is_open || file == 0 || file >= coming.version.count) return KOS_STATUS_INVALID_ARGUMENT;
    Word size = 0;
    const uint8_t* const from = boot_file(*coming.domain, static_cast<unsigned>(file), size);
    Word const pages = from ? pages_of(size) : 0;
    if (first > pages) return KOS_STATUS_INVALID_ARGUMENT;
    Word const most = KOS_PUSH_WINDOW_BYTES / kPageHashBytes;
    Word const count = pages - first < most ? pages - first : most;
    const uint8_t* const list = from + pages * kAlignment + first * kPageHashBytes;
    __builtin_memcpy(area.mapped_window, list, count * kPageHashBytes);
    answer = {{pages, count, 0, 0}};
    return KOS_STATUS_OK;
}

FileRef kept_file(unsigned index) {
    const Kept& one = kept[index];
    return {page_address(one.first) + contents_offset(one.file), one.file.size_bytes, true};
}

FileRef file_of(const Domain& domain, const Version& version, unsigned number) {
    Word size = 0;
    if (!version.sequence) {
        const uint8_t* const bytes = boot_file(domain, number, size);
        return {bytes, size, false};
    }
    if (version.files[number] != kFromBoot) return kept_file(version.files[number]);
    const uint8_t* const hash = version.hashes[number];
    const uint8_t* const bytes = number == 0 ? find_program(hash, size) : find_image(hash, size);
    return {bytes, size, false};
}

kos_status_t commit(Words& answer) {
    if (!coming.is_open || coming.missing) return KOS_STATUS_CONFLICT;
    FileRef const program = file_of(*coming.domain, coming.version, 0);
    if (!is_program({program.bytes, program.size})) return KOS_STATUS_INVALID_ARGUMENT;
    History& history = histories[coming.domain->number];
    history.next = coming.version;
    history.newest = coming.version.sequence;
    history.failures = 0;
    coming.is_open = false;
    answer = {{coming.domain->number, 0, 0, 0}};
    Text line;
    line.add(coming.domain->spec->name).add(": version ").add(history.newest);
    line.add(" was pushed; it runs from the next start on, until the machine restarts");
    log(Level::kWarning, line, coming.domain->number, coming.domain->instance);
    return KOS_STATUS_OK;
}

kos_status_t drop(Word number) {
    const Domain* const domain = find(number);
    if (!domain) return KOS_STATUS_NOT_FOUND;
    histories[number].next = Version{};
    return KOS_STATUS_OK;
}

kos_status_t status(Word number, Words& answer) {
    if (!find(number)) return KOS_STATUS_NOT_FOUND;
    const History& history = histories[number];
    answer = {{history.now.sequence, history.next.sequence, history.failures, 0}};
    return KOS_STATUS_OK;
}

bool is_staged(const void* address) {
    auto const at = reinterpret_cast<Word>(address);
    return at >= kStagingBase && at - kStagingBase < area.made * kPageBytes;
}

}  // namespace

void prepare_push() {
    for (const DomainSpec& spec : the_system.manifest.domains) {
        if (!spec.name || !(spec.rights & kos::manifest::kRightDevelopment) || !spec.staging_bytes) continue;
        unsigned bits = seL4_PageBits;
        while ((Word{1} << bits) < spec.staging_bytes) ++bits;
        area.untyped = new_untyped(bits);
        if (!area.untyped) panic("not enough memory for the staging area of ", spec.name);
        area.pages = spec.staging_bytes / kPageBytes;
        area.frames = new_slot(area.pages);
        area.domain = static_cast<uint16_t>(spec.number);
        CPtr const window = new_frames(KOS_PUSH_PAGES);
        area.window = {window, KOS_PUSH_PAGES, page_get_address(window).word(0)};
        area.mapped_window = static_cast<uint8_t*>(map_own_pages(window, KOS_PUSH_PAGES));
        // While domains run, nothing may be missing.
        map_own_tables(kStagingBase, area.pages * kPageBytes);
        return;  // the first one's: there is one link
    }
}

SharedPages push_window_of(const Domain& domain) {
    return area.pages && domain.number == area.domain ? area.window : SharedPages{};
}

void choose_version(Domain& domain) {
    History& history = histories[domain.number];
    history.now = history.next;
    history.started = ticks();
}

void judge_version(Domain& domain, kos_exit_reason reason) {
    History& history = histories[domain.number];
    if (!history.now.sequence) return;
    uint64_t const sequence = history.now.sequence;
    history.now = Version{};
    bool const is_stable = ticks() - history.started >= kStableSeconds * ticks_per_second();
    if (is_stable) history.failures = 0;
    bool const is_meant = reason == KOS_EXIT_KILLED ||
                          (reason == KOS_EXIT_DONE && domain.spec->restart != kos::manifest::Restart::kPermanent);
    if (is_stable || is_meant || history.next.sequence != sequence) return;
    if (++history.failures < kMaxFailures) return;
    history.next = Version{};
    Text line;
    line.add(domain.spec->name).add(": version ").add(sequence).add(" has failed ").add(uint64_t{kMaxFailures});
    line.add(" times; from the next start on it runs the boot image's version");
    log(Level::kError, line, domain.number, domain.instance);
}

FileRef program_file(const Domain& domain) { return file_of(domain, histories[domain.number].now, 0); }

FileRef image_file(const Domain& domain, Word image) {
    return file_of(domain, histories[domain.number].now, static_cast<unsigned>(image) + 1);
}

CPtr file_frame(const void* address) {
    if (!is_staged(address)) return image_frame(address);
    return area.frames + (reinterpret_cast<Word>(address) - kStagingBase) / kPageBytes;
}

void unify_file_page(const void* address) {
    if (is_staged(address)) page_cache(file_frame(address), CacheOperation::kUnifyInstruction, 0, kPageBytes);
}

kos_status_t push_request(const Domain& caller, Word label, const Word words[4], Words& answer) {
    if (!(caller.spec->rights & kos::manifest::kRightDevelopment)) return KOS_STATUS_UNAUTHORIZED;
    if (label == KOS_PUSH_STATUS) return status(words[0], answer);
    if (!area.pages || caller.number != area.domain) return KOS_STATUS_UNAVAILABLE;
    switch (label) {
        case KOS_PUSH_BEGIN: return begin(answer);
        case KOS_PUSH_DATA: return take_data(words[0], answer);
        case KOS_PUSH_COPY: return take_copy(words[0], words[1], answer);
        case KOS_PUSH_HASHES: return give_hashes(words[0], words[1], answer);
        case KOS_PUSH_COMMIT: return commit(answer);
        case KOS_PUSH_DROP: return drop(words[0]);
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

}  // namespace root
