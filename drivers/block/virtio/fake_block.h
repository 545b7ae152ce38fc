/*
 * The device's side of virtio-blk for unit tests (VIRTIO 1.1, 5.2), with a disk in memory, errors and lies on request.
 */
#ifndef KOS_DRIVERS_FAKE_BLOCK_H_
#define KOS_DRIVERS_FAKE_BLOCK_H_

#include "fake_device.h"

namespace kos::driver {

class FakeBlock : public virtio::testing::FakeDevice {
public:
    FakeBlock(virtio::testing::FakeDma& memory, uint64_t sectors, uint64_t offered = kFlush | kBlockSize)
        : FakeDevice(virtio::DeviceType::kBlock, memory, 1, offered), disk(sectors * 512) {
        config.resize(24);
        set_capacity(sectors);
        set_block_bytes(512);
    }

    static constexpr uint64_t kReadOnly = 1u << 5, kBlockSize = 1u << 6, kFlush = 1u << 9;

    void set_capacity(uint64_t sectors) { memcpy(config.data(), &sectors, 8); }
    void set_block_bytes(uint32_t bytes) { memcpy(config.data() + 20, &bytes, 4); }

    // Collects what is in the queue; returns how many requests wait.
    size_t collect() {
        while (auto chain = fetch(0)) waiting.push_back(*chain);
        return waiting.size();
    }
    // Carries out waiting request `index`.
    void complete(size_t index = 0) {
        ASSERT_LT(index, waiting.size());
        const auto chain = waiting[index];
        waiting.erase(waiting.begin() + static_cast<ptrdiff_t>(index));
        auto request = chain.readable();
        ASSERT_GE(request.size(), 16u);
        uint32_t type;
        uint64_t sector;
        memcpy(&type, request.data(), 4);
        memcpy(&sector, request.data() + 8, 8);
        const size_t data_bytes = type == 0 ? chain.writable_bytes() - 1 : request.size() - 16;
        uint8_t status = io_error ? 1 : unsupported ? 2 : 0;
        uint32_t written = 1;
        if (type != 4 && (sector * 512 + data_bytes > disk.size())) {
            ADD_FAILURE() << "request beyond the end reached the device";
            status = 1;
        }
        std::vector<uint8_t> answer;
        if (status == 0 && type == 0) {
            const uint8_t* from = disk.data() + sector * 512;
            if (lazy) {
                written = static_cast<uint32_t>(chain.writable_bytes());
            } else {
                answer.assign(from, from + data_bytes);
                chain.write(answer);
                written += static_cast<uint32_t>(data_bytes);
            }
        } else if (status == 0 && type == 1) {
            memcpy(disk.data() + sector * 512, request.data() + 16, data_bytes);
            log.push_back('w');
        } else if (status == 0 && type == 4) {
            log.push_back('f');
        }
        if (!leave_status) *chain.parts.back().bytes = status_override.value_or(status);
        put_used(0, chain.head, length_override.value_or(written));
    }
    void complete_all() {
        collect();
        while (!waiting.empty()) complete();
    }
    // What a reset does to requests: they are forgotten.
    void forget() { waiting.clear(); }

    std::vector<uint8_t> disk;
    std::vector<virtio::testing::FakeChain> waiting;
    std::string log;
    bool io_error = false, unsupported = false;
    bool lazy = false;          // claims to have read and writes nothing
    bool leave_status = false;  // does not write the status byte
    std::optional<uint8_t> status_override;
    std::optional<uint32_t> length_override;
};

}  // namespace kos::driver

#endif
