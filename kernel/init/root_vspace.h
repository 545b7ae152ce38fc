// The address space of the initial thread while it is built.
#pragma once

#include "arch/user_tables.h"
#include "arch/vspace.h"
#include "init/boot_objects.h"

namespace keel {

// How many tables a range of addresses needs on the three levels below the root.
Word count_tables(Word first_address, Word last_address);

class RootVSpace {
public:
    RootVSpace(PageTable* root, AsidPool* pool);

    Cap root_cap() const { return Cap::vspace(root_, asid_); }
    // Tables for the whole range, level by level, with capabilities in the CSpace.
    void add_tables(Word first_address, Word last_address, BootObjects& objects, RootCSpace& cspace);
    // Maps a page and returns the capability for it, which knows where it is mapped.
    Cap map_page(Word address, PhysAddr frame, bool executable);

private:
    PageTable* root_;
    Asid asid_;
};

}  // namespace keel
