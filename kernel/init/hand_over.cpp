// See hand_over.h. Portable; tested on the host.
#include "init/hand_over.h"

#include "core/config.h"

namespace keel {

namespace {

constexpr unsigned kPageBits = 12;
// Room for the frames' capabilities in the root CNode, beside everything else.
constexpr Word kMaxPages = bit(SEL4_ROOT_CNODE_SIZE_BITS) / 2;
// IPC buffer and bootinfo lie behind the image, with the device tree.
constexpr Word kFixedPages = 2;

bool overlap(PhysRange a, PhysRange b) { return !a.empty() && !b.empty() && a.start < b.end && b.start < a.end; }
bool inside(PhysRange inner, PhysRange outer) { return inner.start >= outer.start && inner.end <= outer.end; }

}  // namespace

const char* find_hand_over_error(const HandOver& hand_over, PhysRange ram, PhysRange kernel_image, Word user_top) {
    PhysRange const& image = hand_over.image;
    PhysRange const& tree = hand_over.device_tree;
    if (image.empty()) return "the user image is empty";
    if (!is_aligned(image.start | image.end, kPageBits)) return "the user image is not whole pages";
    if (!inside(image, ram)) return "the user image is not in RAM";
    if (overlap(image, kernel_image)) return "the user image overlaps the kernel";
    if (tree.end < tree.start) return "the size of the device tree is wrong";
    if (!tree.empty()) {
        if (!inside(tree, ram)) return "the device tree is not in RAM";
        if (overlap(tree, kernel_image)) return "the device tree overlaps the kernel";
        if (overlap(tree, image)) return "the device tree overlaps the user image";
    }
    // The extra bootinfo, tree and header, lies in a block whose size is a power of two.
    Word const extra_pages = tree.empty() ? 0 : 2 * ((tree.size() >> kPageBits) + 2);
    Word const pages = (image.size() >> kPageBits) + extra_pages;
    if (pages + kFixedPages > kMaxPages) return "the user image and the device tree are too large";

    if (!is_aligned(hand_over.image_offset, kPageBits)) return "the user image's virtual address is not on a page";
    Word const first = hand_over.image_address();
    Word const behind = first + ((pages + kFixedPages) << kPageBits);
    if (first == 0 || first > user_top || behind < first || behind > user_top)
        return "the user image's virtual addresses are not user addresses";
    if (hand_over.entry < first || hand_over.entry >= hand_over.image_end_address())
        return "the entry point is not in the user image";
    return nullptr;
}

}  // namespace keel
