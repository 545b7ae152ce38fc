// Addresses and control data of sockets.
#include "syscalls/socket_message.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

struct ControlHeader {  // struct cmsghdr
    uint64_t bytes;
    int32_t level, type;
};
static_assert(sizeof(ControlHeader) == kControlHeaderBytes);

constexpr size_t aligned(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

Result<std::vector<Ref<File>>> files_of(Call& call, std::string_view numbers) {
    std::vector<Ref<File>> files;
    for (size_t at = 0; at + sizeof(int32_t) <= numbers.size(); at += sizeof(int32_t)) {
        int32_t fd;
        memcpy(&fd, numbers.data() + at, sizeof fd);
        KOS_TRY(auto file, call.process().files->get(fd));
        files.push_back(std::move(file));
    }
    return files;
}

// How many of the descriptors were given.
size_t give_files(Call& call, uint64_t address, size_t most, std::vector<Ref<File>>& files, bool close_on_exec) {
    size_t given = 0;
    Process& process = call.process();
    for (; given < files.size() && given < most; ++given) {
        auto const fd = process.files->add(std::move(files[given]), close_on_exec);
        if (!fd.ok()) break;
        if (!call.write_user(address + given * sizeof(int32_t), static_cast<int32_t>(*fd)).ok()) {
            (void)process.files->close(*fd, process);
            break;
        }
    }
    return given;
}

}  // namespace

Result<SocketAddress> read_socket_address(Call& call, uint64_t address, int64_t bytes) {
    SocketAddress value;
    KOS_TRY_STATUS(read_socket_address(call, address, bytes, value));
    return value;
}

Status read_socket_address(Call& call, uint64_t address, int64_t bytes, SocketAddress& to) {
    if (bytes < 0 || bytes > static_cast<int64_t>(kAddressMost)) return Errno::kEINVAL;
    to.resize(static_cast<size_t>(bytes));
    return call.memory().copy_in(to.data(), address, to.size());
}

Status write_socket_address(Call& call, const SocketAddress& value, uint64_t address, uint64_t length_address) {
    if (address == 0) return {};
    KOS_TRY(int32_t const room, call.read_user<int32_t>(length_address));
    if (room < 0) return Errno::kEINVAL;
    KOS_TRY_STATUS(call.memory().copy_out(address, value.data(), std::min(value.size(), static_cast<size_t>(room))));
    return call.write_user(length_address, static_cast<int32_t>(value.size()));
}

Result<std::vector<ControlMessage>> read_control_data(Call& call, const UserMessage& user) {
    std::vector<ControlMessage> messages;
    if (user.control_bytes == 0 || user.control == 0) return messages;
    if (user.control_bytes > kControlMost) return Errno::kENOBUFS;
    std::string data(user.control_bytes, '\0');
    KOS_TRY_STATUS(call.memory().copy_in(data.data(), user.control, data.size()));
    for (size_t at = 0; at + sizeof(ControlHeader) <= data.size();) {
        ControlHeader header;
        memcpy(&header, data.data() + at, sizeof header);
        if (header.bytes < sizeof header || header.bytes > data.size() - at) return Errno::kEINVAL;
        std::string_view const contents(data.data() + at + sizeof header, header.bytes - sizeof header);
        ControlMessage message;
        message.level = header.level;
        message.type = header.type;
        if (header.level == kSOL_SOCKET && header.type == kSCM_RIGHTS) {
            KOS_TRY(message.files, files_of(call, contents));
        } else {
            message.data = contents;
        }
        messages.push_back(std::move(message));
        at += aligned(header.bytes);
    }
    return messages;
}

uint64_t write_control_data(Call& call, const UserMessage& user, std::vector<ControlMessage>& control,
                            bool close_on_exec, uint32_t& flags) {
    uint64_t used = 0;
    for (ControlMessage& message : control) {
        uint64_t const room = user.control && user.control_bytes > used ? user.control_bytes - used : 0;
        if (room < sizeof(ControlHeader)) {
            flags |= kMSG_CTRUNC;
            break;
        }
        uint64_t const place = user.control + used;
        ControlHeader header{0, message.level, message.type};
        size_t bytes = 0;
        if (message.level == kSOL_SOCKET && message.type == kSCM_RIGHTS) {
            size_t const most = (room - sizeof header) / sizeof(int32_t);
            size_t const given = give_files(call, place + sizeof header, most, message.files, close_on_exec);
            if (given < message.files.size()) flags |= kMSG_CTRUNC;
            if (given == 0) continue;
            bytes = given * sizeof(int32_t);
        } else {
            bytes = message.data.size();
            if (bytes > room - sizeof header) {
                bytes = room - sizeof header;
                flags |= kMSG_CTRUNC;
            }
            if (!call.memory().copy_out(place + sizeof header, message.data.data(), bytes).ok()) break;
        }
        header.bytes = sizeof header + bytes;
        if (!call.write_user(place, header).ok()) break;
        used += std::min<uint64_t>(aligned(header.bytes), room);
    }
    return used;
}

}  // namespace kos::lx
