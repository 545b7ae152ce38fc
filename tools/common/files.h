/*
 * Whole files in and out, with errors that name the file. Used by mkimage and kos-manifest.
 */
#ifndef KOS_TOOLS_COMMON_FILES_H_
#define KOS_TOOLS_COMMON_FILES_H_

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace kos::tools {

// Anything that ends a tool with one line on standard error and status 1.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

using Buffer = std::vector<uint8_t>;

Buffer read_file(const std::string& path);

// Replaces the file in one step: nobody sees half of it.
void write_file(const std::string& path, std::span<const uint8_t> contents);

// Creates a file that only its owner may read. Returns false if it exists already; creates missing folders.
bool create_private_file(const std::string& path, const std::string& contents);

}  // namespace kos::tools

#endif
