// Addresses, messages and control data of sockets between programs and net/socket.h.
#pragma once

#include "net/socket.h"
#include "syscalls/call.h"

namespace kos::lx {

struct UserMessage {  // struct msghdr of arm64
    uint64_t name = 0;
    int32_t name_bytes = 0;
    int32_t padding = 0;
    uint64_t pieces = 0, piece_count = 0;
    uint64_t control = 0, control_bytes = 0;
    int32_t flags = 0;
    int32_t padding_of_flags = 0;
};

constexpr size_t kAddressMost = 128;          // struct sockaddr_storage
constexpr uint64_t kControlMost = 20480;      // net.core.optmem_max
constexpr uint64_t kControlHeaderBytes = 16;  // struct cmsghdr

// struct sockaddr of `bytes` bytes; kEINVAL if longer than any may be, kEFAULT.
Result<SocketAddress> read_socket_address(Call& call, uint64_t address, int64_t bytes);
Status read_socket_address(Call& call, uint64_t address, int64_t bytes, SocketAddress& to);
// Writes as much as *length (in the program's memory) allows and sets it to the whole length. 0: not wanted.
Status write_socket_address(Call& call, const SocketAddress& value, uint64_t address, uint64_t length_address);

// Control data of a message to send: SCM_RIGHTS with its files. kEINVAL, kEBADF, kENOBUFS, kEFAULT.
Result<std::vector<ControlMessage>> read_control_data(Call& call, const UserMessage& user);
// Gives received control data to the program: new descriptors for files. Returns how many bytes were written and adds
// kMSG_CTRUNC to `flags` if not everything fitted.
uint64_t write_control_data(Call& call, const UserMessage& user, std::vector<ControlMessage>& control,
                            bool close_on_exec, uint32_t& flags);

}  // namespace kos::lx
