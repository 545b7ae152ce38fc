// What files are made of for all of vfs, fs and net: modes, open flags, poll events, attributes, credentials.
//
// Numbers: asm-generic/{fcntl,poll,stat}.h, arm64's asm/fcntl.h and linux/{stat,fs}.h of linux-libc-dev, verbatim with
// a k in front.
#pragma once

#include "base/result.h"
#include "time/clock.h"

#include <stdint.h>

#include <string>
#include <vector>

namespace kos::lx {

using Mode = uint32_t;
constexpr Mode kS_IFMT = 0170000, kS_IFSOCK = 0140000, kS_IFLNK = 0120000, kS_IFREG = 0100000, kS_IFBLK = 0060000,
               kS_IFDIR = 0040000, kS_IFCHR = 0020000, kS_IFIFO = 0010000;
constexpr Mode kS_ISUID = 04000, kS_ISGID = 02000, kS_ISVTX = 01000;
constexpr Mode kPermissions = 07777;

constexpr uint32_t kO_ACCMODE = 03, kO_RDONLY = 0, kO_WRONLY = 01, kO_RDWR = 02, kO_CREAT = 0100, kO_EXCL = 0200,
                   kO_NOCTTY = 0400, kO_TRUNC = 01000, kO_APPEND = 02000, kO_NONBLOCK = 04000, kO_DSYNC = 010000,
                   kO_ASYNC = 020000, kO_DIRECTORY = 040000, kO_NOFOLLOW = 0100000, kO_DIRECT = 0200000,
                   kO_LARGEFILE = 0400000, kO_NOATIME = 01000000, kO_CLOEXEC = 02000000, kO_SYNC = 04010000,
                   kO_PATH = 010000000, kO_TMPFILE = 020000000 | kO_DIRECTORY;

constexpr uint32_t kPOLLIN = 0x1, kPOLLPRI = 0x2, kPOLLOUT = 0x4, kPOLLERR = 0x8, kPOLLHUP = 0x10, kPOLLNVAL = 0x20,
                   kPOLLRDNORM = 0x40, kPOLLRDBAND = 0x80, kPOLLWRNORM = 0x100, kPOLLWRBAND = 0x200, kPOLLMSG = 0x400,
                   kPOLLRDHUP = 0x2000;

constexpr uint32_t kMayRead = 4, kMayWrite = 2, kMayExecute = 1;  // as in access(2)

constexpr size_t kNameMax = 255, kPathMax = 4096;
constexpr unsigned kSymlinksMax = 40;

struct Timespec {
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
};
constexpr Timespec timespec_of(Nanoseconds ns) { return {ns / 1'000'000'000, ns % 1'000'000'000}; }

struct Attributes {
    uint64_t device = 0;  // of the file system
    uint64_t inode = 0;
    Mode mode = 0;  // type and permissions
    uint32_t links = 1;
    uint32_t uid = 0, gid = 0;
    uint64_t device_number = 0;  // of a device node
    uint64_t size = 0;
    uint32_t block_bytes = 4096;
    uint64_t blocks = 0;  // of 512 bytes
    Timespec accessed, modified, changed, born;
};

// Which attributes a change sets; sizes by Inode::truncate.
struct AttributeChange {
    bool has_mode = false, has_uid = false, has_gid = false, has_accessed = false, has_modified = false;
    Mode mode = 0;  // permissions
    uint32_t uid = 0, gid = 0;
    Timespec accessed, modified;
};

struct FileSystemStatus {  // statfs(2)
    int64_t type = 0;
    uint64_t block_bytes = 4096, blocks = 0, blocks_free = 0, files = 0, files_free = 0;
    uint64_t name_max = kNameMax;
    bool is_read_only = false;
};

// Who asks. Inside one domain these protect programs from their own mistakes; the domain's boundary is the kernel's.
struct Credentials {
    uint32_t uid = 0, euid = 0, suid = 0, fsuid = 0;
    uint32_t gid = 0, egid = 0, sgid = 0, fsgid = 0;
    std::vector<uint32_t> groups;
    uint64_t capabilities = ~uint64_t{0};  // effective; of CAP_* numbers
    // capabilities(7): what the calls of capget(2) and prctl(2) show and change.
    uint64_t permitted = kAllCapabilities, inheritable = 0, bounding = kAllCapabilities, ambient = 0;
    bool keeps_capabilities = false;
    static constexpr uint64_t kAllCapabilities = (uint64_t{1} << 41) - 1;

    bool has_capability(unsigned number) const { return capabilities >> number & 1; }
    bool in_group(uint32_t group) const;
    // execve(2): capabilities(7), "Transformation of capabilities during execve()", of a file that has none.
    void begin_program();
};
constexpr unsigned kCAP_CHOWN = 0, kCAP_DAC_OVERRIDE = 1, kCAP_DAC_READ_SEARCH = 2, kCAP_FOWNER = 3, kCAP_FSETID = 4,
                   kCAP_KILL = 5, kCAP_SETGID = 6, kCAP_SETUID = 7, kCAP_SYS_NICE = 23, kCAP_SYS_RESOURCE = 24,
                   kCAP_MKNOD = 27, kCAP_SYS_ADMIN = 21, kCAP_LINUX_IMMUTABLE = 9, kCAP_SETPCAP = 8,
                   kCAP_SYS_PTRACE = 19, kCAP_SYS_TIME = 25;

// access(2)'s rule for `wanted` (kMay*): owner, group, others; then the overriding capabilities. kEACCES.
Status check_access(const Attributes& attributes, uint32_t wanted, const Credentials& credentials);

}  // namespace kos::lx
