// Writes a flattened device tree in order. Used by emit*.cpp only.
#ifndef KOS_TOOLS_MANIFEST_FDT_WRITER_H_
#define KOS_TOOLS_MANIFEST_FDT_WRITER_H_

#include <libfdt.h>

#include <string>
#include <vector>

#include "bundle_format.h"
#include "files.h"

namespace kos::compiler {

// libfdt's sequential writer; errors become exceptions.
class FdtWriter {
public:
    FdtWriter() : buffer_(bundle::kMaxManifestBytes) {
        check(fdt_create(buffer_.data(), static_cast<int>(buffer_.size())));
        check(fdt_finish_reservemap(buffer_.data()));
    }
    void begin(const std::string& name) { check(fdt_begin_node(buffer_.data(), name.c_str())); }
    void end() { check(fdt_end_node(buffer_.data())); }
    void bytes(const char* name, const void* data, size_t size) {
        check(fdt_property(buffer_.data(), name, data, static_cast<int>(size)));
    }
    void text(const char* name, const std::string& value) { bytes(name, value.c_str(), value.size() + 1); }
    void u32(const char* name, uint64_t value) {
        check(fdt_property_u32(buffer_.data(), name, static_cast<uint32_t>(value)));
    }
    void u64(const char* name, uint64_t value) { check(fdt_property_u64(buffer_.data(), name, value)); }
    // Absent means 0.
    void u32_unless_zero(const char* name, uint64_t value) {
        if (value != 0) {
            u32(name, value);
        }
    }
    void flag(const char* name, bool value) {
        if (value) {
            bytes(name, nullptr, 0);
        }
    }
    void texts(const char* name, const std::vector<std::string>& values) {
        std::string joined_texts;
        for (const std::string& value : values) {
            joined_texts += value + '\0';
        }
        if (!values.empty()) {
            bytes(name, joined_texts.data(), joined_texts.size());
        }
    }
    void cells(const char* name, const std::vector<uint64_t>& values) {
        tools::Buffer data;
        for (const uint64_t value : values) {
            for (int shift = 24; shift >= 0; shift -= 8) {
                data.push_back(static_cast<uint8_t>(value >> shift));
            }
        }
        if (!values.empty()) {
            bytes(name, data.data(), data.size());
        }
    }
    tools::Buffer finish() {
        check(fdt_finish(buffer_.data()));
        buffer_.resize(fdt_totalsize(buffer_.data()));
        return std::move(buffer_);
    }

private:
    static void check(int status) {
        if (status == -FDT_ERR_NOSPACE) {
            throw tools::Error("the manifest is larger than " + std::to_string(bundle::kMaxManifestBytes) + " bytes");
        }
        if (status < 0) {
            throw tools::Error(std::string("libfdt: ") + fdt_strerror(status));
        }
    }

    tools::Buffer buffer_;
};

}  // namespace kos::compiler

#endif
