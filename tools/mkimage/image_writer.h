/*
 * Builds a boot image (boot/image_format.h) in memory and signs it.
 */
#ifndef KOS_TOOLS_MKIMAGE_IMAGE_WRITER_H_
#define KOS_TOOLS_MKIMAGE_IMAGE_WRITER_H_

#include <cstdint>
#include <string>

#include "files.h"
#include "image_format.h"
#include "keys.h"

namespace kos::mkimage {

using tools::Buffer;
using tools::Error;
using tools::SigningKey;

struct ImageContents {
    Buffer kernel;
    Buffer root_task;
    std::string kernel_name;
    std::string root_task_name;
    std::string bootargs;
    uint32_t core_count = 1;
    boot::Slot slot = boot::Slot::kNone;
};

// Throws Error if the contents do not fit the format.
Buffer write_image(const ImageContents& contents, const SigningKey& key);

// The same image, signed with another key. Checks no more of it than where the signature is; throws Error if even that
// cannot be said.
Buffer sign_again(const Buffer& image, const SigningKey& key);

}  // namespace kos::mkimage

#endif
