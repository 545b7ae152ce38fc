// ioctls of network interfaces: netdevice(7). What the manifest has set up programs cannot change.
#include "net/inet/interfaces.h"

#include "net/inet/socket.h"
#include "syscalls/call.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kSIOCGIFNAME = 0x8910, kSIOCGIFCONF = 0x8912, kSIOCGIFFLAGS = 0x8913, kSIOCGIFADDR = 0x8915,
                   kSIOCGIFDSTADDR = 0x8917, kSIOCGIFBRDADDR = 0x8919, kSIOCGIFNETMASK = 0x891b,
                   kSIOCGIFMETRIC = 0x891d, kSIOCGIFMTU = 0x8921, kSIOCGIFHWADDR = 0x8927, kSIOCGIFINDEX = 0x8933,
                   kSIOCGIFTXQLEN = 0x8942, kSIOCGIFMAP = 0x8970, kFirst = 0x8910, kLast = 0x8970;
constexpr size_t kNameBytes = 16;

struct Request {  // struct ifreq
    char name[kNameBytes];
    uint8_t value[24];
};
static_assert(sizeof(Request) == 40);

struct Configuration {  // struct ifconf
    int32_t bytes, padding;
    uint64_t requests;
};

template <class T>
void put(Request& request, const T& value) {
    static_assert(sizeof value <= sizeof request.value);
    memset(request.value, 0, sizeof request.value);
    memcpy(request.value, &value, sizeof value);
}

void put_address(Request& request, uint32_t address) {
    ip_addr_t value{};
    ip_addr_set_ip4_u32_val(value, address);
    SocketAddress const bytes = write_endpoint({value, 0}, kAF_INET);
    memset(request.value, 0, sizeof request.value);
    memcpy(request.value, bytes.data(), bytes.size());
}

// Those that have an IPv4 address.
Result<int64_t> list(Call& call, uint64_t argument, const std::vector<InterfaceView>& all) {
    KOS_TRY(auto configuration, call.read_user<Configuration>(argument));
    int32_t used = 0;
    for (const InterfaceView& view : all) {
        constexpr auto kBytes = static_cast<int32_t>(sizeof(Request));
        if (is_any(view.address4)) continue;
        if (configuration.requests) {
            if (configuration.bytes - used < kBytes) break;
            Request request{};
            strncpy(request.name, view.name, sizeof request.name - 1);
            put_address(request, ip4_addr_get_u32(ip_2_ip4(&view.address4)));
            KOS_TRY_STATUS(call.write_user(configuration.requests + static_cast<uint64_t>(used), request));
        }
        used += kBytes;
    }
    KOS_TRY_STATUS(call.write_user(argument, used));
    return int64_t{0};
}

Status answer(uint32_t number, const InterfaceView& view, Request& request) {
    uint32_t const address = is_any(view.address4) ? 0 : ip4_addr_get_u32(ip_2_ip4(&view.address4));
    switch (number) {
        case kSIOCGIFFLAGS: put(request, static_cast<uint16_t>(interface_flags(view))); return {};
        case kSIOCGIFADDR:
        case kSIOCGIFDSTADDR:
        case kSIOCGIFBRDADDR:
        case kSIOCGIFNETMASK:
            if (address == 0) return Errno::kEADDRNOTAVAIL;
            put_address(request, number == kSIOCGIFNETMASK   ? lwip_htonl(netmask_of(view.prefix4))
                                 : number == kSIOCGIFBRDADDR ? 0
                                                             : address);
            return {};
        case kSIOCGIFMETRIC: put(request, int32_t{0}); return {};
        case kSIOCGIFMTU: put(request, static_cast<int32_t>(view.mtu)); return {};
        case kSIOCGIFHWADDR: put(request, hardware_type(view)); return {};
        case kSIOCGIFINDEX: put(request, int32_t{view.index}); return {};
        case kSIOCGIFTXQLEN: put(request, int32_t{kTransmitQueue}); return {};
        case kSIOCGIFMAP: memset(request.value, 0, sizeof request.value); return {};
        default: return Errno::kEPERM;  // SIOCSIF*
    }
}

}  // namespace

uint32_t netmask_of(unsigned prefix) { return prefix ? ~uint32_t{0} << (32 - prefix) : 0; }

uint32_t interface_flags(const InterfaceView& view) {
    constexpr uint32_t kIFF_UP = 1, kIFF_LOOPBACK = 8, kIFF_POINTOPOINT = 0x10, kIFF_RUNNING = 0x40, kIFF_NOARP = 0x80;
    uint32_t const up = view.is_up ? kIFF_UP | kIFF_RUNNING : 0;
    return up | (view.is_loopback ? kIFF_LOOPBACK : kIFF_POINTOPOINT | kIFF_NOARP);
}

uint16_t hardware_type(const InterfaceView& view) {
    constexpr uint16_t kARPHRD_LOOPBACK = 772, kARPHRD_NONE = 0xfffe;
    return view.is_loopback ? kARPHRD_LOOPBACK : kARPHRD_NONE;
}

Result<int64_t> interface_ioctl(Call& call, uint32_t number, uint64_t argument) {
    if (number < kFirst || number > kLast) return Errno::kENOTTY;
    std::vector<InterfaceView> const all = Network::of(call.process().system).interfaces();
    if (number == kSIOCGIFCONF) return list(call, argument, all);
    KOS_TRY(Request request, call.read_user<Request>(argument));
    if (number == kSIOCGIFNAME) {
        int32_t index;
        memcpy(&index, request.value, sizeof index);
        auto const found = std::find_if(all.begin(), all.end(), [&](const auto& view) { return view.index == index; });
        if (found == all.end()) return Errno::kENODEV;
        memset(request.name, 0, sizeof request.name);
        strncpy(request.name, found->name, sizeof request.name - 1);
    } else {
        request.name[kNameBytes - 1] = 0;
        auto const found = std::find_if(all.begin(), all.end(),
                                        [&](const auto& view) { return strcmp(view.name, request.name) == 0; });
        if (found == all.end()) return Errno::kENODEV;
        KOS_TRY_STATUS(answer(number, *found, request));
    }
    KOS_TRY_STATUS(call.write_user(argument, request));
    return int64_t{0};
}

}  // namespace kos::lx
