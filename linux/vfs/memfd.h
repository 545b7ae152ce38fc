// memfd_create(2): a regular file in memory without a name.
#pragma once

#include "vfs/regular_file.h"

#include <string>
#include <string_view>

namespace kos::lx {

class System;

class MemoryFile final : public RegularFile {
public:
    MemoryFile(Ref<Inode> inode, std::string_view name, uint32_t open_flags);
    std::string anonymous_name() const override;
    Result<Ref<File>> open_again(uint32_t open_flags) override;

private:
    std::string name_;
};

// `may_seal`: F_ADD_SEALS is allowed. kENOSPC, kENOMEM.
Result<Ref<File>> make_memory_file(System& system, const Credentials& owner, std::string_view name, bool may_seal);

}  // namespace kos::lx
