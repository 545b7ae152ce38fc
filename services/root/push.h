// Other programs and images for domains of the running system, until the machine restarts (docs/adr/0011): requests
// KOS_PUSH_*, and what domain.h's files know of it.
//
// A *version* is what a domain runs: the boot image's files, or files in the staging area, which is memory of root's
// that nobody else can write to. The manifest, and so every right, stays the boot image's.
#pragma once

#include "domain.h"

namespace root {

// At boot: sets the memory and slots of the staging area aside, if a domain has one.
void prepare_push();
SharedPages push_window_of(const Domain& domain);  // none without the right "development"

// The next start of the domain begins: from here on it runs what has been pushed for it, if anything.
void choose_version(Domain& domain);
// The domain has ended. A version that has failed so often is given up.
void judge_version(Domain& domain, kos_exit_reason reason);

// The program and the images that the domain runs; bytes null: it is damaged.
struct FileRef {
    const uint8_t* bytes;
    Word size;
    bool is_checked;  // page by page already; else check_image_page() has to
};
FileRef program_file(const Domain& domain);
FileRef image_file(const Domain& domain, Word image);
// The frame that holds a byte of a FileRef.
CPtr file_frame(const void* address);
// Instructions of that page are seen by the processor: of frames that root has written.
void unify_file_page(const void* address);

kos_status_t push_request(const Domain& caller, Word label, const Word words[4], Words& answer);

}  // namespace root
