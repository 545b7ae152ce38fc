// Names and what they name: every path call on tmpfs, the same on the root's overlay, and the errors of each.
#include "abi.h"

#include <dirent.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static int opened(const char* path, int flags) { return (int)OK(open(path, flags, 0644)); }

static void is_text(const char* path, const char* text) {
    const char* const found = read_file(path);
    if (strcmp(found, text) != 0) FAIL("%s has '%.60s', expected '%.60s'", path, found, text);
}

static int exists(const char* path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

static struct stat stat_of(const char* path) {
    struct stat st;
    OK(lstat(path, &st));
    return st;
}

// A folder on the root's overlay instead of tmpfs.
static void root_folder(void) {
    char path[80];
    snprintf(path, sizeof path, "/abi-%d", getpid());
    OK(mkdir(path, 0777));
    OK(chdir(path));
}

CASE(open_creates) {
    abi_folder();
    ERR(open("a", O_RDONLY), ENOENT);
    const int fd = opened("a", O_RDWR | O_CREAT);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_mode, S_IFREG | 0644);
    EQ(st.st_size, 0);
    EQ(st.st_nlink, 1);
    ERR(open("a", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    OK(open("a", O_RDWR | O_CREAT, 0600));
}

CASE(open_errors) {
    abi_folder();
    write_file("file", "x");
    OK(mkdir("dir", 0755));
    OK(symlink("self", "self"));
    OK(symlink("none", "dangling"));
    ERR(open("", O_RDONLY), ENOENT);
    ERR(open("file/x", O_RDONLY), ENOTDIR);
    ERR(open("file/", O_RDONLY), ENOTDIR);
    ERR(open("none/x", O_CREAT | O_RDWR, 0600), ENOENT);
    ERR(open("dir", O_WRONLY), EISDIR);
    ERR(open("dir", O_RDONLY | O_CREAT, 0600), EISDIR);
    ERR(open("none/", O_CREAT | O_RDWR, 0600), EISDIR);
    ERR(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    ERR(open("self", O_RDONLY), ELOOP);
    ERR(open("dangling", O_RDONLY | O_NOFOLLOW), ELOOP);
    ERR(open("dangling", O_RDONLY), ENOENT);
    ERR(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    ERR(syscall(SYS_openat, AT_FDCWD, BAD, O_RDONLY), EFAULT);
    ERR(openat(777, "x", O_RDONLY), EBADF);
    const int fd = opened("file", O_RDONLY);
    ERR(openat(fd, "x", O_RDONLY), ENOTDIR);
    char name[300];
    memset(name, 'n', sizeof name);
    name[256] = 0;
    ERR(open(name, O_RDONLY), ENAMETOOLONG);
    name[255] = 0;
    ERR(open(name, O_RDONLY), ENOENT);
    OK(open(name, O_RDWR | O_CREAT, 0600));
    static char path[PATH_MAX + 10];
    memset(path, '/', sizeof path - 1);
    ERR(open(path, O_RDONLY), ENAMETOOLONG);
    OK(open("dangling", O_RDWR | O_CREAT, 0600));  // creates what the link names
    CHECK(exists("none"));
}

CASE(open_truncates_and_appends) {
    abi_folder();
    write_file("a", "0123456789");
    int fd = opened("a", O_WRONLY | O_APPEND);
    OK(lseek(fd, 2, SEEK_SET));
    EQ(write(fd, "ab", 2), 2);
    EQ(lseek(fd, 0, SEEK_CUR), 12);
    is_text("a", "0123456789ab");
    EQ(pwrite(fd, "cd", 2, 0), 2);  // appends as well, as Linux does
    is_text("a", "0123456789abcd");
    fd = opened("a", O_WRONLY | O_TRUNC);
    EQ(stat_of("a").st_size, 0);
}

CASE(open_path_only) {
    abi_folder();
    write_file("a", "text");
    const int fd = opened("a", O_PATH);
    char byte;
    ERR(read(fd, &byte, 1), EBADF);
    ERR(fchmod(fd, 0600), EBADF);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_size, 4);
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const int again = opened(path, O_RDONLY);
    EQ(read(again, &byte, 1), 1);
    OK(symlink("a", "l"));
    const int link = opened("l", O_PATH | O_NOFOLLOW);
    OK(fstat(link, &st));
    CHECK(S_ISLNK(st.st_mode));
    char text[10];
    EQ(readlinkat(link, "", text, sizeof text), 1);
}

CASE(unnamed_file) {
    abi_folder();
    const int fd = (int)OK(open(".", O_TMPFILE | O_RDWR, 0600));
    EQ(write(fd, "text", 4), 4);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_nlink, 0);
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    is_text("named", "text");
}

CASE(read_write_seek) {
    abi_folder();
    const int fd = opened("a", O_RDWR | O_CREAT);
    EQ(write(fd, "hello world", 11), 11);
    EQ(lseek(fd, 0, SEEK_CUR), 11);
    EQ(lseek(fd, -5, SEEK_END), 6);
    char text[20] = "";
    EQ(read(fd, text, 20), 5);
    EQ(strcmp(text, "world"), 0);
    EQ(read(fd, text, 20), 0);
    ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    ERR(lseek(fd, 0, 77), EINVAL);
    EQ(lseek(fd, 100, SEEK_SET), 100);
    EQ(write(fd, "x", 1), 1);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_size, 101);
    EQ(pread(fd, text, 1, 50), 1);
    EQ(text[0], 0);
    EQ(pread(fd, text, 1, 500), 0);
    ERR(pread(fd, text, 1, -1), EINVAL);
    EQ(pwrite(fd, "J", 1, 0), 1);
    EQ(lseek(fd, 0, SEEK_CUR), 101);
    EQ(read(fd, text, 0), 0);
}

CASE(holes) {
    abi_folder();
    const int fd = opened("a", O_RDWR | O_CREAT);
    EQ(pwrite(fd, "x", 1, 1 << 20), 1);
    EQ(lseek(fd, 0, SEEK_HOLE), 0);
    EQ(lseek(fd, 0, SEEK_DATA), 1 << 20);
    ERR(lseek(fd, 2 << 20, SEEK_DATA), ENXIO);
    CHECK(stat_of("a").st_blocks <= 64);
}

CASE(vectors) {
    abi_folder();
    const int fd = opened("a", O_RDWR | O_CREAT);
    char a[3] = "ab", b[4] = "cde";
    struct iovec v[] = {{a, 2}, {0, 0}, {b, 3}};
    EQ(writev(fd, v, 3), 5);
    EQ(pwritev(fd, v, 3, 5), 5);
    is_text("a", "abcdeabcde");
    char x[3] = "", y[20] = "";
    struct iovec r[] = {{x, 2}, {y, 20}};
    EQ(preadv(fd, r, 2, 1), 9);
    EQ(memcmp(x, "bc", 2) | memcmp(y, "deabcde", 7), 0);
    ERR(readv(fd, r, -1), EINVAL);
    ERR(readv(fd, r, 2000), EINVAL);
    EQ(readv(fd, r, 0), 0);
    r[1].iov_len = (size_t)-1;
    ERR(readv(fd, r, 2), EINVAL);
    ERR(syscall(SYS_readv, fd, BAD, 2), EFAULT);
}

CASE(truncation) {
    abi_folder();
    write_file("a", "0123456789");
    OK(truncate("a", 4));
    is_text("a", "0123");
    const int fd = opened("a", O_RDWR);
    OK(ftruncate(fd, 8));
    char text[9] = "";
    EQ(pread(fd, text, 8, 0), 8);
    EQ(memcmp(text, "0123\0\0\0\0", 8), 0);
    ERR(ftruncate(fd, -1), EINVAL);
    ERR(truncate("none", 0), ENOENT);
    OK(mkdir("d", 0755));
    ERR(truncate("d", 0), EISDIR);
    const int reader = opened("a", O_RDONLY);
    ERR(ftruncate(reader, 0), EINVAL);
}

CASE(allocation) {
    abi_folder();
    const int fd = opened("a", O_RDWR | O_CREAT);
    EQ(posix_fallocate(fd, 0, 10000), 0);
    EQ(stat_of("a").st_size, 10000);
    OK(pwrite(fd, "xyz", 3, 5000));
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
    char byte = 1;
    EQ(pread(fd, &byte, 1, 5000), 1);
    EQ(byte, 0);
    ERR(fallocate(fd, 0, -1, 5), EINVAL);
    ERR(fallocate(fd, 0, 0, 0), EINVAL);
    ERR(fallocate(fd, 0x4000, 0, 10), EOPNOTSUPP);
    EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    EQ(posix_fadvise(fd, 0, 0, 77), EINVAL);
}

CASE(descriptor_kinds) {
    abi_folder();
    write_file("a", "x");
    char byte;
    ERR(write(opened("a", O_RDONLY), "x", 1), EBADF);
    ERR(read(opened("a", O_WRONLY), &byte, 1), EBADF);
    ERR(read(opened(".", O_RDONLY), &byte, 1), EISDIR);
    ERR(read(777, &byte, 1), EBADF);
    ERR(close(777), EBADF);
    ERR(fsync(777), EBADF);
    OK(fsync(opened("a", O_RDONLY)));
    OK(fdatasync(opened("a", O_RDONLY)));
    int ends[2];
    OK(pipe(ends));
    ERR(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    ERR(pread(ends[0], &byte, 1, 0), ESPIPE);
    ERR(ftruncate(ends[1], 0), EINVAL);
    ERR(fsync(ends[0]), EINVAL);
}

CASE(make_and_remove_folders) {
    abi_folder();
    OK(mkdir("d", 0750));
    EQ(stat_of("d").st_mode, S_IFDIR | 0750);
    EQ(stat_of("d").st_nlink, 2);
    ERR(mkdir("d", 0755), EEXIST);
    ERR(mkdir("none/d", 0755), ENOENT);
    OK(mkdir("d/e/", 0755));
    EQ(stat_of("d").st_nlink, 3);
    ERR(rmdir("d"), ENOTEMPTY);
    ERR(unlink("d"), EISDIR);
    write_file("f", "");
    ERR(rmdir("f"), ENOTDIR);
    ERR(mkdir("f/d", 0755), ENOTDIR);
    ERR(rmdir("none"), ENOENT);
    ERR(rmdir("d/e/."), EINVAL);
    ERR(rmdir("d/e/.."), ENOTEMPTY);
    ERR(rmdir("/"), EBUSY);
    OK(rmdir("d/e"));
    OK(rmdir("d"));
    ERR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
    ERR(unlinkat(AT_FDCWD, "f", 0x77), EINVAL);
    OK(unlinkat(AT_FDCWD, "f", 0));
}

CASE(removed_folder_as_current) {
    abi_folder();
    OK(mkdir("d", 0755));
    OK(chdir("d"));
    OK(rmdir("../d"));
    char path[200];
    ERR((long)getcwd(path, sizeof path) == 0 ? -1 : 0, ENOENT);
    ERR(open("x", O_CREAT | O_RDWR, 0600), ENOENT);
    ERR(mkdir("x", 0755), ENOENT);
    OK(chdir(".."));
}

CASE(unlink_keeps_open_files) {
    abi_folder();
    write_file("a", "still here");
    const int fd = opened("a", O_RDWR);
    OK(unlink("a"));
    ERR(unlink("a"), ENOENT);
    char text[11] = "";
    EQ(read(fd, text, 10), 10);
    EQ(strcmp(text, "still here"), 0);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_nlink, 0);
}

CASE(hard_links) {
    abi_folder();
    write_file("a", "text");
    OK(link("a", "b"));
    EQ(stat_of("a").st_nlink, 2);
    EQ(stat_of("a").st_ino, stat_of("b").st_ino);
    write_file("b", "changed");
    is_text("a", "changed");
    ERR(link("a", "b"), EEXIST);
    ERR(link("none", "c"), ENOENT);
    OK(mkdir("d", 0755));
    ERR(link("d", "e"), EPERM);
    OK(unlink("a"));
    EQ(stat_of("b").st_nlink, 1);
    OK(symlink("b", "l"));
    OK(link("l", "l2"));  // the link itself
    CHECK(S_ISLNK(stat_of("l2").st_mode));
    OK(linkat(AT_FDCWD, "l", AT_FDCWD, "b2", AT_SYMLINK_FOLLOW));
    CHECK(S_ISREG(stat_of("b2").st_mode));
}

CASE(symbolic_links) {
    abi_folder();
    write_file("a", "text");
    OK(symlink("a", "l"));
    is_text("l", "text");
    char text[50];
    EQ(readlink("l", text, sizeof text), 1);
    EQ(text[0], 'a');
    EQ(stat_of("l").st_size, 1);
    CHECK(S_ISLNK(stat_of("l").st_mode));
    ERR(symlink("x", "l"), EEXIST);
    ERR(symlink("", "m"), ENOENT);
    ERR(readlink("a", text, sizeof text), EINVAL);
    ERR(readlink("none", text, sizeof text), ENOENT);
    ERR(readlink("l", text, 0), EINVAL);
    OK(symlink("a longer target", "m"));
    EQ(readlink("m", text, 4), 4);
    EQ(memcmp(text, "a lo", 4), 0);
    OK(mkdir("d", 0755));
    OK(symlink("d", "dl"));
    write_file("dl/x", "in");
    is_text("d/x", "in");
    ERR(rmdir("dl"), ENOTDIR);
    ERR(unlink("dl/"), ENOTDIR);
    OK(unlink("dl"));
    CHECK(exists("d"));
}

CASE(link_chains) {
    abi_folder();
    write_file("l0", "end");
    for (int i = 0; i < 41; ++i) {
        char from[10], to[10];
        snprintf(from, sizeof from, "l%d", i);
        snprintf(to, sizeof to, "l%d", i + 1);
        OK(symlink(from, to));
    }
    is_text("l40", "end");
    ERR(open("l41", O_RDONLY), ELOOP);
}

CASE(renaming) {
    abi_folder();
    write_file("a", "A");
    write_file("b", "B");
    OK(rename("a", "b"));
    is_text("b", "A");
    CHECK(!exists("a"));
    ERR(rename("none", "x"), ENOENT);
    OK(mkdir("d", 0755));
    OK(mkdir("e", 0755));
    OK(mkdir("e/x", 0755));
    ERR(rename("b", "d"), EISDIR);
    ERR(rename("d", "b"), ENOTDIR);
    ERR(rename("d", "e"), ENOTEMPTY);
    ERR(rename("e", "e/x/y"), EINVAL);
    ERR(rename("e/x", "e"), ENOTEMPTY);
    ERR(rename("b", "b/"), ENOTDIR);
    OK(rename("e", "d"));
    CHECK(exists("d/x") && !exists("e"));
    OK(rename("b", "b"));
    ERR(rename(".", "z"), EBUSY);
    ERR(rename("d", "/proc/z"), EXDEV);
}

CASE(renaming_two_names_of_a_file) {
    abi_folder();
    write_file("a", "A");
    OK(link("a", "b"));
    OK(rename("a", "b"));  // does nothing
    CHECK(exists("a") && exists("b"));
}

CASE(renaming_with_flags) {
    abi_folder();
    write_file("a", "A");
    write_file("b", "B");
    ERR(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
    OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
    is_text("a", "B");
    is_text("b", "A");
    ERR(renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
    ERR(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    ERR(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 0x80), EINVAL);
    OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
    is_text("c", "B");
}

CASE(stat_fields) {
    abi_folder();
    write_file("a", "text");
    struct stat st, by_fd;
    OK(stat("a", &st));
    const int fd = opened("a", O_RDONLY);
    OK(fstat(fd, &by_fd));
    EQ(memcmp(&st, &by_fd, sizeof st), 0);
    EQ(st.st_uid, 0);
    EQ(st.st_size, 4);
    CHECK(st.st_blksize > 0 && st.st_ino > 0);
    OK(fstatat(fd, "", &by_fd, AT_EMPTY_PATH));
    EQ(by_fd.st_ino, st.st_ino);
    ERR(fstatat(fd, "", &by_fd, 0), ENOENT);
    ERR(stat("none", &st), ENOENT);
    ERR(stat("a/x", &st), ENOTDIR);
    ERR(fstat(777, &st), EBADF);
    ERR(fstatat(AT_FDCWD, "a", &st, 0x40000000), EINVAL);
    OK(stat("/dev/null", &st));
    CHECK(S_ISCHR(st.st_mode));
    EQ(major(st.st_rdev), 1);
    EQ(minor(st.st_rdev), 3);
}

CASE(statx_) {
    abi_folder();
    write_file("a", "text");
    struct statx sx;
    OK(statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS, &sx));
    EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    EQ(sx.stx_size, 4);
    EQ(sx.stx_mode, S_IFREG | 0644);
    ERR(statx(AT_FDCWD, "none", 0, STATX_SIZE, &sx), ENOENT);
    ERR(statx(AT_FDCWD, "a", 0x40000000, STATX_SIZE, &sx), EINVAL);
    ERR(statx(AT_FDCWD, "a", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &sx), EINVAL);
}

CASE(statfs_) {
    struct statfs fs;
    OK(statfs("/tmp", &fs));
    EQ(fs.f_type, 0x01021994);
    CHECK(fs.f_bsize == 4096 && fs.f_namelen == 255);
    OK(statfs("/proc", &fs));
    EQ(fs.f_type, 0x9fa0);
    ERR(statfs("/none", &fs), ENOENT);
}

CASE(modes_and_owners) {
    abi_folder();
    write_file("a", "");
    OK(chmod("a", 07755));
    EQ(stat_of("a").st_mode & 07777, 07755);
    OK(chown("a", 5, 6));
    EQ(stat_of("a").st_uid, 5);
    EQ(stat_of("a").st_gid, 6);
    EQ(stat_of("a").st_mode & 07777, 01755);  // set-id bits go
    OK(chown("a", (uid_t)-1, 9));
    EQ(stat_of("a").st_uid, 5);
    ERR(chmod("none", 0), ENOENT);
    ERR(chown("none", 0, 0), ENOENT);
    OK(symlink("a", "l"));
    OK(lchown("l", 7, 7));
    EQ(stat_of("l").st_uid, 7);
    EQ(stat_of("a").st_uid, 5);
    const int fd = opened("a", O_RDONLY);
    OK(fchmod(fd, 0600));
    OK(fchown(fd, 0, 0));
    EQ(stat_of("a").st_mode & 07777, 0600);
}

CASE(permissions) {
    abi_folder();
    write_file("mine", "x");
    OK(chmod("mine", 0600));
    write_file("all", "x");
    OK(chmod("all", 0666));
    OK(mkdir("closed", 0700));
    write_file("closed/x", "x");
    OK(mkdir("sticky", 0777));
    OK(chmod("sticky", 01777));
    write_file("sticky/x", "x");
    OK(chmod(".", 0755));
    OK(setgid(1000));
    OK(setuid(1000));
    ERR(open("mine", O_RDONLY), EACCES);
    OK(open("all", O_RDWR));
    ERR(open("closed/x", O_RDONLY), EACCES);
    ERR(open("new", O_CREAT | O_RDWR, 0600), EACCES);
    ERR(unlink("all"), EACCES);
    ERR(mkdir("d", 0755), EACCES);
    ERR(rename("all", "other"), EACCES);
    ERR(chmod("all", 0600), EPERM);
    ERR(chown("all", 1000, 1000), EPERM);
    ERR(unlink("sticky/x"), EPERM);
    OK(mkdir("sticky/d", 0755));
    OK(rmdir("sticky/d"));
    ERR(access("mine", R_OK), EACCES);
    OK(access("mine", F_OK));
    ERR(access("all", X_OK), EACCES);
    ERR(chdir("closed"), EACCES);
    ERR(truncate("mine", 0), EACCES);
}

CASE(access_) {
    abi_folder();
    write_file("a", "");
    OK(access("a", R_OK | W_OK));
    ERR(access("a", X_OK), EACCES);  // also for root if nobody may execute it
    ERR(access("none", F_OK), ENOENT);
    ERR(access("a", 0x70), EINVAL);
    OK(faccessat(AT_FDCWD, "a", R_OK, AT_EACCESS));
}

CASE(times_of_files) {
    abi_folder();
    write_file("a", "");
    const struct timespec times[] = {{100, 5}, {200, 7}};
    OK(utimensat(AT_FDCWD, "a", times, 0));
    EQ(stat_of("a").st_atim.tv_sec, 100);
    EQ(stat_of("a").st_mtim.tv_sec, 200);
    EQ(stat_of("a").st_mtim.tv_nsec, 7);
    const struct timespec some[] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    OK(utimensat(AT_FDCWD, "a", some, 0));
    EQ(stat_of("a").st_atim.tv_sec, 100);
    CHECK(stat_of("a").st_mtim.tv_sec > 200);
    const struct timespec wrong[] = {{0, -5}, {0, 0}};
    ERR(utimensat(AT_FDCWD, "a", wrong, 0), EINVAL);
    ERR(utimensat(AT_FDCWD, "none", times, 0), ENOENT);
    OK(utimensat(AT_FDCWD, "a", times, 0));
    const int fd = opened("a", O_WRONLY);
    OK(write(fd, "x", 1));
    CHECK(stat_of("a").st_mtim.tv_sec > 200);
    OK(futimens(fd, times));
    EQ(stat_of("a").st_mtim.tv_sec, 200);
    OK(mkdir("d", 0755));
    OK(utimensat(AT_FDCWD, "d", times, 0));
    write_file("d/x", "");
    CHECK(stat_of("d").st_mtim.tv_sec > 200);
}

CASE(current_folder) {
    abi_folder();
    char before[300], path[400], again[400];
    CHECK(getcwd(before, sizeof before) != 0);
    ERR(syscall(SYS_getcwd, path, 3), ERANGE);
    OK(mkdir("d", 0755));
    OK(chdir("d"));
    CHECK(getcwd(path, sizeof path) != 0);
    snprintf(again, sizeof again, "%s/d", before);
    EQ(strcmp(path, again), 0);
    const int fd = opened("..", O_RDONLY);
    OK(fchdir(fd));
    CHECK(getcwd(path, sizeof path) != 0);
    EQ(strcmp(path, before), 0);
    ERR(chdir("none"), ENOENT);
    write_file("f", "");
    ERR(chdir("f"), ENOTDIR);
    ERR(fchdir(777), EBADF);
    OK(rename("d", "e"));
    OK(chdir("e"));
    OK(rename("../e", "../moved"));
    CHECK(getcwd(path, sizeof path) != 0);
    EQ(strcmp(strrchr(path, '/'), "/moved"), 0);
}

CASE(dots_and_slashes) {
    abi_folder();
    OK(mkdir("d", 0755));
    write_file("d/x", "in");
    is_text("./d/../d//x", "in");
    is_text("d/./x", "in");
    OK(chdir("d"));
    is_text("x", "in");
    struct stat a, b;
    OK(stat("/..", &a));
    OK(stat("/", &b));
    EQ(a.st_ino, b.st_ino);
}

CASE(calls_relative_to_a_folder) {
    abi_folder();
    OK(mkdir("d", 0755));
    const int d = opened("d", O_RDONLY | O_DIRECTORY);
    OK(mkdirat(d, "e", 0755));
    const int fd = (int)OK(openat(d, "f", O_CREAT | O_RDWR, 0600));
    (void)fd;
    OK(symlinkat("f", d, "l"));
    OK(linkat(d, "f", d, "g", 0));
    OK(renameat(d, "g", AT_FDCWD, "outside"));
    CHECK(exists("d/e") && exists("d/f") && exists("d/l") && exists("outside") && !exists("d/g"));
    OK(fchmodat(d, "f", 0640, 0));
    EQ(stat_of("d/f").st_mode & 0777, 0640);
    OK(faccessat(d, "f", R_OK, 0));
    char text[9];
    EQ(readlinkat(d, "l", text, sizeof text), 1);
    OK(unlinkat(d, "e", AT_REMOVEDIR));
    OK(unlinkat(d, "f", 0));
    ERR(mkdirat(fd, "x", 0755), ENOTDIR);
    ERR(mkdirat(777, "x", 0755), EBADF);
    OK(mkdirat(777, "/tmp/abi-absolute", 0755));
    OK(rmdir("/tmp/abi-absolute"));
}

CASE(reading_folders) {
    abi_folder();
    for (int i = 0; i < 200; ++i) {
        char name[20];
        snprintf(name, sizeof name, "file%d", i);
        write_file(name, "");
    }
    OK(mkdir("dir", 0755));
    OK(symlink("x", "link"));
    char seen[200] = "";
    int others = 0, dots = 0;
    DIR* const dir = opendir(".");
    CHECK(dir != 0);
    const struct dirent* entry;
    while ((entry = readdir(dir)) != 0) {
        int number;
        if (sscanf(entry->d_name, "file%d", &number) == 1) {
            EQ(seen[number], 0);
            seen[number] = 1;
            EQ(entry->d_type, DT_REG);
        } else if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            ++dots;
        } else {
            EQ(entry->d_type, strcmp(entry->d_name, "dir") == 0 ? DT_DIR : DT_LNK);
            ++others;
        }
    }
    EQ(dots, 2);
    EQ(others, 2);
    for (int i = 0; i < 200; ++i) EQ(seen[i], 1);
    rewinddir(dir);
    CHECK(readdir(dir) != 0);
    closedir(dir);
}

CASE(reading_while_removing) {
    abi_folder();
    for (int i = 0; i < 100; ++i) {
        char name[20];
        snprintf(name, sizeof name, "file%d", i);
        write_file(name, "");
    }
    DIR* const dir = opendir(".");
    const struct dirent* entry;
    int removed = 0;
    while ((entry = readdir(dir)) != 0)
        if (entry->d_name[0] == 'f') {
            OK(unlink(entry->d_name));
            ++removed;
        }
    EQ(removed, 100);
    closedir(dir);
}

CASE(getdents_errors) {
    abi_folder();
    char bytes[100];
    const int fd = opened(".", O_RDONLY);
    ERR(syscall(SYS_getdents64, fd, bytes, 8), EINVAL);
    ERR(syscall(SYS_getdents64, 777, bytes, 100), EBADF);
    ERR(syscall(SYS_getdents64, opened("/dev/null", O_RDONLY), bytes, 100), ENOTDIR);
    ERR(syscall(SYS_getdents64, fd, BAD, 100), EFAULT);
    OK(mkdir("d", 0755));
    const int gone = opened("d", O_RDONLY);
    OK(rmdir("d"));
    const long n = syscall(SYS_getdents64, gone, bytes, 100);
    CHECK(n == -1 && errno == ENOENT);
}

CASE(flock_) {
    abi_folder();
    const int a = opened("f", O_RDWR | O_CREAT), b = opened("f", O_RDWR);
    OK(flock(a, LOCK_SH));
    OK(flock(b, LOCK_SH | LOCK_NB));
    ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    OK(flock(a, LOCK_UN));
    OK(flock(b, LOCK_EX | LOCK_NB));
    ERR(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    const pid_t child = must_fork();
    if (child == 0) {
        OK(flock(b, LOCK_UN));  // the lock belongs to the open file
        _exit(0);
    }
    must_exit(child, 0);
    OK(flock(a, LOCK_EX | LOCK_NB));
    ERR(flock(a, 77), EINVAL);
    ERR(flock(777, LOCK_SH), EBADF);
    OK(close(a));
    OK(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock_waits) {
    abi_folder();
    const int a = opened("f", O_RDWR | O_CREAT);
    OK(flock(a, LOCK_EX));
    const pid_t child = must_fork();
    if (child == 0) {
        const int b = opened("f", O_RDWR);
        OK(flock(b, LOCK_EX));
        _exit(0);
    }
    wait_asleep(child);
    OK(flock(a, LOCK_UN));
    must_exit(child, 0);
}

static struct flock range(short type, off_t start, off_t length) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

CASE(record_locks) {
    abi_folder();
    const int fd = opened("f", O_RDWR | O_CREAT);
    struct flock lock = range(F_WRLCK, 10, 10);
    OK(fcntl(fd, F_SETLK, &lock));
    const pid_t me = getpid();
    const pid_t child = must_fork();
    if (child == 0) {
        struct flock other = range(F_RDLCK, 15, 1);
        ERR(fcntl(fd, F_SETLK, &other), EAGAIN);
        OK(fcntl(fd, F_GETLK, &other));
        EQ(other.l_type, F_WRLCK);
        EQ(other.l_start, 10);
        EQ(other.l_len, 10);
        EQ(other.l_pid, me);
        other = range(F_WRLCK, 0, 10);
        OK(fcntl(fd, F_SETLK, &other));
        other = range(F_WRLCK, 20, 0);
        OK(fcntl(fd, F_SETLK, &other));
        _exit(0);
    }
    must_exit(child, 0);
    lock = range(F_UNLCK, 12, 2);
    OK(fcntl(fd, F_SETLK, &lock));
    lock = range(99, 0, 0);
    ERR(fcntl(fd, F_SETLK, &lock), EINVAL);
    lock = range(F_RDLCK, -5, 1);
    ERR(fcntl(fd, F_SETLK, &lock), EINVAL);
}

CASE(record_locks_wait_and_deadlock) {
    abi_folder();
    const int fd = opened("f", O_RDWR | O_CREAT);
    struct flock lock = range(F_WRLCK, 0, 1);
    OK(fcntl(fd, F_SETLK, &lock));
    int ends[2];
    OK(pipe(ends));
    const pid_t child = must_fork();
    if (child == 0) {
        struct flock mine = range(F_WRLCK, 1, 1);
        OK(fcntl(fd, F_SETLK, &mine));
        OK(write(ends[1], "r", 1));
        mine = range(F_WRLCK, 0, 1);
        OK(fcntl(fd, F_SETLKW, &mine));
        _exit(0);
    }
    char byte;
    EQ(read(ends[0], &byte, 1), 1);
    wait_asleep(child);
    lock = range(F_WRLCK, 1, 1);
    ERR(fcntl(fd, F_SETLKW, &lock), EDEADLK);
    OK(close(opened("f", O_RDONLY)));  // closing any descriptor of the file gives up all locks
    must_exit(child, 0);
}

CASE(open_file_locks) {
    abi_folder();
    const int a = opened("f", O_RDWR | O_CREAT), b = opened("f", O_RDWR);
    struct flock lock = range(F_WRLCK, 0, 10);
    OK(fcntl(a, F_OFD_SETLK, &lock));
    lock = range(F_WRLCK, 5, 1);
    ERR(fcntl(b, F_OFD_SETLK, &lock), EAGAIN);
    OK(close(a));
    lock = range(F_WRLCK, 5, 1);
    OK(fcntl(b, F_OFD_SETLK, &lock));
}

CASE(copying) {
    abi_folder();
    write_file("a", "0123456789");
    const int from = opened("a", O_RDONLY), to = opened("b", O_RDWR | O_CREAT);
    off_t at = 2;
    EQ(sendfile(to, from, &at, 5), 5);
    EQ(at, 7);
    is_text("b", "23456");
    EQ(lseek(from, 0, SEEK_CUR), 0);
    EQ(sendfile(to, from, 0, 100), 10);
    EQ(lseek(from, 0, SEEK_CUR), 10);
    EQ(sendfile(to, from, 0, 100), 0);
    loff_t in = 0, out = 0;
    EQ(copy_file_range(from, &in, to, &out, 3, 0), 3);
    is_text("b", "012560123456789");
    ERR(copy_file_range(from, &in, to, &out, 3, 1), EINVAL);
    ERR(sendfile(from, to, 0, 1), EBADF);
}

CASE(special_files) {
    abi_folder();
    OK(mkfifo("p", 0600));
    CHECK(S_ISFIFO(stat_of("p").st_mode));
    ERR(mkfifo("p", 0600), EEXIST);
    ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
    const int reader = opened("p", O_RDONLY | O_NONBLOCK), writer = opened("p", O_WRONLY);
    EQ(write(writer, "hi", 2), 2);
    char text[3];
    EQ(read(reader, text, 3), 2);
    OK(mknod("n", S_IFCHR | 0666, makedev(1, 3)));
    const int null = opened("n", O_RDWR);
    EQ(write(null, "x", 1), 1);
    EQ(read(null, text, 1), 0);
    ERR(mknod("m", S_IFDIR | 0700, 0), EPERM);
}

CASE(fifo_open_waits) {
    abi_folder();
    OK(mkfifo("p", 0600));
    const pid_t child = must_fork();
    if (child == 0) {
        const int writer = opened("p", O_WRONLY);
        _exit(write(writer, "x", 1) == 1 ? 0 : 1);
    }
    wait_asleep(child);
    const int reader = opened("p", O_RDONLY);
    char byte;
    EQ(read(reader, &byte, 1), 1);
    EQ(read(reader, &byte, 1), 0);
    must_exit(child, 0);
}

CASE(devices) {
    char text[20];
    memset(text, 1, sizeof text);
    const int zero = opened("/dev/zero", O_RDWR);
    EQ(read(zero, text, 20), 20);
    EQ(text[19], 0);
    EQ(write(zero, text, 20), 20);
    const int full = opened("/dev/full", O_RDWR);
    ERR(write(full, text, 1), ENOSPC);
    EQ(read(full, text, 5), 5);
    const int random = opened("/dev/urandom", O_RDONLY);
    char other[20];
    EQ(read(random, text, 20), 20);
    EQ(read(random, other, 20), 20);
    CHECK(memcmp(text, other, 20) != 0);
    OK(open("/dev/random", O_RDONLY));
    CHECK(mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0) != MAP_FAILED);
    ERR(open("/dev/none", O_RDONLY), ENOENT);
}

CASE(overlay_of_the_root) {
    root_folder();
    write_file("a", "text");
    is_text("a", "text");
    OK(link("a", "b"));
    OK(symlink("a", "l"));
    OK(rename("a", "c"));
    OK(mkdir("d", 0755));
    OK(rename("c", "d/c"));
    is_text("d/c", "text");
    OK(unlink("d/c"));
    OK(rmdir("d"));
    OK(chmod("b", 0600));
    EQ(stat_of("b").st_mode & 0777, 0600);
}

CASE(overlay_copies_up) {
    // A file of the image is written: others see the new one, also those who had it open for reading.
    const char* const path = "/etc/hostname";
    const int before = opened(path, O_RDONLY);
    char old[64] = "", now[64] = "";
    OK(read(before, old, sizeof old - 1));
    const int fd = opened(path, O_WRONLY | O_APPEND);
    OK(write(fd, "more", 4));
    OK(close(fd));
    OK(read(opened(path, O_RDONLY), now, sizeof now - 1));
    EQ(strncmp(now, old, strlen(old)), 0);
    EQ(strcmp(now + strlen(old), "more"), 0);
}

CASE(overlay_whiteouts) {
    OK(access("/etc/hosts", F_OK));
    OK(unlink("/etc/hosts"));
    ERR(access("/etc/hosts", F_OK), ENOENT);
    DIR* const dir = opendir("/etc");
    const struct dirent* entry;
    while ((entry = readdir(dir)) != 0) CHECK(strcmp(entry->d_name, "hosts") != 0);
    closedir(dir);
    write_file("/etc/hosts", "new");
    is_text("/etc/hosts", "new");
}

CASE(overlay_removes_folders) {
    ERR(rmdir("/abi"), ENOTEMPTY);
    OK(mkdir("/abi/mine", 0755));
    OK(rmdir("/abi/mine"));
    ERR(unlink("/abi"), EISDIR);
}

CASE(executing_file_is_busy) { ERR(open(abi_self, O_WRONLY), ETXTBSY); }

CASE(inotify_) {
    abi_folder();
    const int fd = (int)OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    const int watch = (int)OK(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_MOVE | IN_MODIFY));
    _Alignas(8) char bytes[1000];
    ERR(read(fd, bytes, sizeof bytes), EAGAIN);
    write_file("a", "x");
    OK(rename("a", "b"));
    OK(unlink("b"));
    const ssize_t n = OK(read(fd, bytes, sizeof bytes));
    static const uint32_t expected[] = {IN_CREATE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO, IN_DELETE};
    int index = 0;
    for (ssize_t at = 0; at < n && index < 5; ++index) {
        struct inotify_event event;
        memcpy(&event, bytes + at, sizeof event);
        EQ(event.wd, watch);
        EQ(event.mask, expected[index]);
        at += (ssize_t)(sizeof event + event.len);
    }
    EQ(index, 5);
    OK(inotify_rm_watch(fd, watch));
    ERR(inotify_rm_watch(fd, watch), EINVAL);
    ERR(inotify_add_watch(fd, "none", IN_CREATE), ENOENT);
    ERR(inotify_add_watch(fd, ".", 0), EINVAL);
    ERR(inotify_add_watch(0, ".", IN_CREATE), EINVAL);
}

CASE(extended_attributes) {
    abi_folder();
    write_file("a", "");
    char text[50];
    ERR(getxattr("a", "user.none", text, sizeof text), getxattr("a", "user.none", 0, 0) == -1 ? errno : 0);
    ERR(getxattr("none", "user.x", text, sizeof text), ENOENT);
}

CASE(many_files) {
    abi_folder();
    for (int i = 0; i < 500; ++i) {
        char name[20];
        snprintf(name, sizeof name, "f%d", i);
        const int fd = opened(name, O_CREAT | O_WRONLY);
        OK(write(fd, name, strlen(name)));
        OK(close(fd));
    }
    for (int i = 0; i < 500; ++i) {
        char name[20];
        snprintf(name, sizeof name, "f%d", i);
        is_text(name, name);
        OK(unlink(name));
    }
    OK(chdir("/"));
}

CASE(big_file) {
    abi_folder();
    static unsigned char block[65536];
    const int fd = opened("a", O_RDWR | O_CREAT);
    for (int i = 0; i < 32; ++i) {
        memset(block, i, sizeof block);
        EQ(write(fd, block, sizeof block), sizeof block);
    }
    for (int i = 31; i >= 0; --i) {
        EQ(pread(fd, block, sizeof block, i * 65536), sizeof block);
        CHECK(block[0] == i && block[65535] == i);
    }
}

CASE(chroot_) {
    abi_folder();
    OK(mkdir("root", 0755));
    write_file("root/inside", "in");
    OK(chroot("root"));
    is_text("/inside", "in");
    OK(chdir("/"));
    is_text("../../inside", "in");
    ERR(open("/etc/hostname", O_RDONLY), ENOENT);
    OK(setuid(1000));
    ERR(chroot("/"), EPERM);
}
