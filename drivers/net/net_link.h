/*
 * What a network driver and netrouter share: one [[ring]] "net_frames" of the manifest, from the driver to the router,
 * with dma = true, used as an area of this layout.
 *
 *   0        ring of descriptors, driver to router
 *   16 KiB   ring of descriptors, router to driver
 *   32 KiB   buffers of 2 KiB: kReceiveBuffers for frames that arrive, then kTransmitBuffers for frames to be sent
 *
 * The device reads and writes the buffers itself; the router copies a packet once, between a buffer and the ring of a
 * domain. A buffer holds one Ethernet frame from kFrameOffset on, so that its IP header is aligned to 4 bytes.
 *
 * Rings are those of lib/ring in byte mode; all that is in them is whole descriptors of 16 bytes. Each side checks what
 * the other has written, once, in a copy: a buffer's number, whether it is the other's to give, lengths and offsets.
 * What breaks these rules is refused and counted, and the link begins anew. Both sides can write to all buffers at any
 * time, so a frame may change while it is read: whoever checks a header checks a copy.
 *
 * Sessions. Every descriptor carries the number of a session, which the driver begins with kBegin: then all receive
 * buffers are the driver's, and the router's are the transmit buffers that it is given by kTransmitFree from there on.
 * The driver begins a session when it starts (its device has been reset), when the router was restarted (the ring to it
 * says GONE), and when the router broke a rule. The router forgets everything at kBegin, and while the ring from the
 * driver says GONE; each side ignores descriptors of another session than the present one. So no buffer is ever with
 * both sides, whoever is restarted when.
 *
 * Buffers that are free again are told together with frames, or when there are many: each side keeps back so few that
 * the other one never stands still for want of them (kDoneAtOnce, kFreeAtOnce).
 *
 * Waking: each side sleeps by kos_ring_prepare_wait on the ring it reads; neither ever waits for room, because a ring
 * holds more descriptors than there are buffers. A side that finds no room faces one that broke the rules.
 */
#ifndef KOS_DRIVERS_NET_LINK_H_
#define KOS_DRIVERS_NET_LINK_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::net {

constexpr char kFramesRing[] = "net_frames";  // name in the manifest

constexpr size_t kToRouterOffset = 0;
constexpr size_t kToDriverOffset = 16 << 10;
constexpr size_t kLinkRingBytes = 16 << 10;
constexpr size_t kBuffersOffset = 32 << 10;
constexpr size_t kBufferBytes = 2048;
constexpr unsigned kReceiveBuffers = 256;   // numbers 0..255
constexpr unsigned kTransmitBuffers = 128;  // numbers 256..383
constexpr unsigned kBuffers = kReceiveBuffers + kTransmitBuffers;
constexpr size_t kLinkBytes = kBuffersOffset + kBuffers * kBufferBytes;  // size of the [[ring]]: 800K

constexpr size_t kFrameOffset = 2;  // where the frame begins in its buffer
constexpr size_t kFrameMin = 14;    // an Ethernet header
constexpr size_t kFrameMax = 1514;  // without checksum: an MTU of 1500
constexpr size_t kMacBytes = 6;

enum class LinkKind : uint16_t {
    // Driver to router.
    kBegin = 1,         // a new session: BeginDescriptor
    kReceived = 2,      // a frame has arrived: buffer, length, flags
    kTransmitFree = 3,  // the router may fill this buffer
    kStatus = 4,        // flags: kLinkUp
    // Router to driver.
    kReceiveDone = 5,  // the router has read this buffer
    kTransmit = 6,     // send: buffer, length, flags, checksum_start, checksum_offset
};

enum LinkFlags : uint16_t {
    // kReceived. At most one of the two; with neither, nobody has looked at the checksum.
    kChecksumGood = 1,     // the device has verified the transport checksum
    kChecksumPartial = 2,  // the frame is intact, its transport checksum field holds the pseudo-header's sum only
    // kTransmit: the device fills in the checksum (if BeginDescriptor said kOffersChecksum): it sums from byte
    // checksum_start of the frame to its end and stores it checksum_offset bytes behind checksum_start, where the
    // pseudo-header's sum is.
    kFillChecksum = 4,
    // kStatus.
    kLinkUp = 8,
    // BeginDescriptor.
    kOffersChecksum = 16,
};

// Little endian, as everything in memory here. Unused fields and flags are 0.
struct LinkDescriptor {
    LinkKind kind;
    uint16_t session;
    uint16_t buffer;
    uint16_t length;  // of the frame: kFrameMin..kFrameMax
    uint16_t flags;
    uint16_t checksum_start;
    uint16_t checksum_offset;
    uint16_t reserved;
};
static_assert(sizeof(LinkDescriptor) == 16);

// The same bytes with kind kBegin. The link's state is unknown until kStatus, which follows.
struct BeginDescriptor {
    LinkKind kind;
    uint16_t session;
    uint8_t mac[kMacBytes];
    uint16_t flags;  // kOffersChecksum
    uint16_t mtu;    // 1280..1500
    uint16_t reserved;
};
static_assert(sizeof(BeginDescriptor) == sizeof(LinkDescriptor));

// Ends before the buffers, and room for everything that may be under way at once, twice.
static_assert(kToDriverOffset + kLinkRingBytes == kBuffersOffset);
static_assert(kLinkRingBytes - 512 >= 2 * kBuffers * sizeof(LinkDescriptor));

constexpr size_t frame_position(unsigned buffer) { return kBuffersOffset + buffer * kBufferBytes + kFrameOffset; }

}  // namespace kos::net

#endif
