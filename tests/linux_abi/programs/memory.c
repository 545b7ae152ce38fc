// mmap, munmap, mprotect, mremap, madvise, msync, mincore, brk, memfd: what is mapped, what is shared, what faults.
#include "abi.h"

#include <sys/resource.h>

static int all(const unsigned char* bytes, size_t count, unsigned char value) {
    for (size_t i = 0; i < count; ++i)
        if (bytes[i] != value) return 0;
    return 1;
}

static char* reserve(size_t bytes) {
    char* const p = mmap(0, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static int memfd(size_t bytes) {
    const int fd = (int)OK(memfd_create("abi", MFD_CLOEXEC));
    OK(ftruncate(fd, (off_t)bytes));
    return fd;
}

CASE(zero_filled) { CHECK(all(must_map(16 * kPage), 16 * kPage, 0)); }

CASE(length_zero) { ERR((long)mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL); }

CASE(no_sharing_kind) { ERR((long)mmap(0, kPage, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL); }

CASE(bad_descriptor) { ERR((long)mmap(0, kPage, PROT_READ, MAP_PRIVATE, 777, 0), EBADF); }

CASE(unaligned_offset) {
    const int fd = memfd(2 * kPage);
    ERR(syscall(SYS_mmap, 0, kPage, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
}

CASE(unaligned_fixed) {
    char* const p = must_map(4 * kPage);
    ERR((long)mmap(p + 8, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
}

CASE(huge_length) {
    ERR((long)mmap(0, (size_t)1 << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
}

CASE(length_wraps) { ERR((long)mmap(0, ~(size_t)0 - 100, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM); }

CASE(odd_length_is_rounded) {
    char* const p = must_map(kPage + 1);
    p[2 * kPage - 1] = 7;
    EQ(p[2 * kPage - 1], 7);
    OK(munmap(p, kPage + 1));
    CHECK(!readable(p + kPage));
}

CASE(fixed_replaces) {
    char* const p = must_map(3 * kPage);
    memset(p, 5, 3 * kPage);
    CHECK(mmap(p + kPage, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + kPage);
    EQ(p[kPage - 1], 5);
    EQ(p[kPage], 0);
    EQ(p[2 * kPage - 1], 0);
    EQ(p[2 * kPage], 5);
}

CASE(fixed_noreplace) {
    char* const p = must_map(3 * kPage);
    ERR((long)mmap(p + kPage, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    OK(munmap(p + kPage, kPage));
    CHECK(mmap(p + kPage, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p + kPage);
}

CASE(hint_is_taken) {
    char* const p = reserve(64 * kPage);
    OK(munmap(p, 64 * kPage));
    CHECK(mmap(p + 16 * kPage, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p + 16 * kPage);
}

CASE(hint_in_use) {
    char* const p = must_map(4 * kPage);
    p[0] = 9;
    char* const q = mmap(p, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(q != MAP_FAILED && q != p);
    EQ(p[0], 9);
}

CASE(munmap_head) {
    char* const p = must_map(4 * kPage);
    memset(p, 1, 4 * kPage);
    OK(munmap(p, kPage));
    CHECK(!readable(p));
    CHECK(readable(p + kPage) && readable(p + 3 * kPage));
    EQ(p[kPage], 1);
}

CASE(munmap_tail) {
    char* const p = must_map(4 * kPage);
    memset(p, 1, 4 * kPage);
    OK(munmap(p + 3 * kPage, kPage));
    CHECK(!readable(p + 3 * kPage));
    EQ(p[3 * kPage - 1], 1);
}

CASE(munmap_middle) {
    char* const p = must_map(5 * kPage);
    memset(p, 1, 5 * kPage);
    OK(munmap(p + 2 * kPage, kPage));
    CHECK(!readable(p + 2 * kPage));
    EQ(p[2 * kPage - 1], 1);
    EQ(p[3 * kPage], 1);
}

CASE(munmap_several) {
    char* const p = reserve(8 * kPage);
    OK(mprotect(p + kPage, kPage, PROT_READ | PROT_WRITE));
    OK(mprotect(p + 4 * kPage, 2 * kPage, PROT_READ));
    OK(munmap(p, 8 * kPage));
    for (int i = 0; i < 8; ++i) CHECK(!readable(p + i * kPage));
}

CASE(munmap_nothing_there) {
    char* const p = must_map(4 * kPage);
    OK(munmap(p, 4 * kPage));
    OK(munmap(p, 4 * kPage));
}

CASE(munmap_errors) {
    char* const p = must_map(kPage);
    ERR(munmap(p + 1, kPage), EINVAL);
    ERR(munmap(p, 0), EINVAL);
    ERR(munmap(p, ~(size_t)0 - 2 * kPage), EINVAL);
    CHECK(readable(p));
}

CASE(mprotect_none) {
    char* const p = must_map(3 * kPage);
    memset(p, 3, 3 * kPage);
    OK(mprotect(p + kPage, kPage, PROT_NONE));
    CHECK(!readable(p + kPage));
    CHECK(writable(p) && writable(p + 2 * kPage));
    OK(mprotect(p + kPage, kPage, PROT_READ));
    CHECK(readable(p + kPage) && !writable(p + kPage));
    EQ(p[kPage], 3);
    OK(mprotect(p + kPage, kPage, PROT_READ | PROT_WRITE));
    CHECK(writable(p + kPage));
}

CASE(mprotect_hole) {
    char* const p = must_map(3 * kPage);
    OK(munmap(p + kPage, kPage));
    ERR(mprotect(p, 3 * kPage, PROT_READ), ENOMEM);
    CHECK(!writable(p));  // what comes before the hole has been changed
}

CASE(mprotect_errors) {
    char* const p = must_map(kPage);
    ERR(mprotect(p + 1, kPage, PROT_READ), EINVAL);
    OK(mprotect(p, 0, PROT_READ));
    ERR(mprotect(p, kPage, 0x4000), EINVAL);
}

CASE(mprotect_read_only_file) {
    write_file("/tmp/abi-read-only", "text");
    const int fd = (int)OK(open("/tmp/abi-read-only", O_RDONLY));
    char* const p = mmap(0, kPage, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    ERR(mprotect(p, kPage, PROT_READ | PROT_WRITE), EACCES);
    ERR((long)mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    char* const q = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(q != MAP_FAILED);
    q[0] = 'n';
    EQ(p[0], 't');
}

CASE(mprotect_small_steps) {
    char* const p = reserve(256 * kPage);
    for (int i = 0; i < 256; ++i) {
        OK(mprotect(p + i * kPage, kPage, PROT_READ | PROT_WRITE));
        p[i * kPage] = (char)i;
    }
    for (int i = 0; i < 256; ++i) EQ(p[i * kPage], (char)i);
}

CASE(write_only_descriptor) {
    const int fd = (int)OK(open("/tmp/abi-write-only", O_WRONLY | O_CREAT, 0600));
    ERR((long)mmap(0, kPage, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
}

CASE(map_a_folder) {
    const int fd = (int)OK(open("/tmp", O_RDONLY | O_DIRECTORY));
    ERR((long)mmap(0, kPage, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
}

CASE(map_a_pipe) {
    int ends[2];
    OK(pipe(ends));
    ERR((long)mmap(0, kPage, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
}

CASE(reserve_many_gib) {
    const size_t bytes = (size_t)64 << 30;
    char* const p = reserve(bytes);
    OK(mprotect(p + ((size_t)40 << 30), kPage, PROT_READ | PROT_WRITE));
    p[(size_t)40 << 30] = 1;
    EQ(p[(size_t)40 << 30], 1);
    OK(munmap(p, bytes));
}

CASE(lazy_gigabyte) {
    char* const p =
        mmap(0, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    for (size_t i = 0; i < (size_t)1 << 30; i += (size_t)64 << 20) p[i] = 1;
    EQ(p[(size_t)128 << 20], 1);
}

CASE(dontneed_zeroes) {
    char* const p = must_map(4 * kPage);
    memset(p, 6, 4 * kPage);
    OK(madvise(p + kPage, 2 * kPage, MADV_DONTNEED));
    EQ(p[kPage - 1], 6);
    EQ(p[kPage], 0);
    EQ(p[3 * kPage - 1], 0);
    EQ(p[3 * kPage], 6);
}

CASE(dontneed_file_again) {
    const int fd = memfd(kPage);
    OK(pwrite(fd, "file", 4, 0));
    char* const p = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[0] = 'X';
    OK(madvise(p, kPage, MADV_DONTNEED));
    EQ(p[0], 'f');
}

CASE(dontneed_shared_stays) {
    char* const p = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    p[0] = 'X';
    OK(madvise(p, kPage, MADV_DONTNEED));
    EQ(p[0], 'X');
}

CASE(free_keeps_or_zeroes) {
    char* const p = must_map(kPage);
    p[0] = 6;
    OK(madvise(p, kPage, MADV_FREE));
    CHECK(p[0] == 6 || p[0] == 0);
    p[0] = 8;
    EQ(p[0], 8);
}

CASE(madvise_errors) {
    char* const p = must_map(3 * kPage);
    ERR(madvise(p + 1, kPage, MADV_DONTNEED), EINVAL);
    ERR(madvise(p, kPage, 9999), EINVAL);
    OK(munmap(p + kPage, kPage));
    ERR(madvise(p, 3 * kPage, MADV_DONTNEED), ENOMEM);
    OK(madvise(p, 0, MADV_DONTNEED));
}

CASE(advice_without_effect) {
    char* const p = must_map(kPage);
    p[0] = 4;
    OK(madvise(p, kPage, MADV_NORMAL));
    OK(madvise(p, kPage, MADV_RANDOM));
    OK(madvise(p, kPage, MADV_SEQUENTIAL));
    OK(madvise(p, kPage, MADV_WILLNEED));
    EQ(p[0], 4);
}

CASE(wipe_on_fork) {
    char* const p = must_map(kPage);
    p[0] = 4;
    OK(madvise(p, kPage, MADV_WIPEONFORK));
    const pid_t child = must_fork();
    if (child == 0) _exit(p[0] == 0 ? 0 : 1);
    must_exit(child, 0);
    EQ(p[0], 4);
}

CASE(dont_fork) {
    char* const p = must_map(3 * kPage);
    OK(madvise(p + kPage, kPage, MADV_DONTFORK));
    const pid_t child = must_fork();
    if (child == 0) _exit(readable(p) && !readable(p + kPage) && readable(p + 2 * kPage) ? 0 : 1);
    must_exit(child, 0);
}

CASE(mremap_shrink) {
    char* const p = must_map(4 * kPage);
    memset(p, 2, 4 * kPage);
    CHECK(mremap(p, 4 * kPage, kPage, 0) == p);
    EQ(p[0], 2);
    CHECK(!readable(p + kPage));
}

CASE(mremap_grow_in_place) {
    char* const p = reserve(8 * kPage);
    OK(munmap(p, 8 * kPage));
    CHECK(mmap(p, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
    p[0] = 2;
    CHECK(mremap(p, kPage, 2 * kPage, 0) == p);
    EQ(p[0], 2);
    EQ(p[kPage], 0);
}

CASE(mremap_no_room) {
    char* const p = must_map(4 * kPage);
    ERR((long)mremap(p, kPage, 2 * kPage, 0), ENOMEM);
}

CASE(mremap_move) {
    char* const p = must_map(4 * kPage);
    memset(p, 2, 4 * kPage);
    char* const q = mremap(p, 2 * kPage, 64 * kPage, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    EQ(q[2 * kPage - 1], 2);
    EQ(q[2 * kPage], 0);
    q[64 * kPage - 1] = 1;
    CHECK(!readable(p) && !readable(p + kPage));
    EQ(p[2 * kPage], 2);
}

CASE(mremap_fixed) {
    char* const p = must_map(2 * kPage);
    char* const to = must_map(4 * kPage);
    p[0] = 2;
    to[kPage] = 9;
    CHECK(mremap(p, kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    EQ(to[0], 2);
    EQ(to[kPage], 0);
    CHECK(!readable(p));
    CHECK(readable(p + kPage));
}

CASE(mremap_errors) {
    char* const p = must_map(2 * kPage);
    ERR((long)mremap(p + 1, kPage, kPage, 0), EINVAL);
    ERR((long)mremap(p, kPage, 0, 0), EINVAL);
    ERR((long)mremap(p, kPage, kPage, 64), EINVAL);
    ERR((long)mremap(p, kPage, kPage, MREMAP_FIXED, p), EINVAL);
    OK(munmap(p, 2 * kPage));
    ERR((long)mremap(p, kPage, 2 * kPage, MREMAP_MAYMOVE), EFAULT);
}

CASE(mremap_shared_file) {
    const int fd = memfd(4 * kPage);
    char* const p = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    strcpy(p, "one");
    OK(pwrite(fd, "two", 4, kPage));
    char* const q = mremap(p, kPage, 4 * kPage, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    EQ(strcmp(q, "one"), 0);
    EQ(strcmp(q + kPage, "two"), 0);
}

CASE(memfd_mapped_twice) {
    const int fd = memfd(4 * kPage);
    char* const w = mmap(0, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const char* const r = mmap(0, 4 * kPage, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(w != MAP_FAILED && r != MAP_FAILED && w != r);
    for (int i = 0; i < 4; ++i) w[i * kPage + i] = (char)(40 + i);
    for (int i = 0; i < 4; ++i) EQ(((volatile const char*)r)[i * kPage + i], 40 + i);
    char byte;
    EQ(pread(fd, &byte, 1, kPage + 1), 1);
    EQ(byte, 41);
    OK(pwrite(fd, "z", 1, 2 * kPage));
    EQ(((volatile const char*)r)[2 * kPage], 'z');
}

CASE(memfd_size_and_end) {
    const int fd = (int)OK(memfd_create("abi", 0));
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_size, 0);
    CHECK(S_ISREG(st.st_mode));
    OK(ftruncate(fd, 100));
    char* const p = mmap(0, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    CHECK(readable(p + 200));
    EQ(p[200], 0);
    CHECK(!readable(p + kPage));  // SIGBUS: beyond the end
    OK(ftruncate(fd, 2 * kPage));
    CHECK(readable(p + kPage));
    OK(ftruncate(fd, 0));
    CHECK(!readable(p));
}

CASE(memfd_seals) {
    const int fd = (int)OK(memfd_create("abi", MFD_ALLOW_SEALING));
    OK(ftruncate(fd, kPage));
    EQ(fcntl(fd, F_GET_SEALS), 0);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    ERR(ftruncate(fd, 0), EPERM);
    ERR(ftruncate(fd, 2 * kPage), EPERM);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    ERR(write(fd, "x", 1), EPERM);
    ERR((long)mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), EPERM);
}

CASE(memfd_seal_of_mapped) {
    const int fd = (int)OK(memfd_create("abi", MFD_ALLOW_SEALING));
    OK(ftruncate(fd, kPage));
    char* const p = mmap(0, kPage, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    // It may be made writable.
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    EQ(fcntl(fd, F_GET_SEALS), 0);
    OK(munmap(p, kPage));
    CHECK(mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

CASE(hole_that_was_read) {
    const int fd = (int)OK(memfd_create("abi", 0));
    OK(ftruncate(fd, 2 * kPage));
    const volatile char* const shared = mmap(0, kPage, PROT_READ, MAP_SHARED, fd, 0);
    const volatile char* const private = mmap(0, kPage, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED);
    EQ(shared[9] | private[9], 0);
    EQ(OK(pwrite(fd, "x", 1, 9)), 1);
    EQ(shared[9], 'x');
    EQ(private[9], 'x');
}

CASE(memfd_sealing_not_allowed) {
    const int fd = (int)OK(memfd_create("abi", 0));
    EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
}

CASE(memfd_errors) {
    ERR(memfd_create("abi", 0x4000), EINVAL);
    ERR(syscall(SYS_memfd_create, BAD, 0), EFAULT);
    char name[300];
    memset(name, 'n', sizeof name);
    name[249] = 0;
    OK(memfd_create(name, 0));
    name[249] = 'n';
    name[250] = 0;
    ERR(memfd_create(name, 0), EINVAL);
}

CASE(file_private_and_shared) {
    write_file("/tmp/abi-mapped", "abcdefgh");
    const int fd = (int)OK(open("/tmp/abi-mapped", O_RDWR));
    char* const shared = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char* const own = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(shared != MAP_FAILED && own != MAP_FAILED);
    OK(close(fd));
    own[0] = 'X';
    shared[1] = 'Y';
    OK(msync(shared, kPage, MS_SYNC));
    EQ(strcmp(read_file("/tmp/abi-mapped"), "aYcdefgh"), 0);
    EQ(own[0], 'X');
    OK(unlink("/tmp/abi-mapped"));
    EQ(shared[1], 'Y');
}

CASE(program_file_mapped) {
    const int fd = (int)OK(open(abi_self, O_RDONLY));
    const char* const p = mmap(0, 2 * kPage, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED);
    EQ(memcmp(p, "\177ELF", 4), 0);
    char bytes[64];
    EQ(pread(fd, bytes, sizeof bytes, kPage), 64);
    EQ(memcmp(p + kPage, bytes, 64), 0);
}

CASE(msync_errors) {
    char* const p = must_map(2 * kPage);
    ERR(msync(p + 1, kPage, MS_SYNC), EINVAL);
    ERR(msync(p, kPage, MS_SYNC | MS_ASYNC), EINVAL);
    ERR(msync(p, kPage, 0x100), EINVAL);
    OK(munmap(p, kPage));
    ERR(msync(p, 2 * kPage, MS_SYNC), ENOMEM);
}

CASE(fork_copies) {
    volatile int* const own = must_map(kPage);
    volatile int* const shared = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    own[0] = shared[0] = 1;
    const pid_t child = must_fork();
    if (child == 0) {
        own[0] = 2;
        shared[0] = 2;
        _exit(own[0] == 2 ? 0 : 1);
    }
    must_exit(child, 0);
    EQ(own[0], 1);
    EQ(shared[0], 2);
}

CASE(fork_copies_twice) {
    volatile int* const own = must_map(64 * kPage);
    for (int i = 0; i < 64; ++i) own[i * 1024] = i;
    const pid_t child = must_fork();
    if (child == 0) {
        const pid_t grandchild = must_fork();
        if (grandchild == 0) {
            for (int i = 0; i < 64; ++i) EQ(own[i * 1024], i);
            for (int i = 0; i < 64; ++i) own[i * 1024] = -i;
            _exit(0);
        }
        for (int i = 0; i < 64; i += 2) own[i * 1024] = 100;
        must_exit(grandchild, 0);
        for (int i = 0; i < 64; ++i) EQ(own[i * 1024], i % 2 ? i : 100);
        _exit(0);
    }
    for (int i = 0; i < 64; i += 3) own[i * 1024] = 200;
    must_exit(child, 0);
    for (int i = 0; i < 64; ++i) EQ(own[i * 1024], i % 3 ? i : 200);
}

CASE(fork_shares_read_only_pages) {
    // The kernel writes into copied memory too: read() after fork must not show in the parent.
    char* const p = must_map(kPage);
    strcpy(p, "parent");
    int ends[2];
    OK(pipe(ends));
    OK(write(ends[1], "child!", 7));
    const pid_t child = must_fork();
    if (child == 0) {
        EQ(read(ends[0], p, 7), 7);
        _exit(strcmp(p, "child!") == 0 ? 0 : 1);
    }
    must_exit(child, 0);
    EQ(strcmp(p, "parent"), 0);
}

CASE(shared_memory_of_relatives) {
    volatile int* const shared = mmap(0, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 4; ++i) {
        const pid_t child = must_fork();
        if (child == 0) {
            shared[i * 1024] = i + 1;  // first touched by the child
            _exit(0);
        }
        must_exit(child, 0);
    }
    for (int i = 0; i < 4; ++i) EQ(shared[i * 1024], i + 1);
}

CASE(brk_grows_and_shrinks) {
    char* const start = (char*)syscall(SYS_brk, 0);
    CHECK(start != 0);
    EQ(syscall(SYS_brk, start + 3 * kPage), (long)(start + 3 * kPage));
    start[2 * kPage] = 1;
    EQ(start[3 * kPage - 1], 0);
    EQ(syscall(SYS_brk, start + kPage), (long)(start + kPage));
    EQ(syscall(SYS_brk, start + 3 * kPage), (long)(start + 3 * kPage));
    EQ(start[2 * kPage], 0);
}

CASE(brk_refuses) {
    const long start = syscall(SYS_brk, 0);
    EQ(syscall(SYS_brk, 1), start);
    EQ(syscall(SYS_brk, (long)1 << 60), start);
    EQ(syscall(SYS_brk, 0), start);
}

CASE(brk_limit) {
    const struct rlimit limit = {1 << 20, 1 << 20};
    OK(setrlimit(RLIMIT_DATA, &limit));
    const long start = syscall(SYS_brk, 0);
    EQ(syscall(SYS_brk, start + (8 << 20)), start);
}

CASE(mincore) {
    unsigned char there[4];
    char* const p = must_map(4 * kPage);
    p[0] = 1;
    OK(syscall(SYS_mincore, p, 4 * kPage, there));
    EQ(there[0] & 1, 1);
    OK(munmap(p + kPage, kPage));
    ERR(syscall(SYS_mincore, p, 4 * kPage, there), ENOMEM);
    ERR(syscall(SYS_mincore, p + 1, kPage, there), EINVAL);
    ERR(syscall(SYS_mincore, p, kPage, BAD), EFAULT);
}

CASE(locking_is_accepted) {
    char* const p = must_map(kPage);
    OK(mlock(p, kPage));
    OK(munlock(p, kPage));
    OK(munmap(p, kPage));
    ERR(mlock(p, kPage), ENOMEM);
}

CASE(exec_needs_permission) {
#if defined __aarch64__
    static const uint32_t code[] = {0x52800540, 0xd65f03c0};  // mov w0, #42; ret
#else
    static const uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3};
#endif
    char* const p = must_map(kPage);
    memcpy(p, code, sizeof code);
    const pid_t child = must_fork();
    if (child == 0) _exit(((int (*)(void))(uintptr_t)p)());
    must_die(child, SIGSEGV);
    OK(mprotect(p, kPage, PROT_READ | PROT_EXEC));
    __builtin___clear_cache(p, p + sizeof code);
    EQ(((int (*)(void))(uintptr_t)p)(), 42);
}

CASE(memfd_code_twice) {
#if defined __aarch64__
    static const uint32_t code[2][2] = {{0x52800540, 0xd65f03c0}, {0x52800560, 0xd65f03c0}};  // mov w0, #42/43; ret
#else
    static const uint8_t code[2][6] = {{0xb8, 42, 0, 0, 0, 0xc3}, {0xb8, 43, 0, 0, 0, 0xc3}};
#endif
    const int fd = memfd(kPage);
    char* const w = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char* const x = mmap(0, kPage, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(w != MAP_FAILED && x != MAP_FAILED);
    for (int i = 0; i < 2; ++i) {
        memcpy(w, code[i], sizeof code[i]);
        __builtin___clear_cache(w, w + 64);
        __builtin___clear_cache(x, x + 64);
        EQ(((int (*)(void))(uintptr_t)x)(), 42 + i);
    }
}

CASE(address_space_limit) {
    const struct rlimit limit = {(rlim_t)512 << 20, (rlim_t)512 << 20};
    OK(setrlimit(RLIMIT_AS, &limit));
    ERR((long)mmap(0, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    must_map(1 << 20);
}

CASE(bad_pointers_to_calls) {
    char* const p = must_map(2 * kPage);
    OK(munmap(p + kPage, kPage));
    int ends[2];
    OK(pipe(ends));
    ERR(write(ends[1], BAD, 10), EFAULT);
    ERR(syscall(SYS_write, ends[1], (void*)(~0ul << 56), 10), EFAULT);
    EQ(write(ends[1], p, 10), 10);
    ERR(read(ends[0], BAD, 10), EFAULT);
    OK(mprotect(p, kPage, PROT_READ));
    OK(write(ends[1], "text", 4));
    ERR(read(ends[0], p, 4), EFAULT);
}

CASE(maps_of_self) {
    char* const p = reserve(3 * kPage);
    OK(mprotect(p + kPage, kPage, PROT_READ));
    char wanted[100];
    snprintf(wanted, sizeof wanted, "%lx-%lx r--p", (unsigned long)(p + kPage), (unsigned long)(p + 2 * kPage));
    CHECK(strstr(read_file("/proc/self/maps"), wanted) != 0);
    CHECK(strstr(read_file("/proc/self/maps"), "[stack]") != 0);
}

static int deep(int depth) {
    volatile char here[8192];
    here[0] = (char)depth;
    here[8191] = 1;
    return depth == 0 ? here[8191] : deep(depth - 1) + here[8191];
}

CASE(stack_grows) { EQ(deep(500), 501); }

CASE(stack_overflow_is_a_signal) {
    const pid_t child = must_fork();
    if (child == 0) {
        const struct rlimit limit = {0, 0};
        setrlimit(RLIMIT_CORE, &limit);
        _exit(deep(1 << 20) & 1);
    }
    must_die(child, SIGSEGV);
}

CASE(memory_policy_of_one_node) {
    enum { kNode = 1, kAddress = 2, kNodesAllowed = 4 };
    unsigned long nodes[16];
    int mode = 99;
    memset(nodes, 0xff, sizeof nodes);
    OK(syscall(SYS_get_mempolicy, &mode, nodes, 1024, 0, 0));
    EQ(mode, 0);
    EQ(nodes[0], 0);
    OK(syscall(SYS_get_mempolicy, 0, nodes, 1024, 0, kNodesAllowed));
    EQ(nodes[0], 1);
    EQ(nodes[1], 0);
    char* const area = must_map(kPage);
    *area = 1;
    mode = 99;
    OK(syscall(SYS_get_mempolicy, &mode, 0, 0, area, kAddress));
    EQ(mode, 0);
    mode = 99;
    OK(syscall(SYS_get_mempolicy, &mode, 0, 0, area, kNode | kAddress));
    EQ(mode, 0);
    ERR(syscall(SYS_get_mempolicy, &mode, 0, 0, BAD, kAddress), EFAULT);
    ERR(syscall(SYS_get_mempolicy, &mode, 0, 0, area, 0), EINVAL);
    ERR(syscall(SYS_get_mempolicy, &mode, 0, 0, 0, 8), EINVAL);
    ERR(syscall(SYS_get_mempolicy, &mode, 0, 0, 0, kNodesAllowed | kNode), EINVAL);
}
