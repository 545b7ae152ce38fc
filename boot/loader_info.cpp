/*
 * The block that mkimage fills in; without that the size is 0 and there is no image. A file of its own, because a
 * compiler that sees these values would use them instead of reading the block.
 */
#include "loader_info.h"

#include "board.h"

[[gnu::section(".loader_info"), gnu::used]] const kos::boot::LoaderInfo loader_info = {
    .magic = kos::boot::kLoaderInfoMagic,
    .version = kos::boot::kLoaderInfoVersion,
    .flags = 0,
    .link_base = KOS_BOARD_LOADER_BASE,
    .image_address = reinterpret_cast<uint64_t>(__image_start),
    .image_limit = reinterpret_cast<uint64_t>(__image_limit),
    .image_size = 0,
    .public_key = {},
};
