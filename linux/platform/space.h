// A program's address space in the kernel: a VSpace with page tables, and a capability for each page that is mapped.
#pragma once

#include "mm/address_space.h"
#include "platform/frames.h"

namespace kos::lx {

class KosSpace final : public MachineSpace {
public:
    static Result<std::unique_ptr<KosSpace>> create();
    ~KosSpace() override;

    Status map(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) override;
    Status map_large(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) override;
    void protect(uint64_t address, Frame& frame, uint32_t protection, uint32_t handle) override;
    void unmap(uint64_t address, uint32_t handle) override;
    CPtr vspace() const { return vspace_.cap; }

private:
    explicit KosSpace(const Objects::Object& vspace) : vspace_(vspace), mapper_(vspace.cap) {}
    Status show(CPtr cap, uint64_t address, uint32_t protection, const Frame& frame);

    Objects::Object vspace_;
    Mapper mapper_;
};

}  // namespace kos::lx
