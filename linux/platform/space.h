// A program's address space in the kernel: a VSpace with page tables, and a capability for each page that is mapped.
#pragma once

#include "mm/address_space.h"
#include "platform/frames.h"

namespace kos::lx {

class KosSpace final : public MachineSpace {
public:
    // `gate`: mapped at kGate (shim/layout.h), to be executed and not read.
    static Result<std::unique_ptr<KosSpace>> create(Frame& gate);
    ~KosSpace() override;

    Status map(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) override;
    Status map_large(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) override;
    void protect(uint64_t address, Frame& frame, uint32_t protection, uint32_t handle) override;
    void unmap(uint64_t address, uint32_t handle) override;
    void close() override;
    CPtr vspace() const { return vspace_.cap; }

private:
    explicit KosSpace(const Objects::Object& vspace) : vspace_(vspace), mapper_(vspace.cap) {}
    Status show_gate(Frame& gate);
    Status show(CPtr cap, uint64_t address, uint32_t protection, const Frame& frame);

    Objects::Object vspace_;
    Mapper mapper_;
    CPtr gate_ = 0;
};

}  // namespace kos::lx
