// The rings of the manifest's [[stream]] for /run/kos/stream (net/kos_streams.h).
#pragma once

#include "net/kos_streams.h"

#include <kos/abi.h>

namespace kos::lx {

class NativeStreams final : public StreamPlatform {
public:
    explicit NativeStreams(const kos_startup_t& startup);

    // The bits of the domain's notification with which the rings tell that there is something to do.
    uint64_t signals() const { return signals_; }

    std::span<const Link> links() override { return links_; }
    void notify(size_t link, bool is_out) override;

private:
    struct Slots {
        uint64_t out = 0, in = 0;
    };
    std::vector<Link> links_;
    std::vector<Slots> slots_;
    uint64_t signals_ = 0;
};

}  // namespace kos::lx
