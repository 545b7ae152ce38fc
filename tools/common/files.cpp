/*
 * See files.h.
 */
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace kos::tools {
namespace {

Error system_error(const std::string& what, const std::string& path) {
    return Error(what + " " + path + ": " + std::strerror(errno));
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return number_; }
    int release() {
        const int number = number_;
        number_ = -1;
        return number;
    }

private:
    int number_;
};

void write_all(int descriptor, std::span<const uint8_t> contents, const std::string& path) {
    while (!contents.empty()) {
        const ssize_t written = ::write(descriptor, contents.data(), contents.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw system_error("cannot write", path);
        }
        contents = contents.subspan(static_cast<size_t>(written));
    }
}

// Writes `contents` to a fresh file beside `path` and returns its name.
std::string write_beside(const std::string& path, std::span<const uint8_t> contents, mode_t mode) {
    std::string name = path + ".XXXXXX";
    Descriptor file(::mkstemp(name.data()));
    if (file.number() < 0) {
        throw system_error("cannot create", name);
    }
    try {
        write_all(file.number(), contents, name);
        if (::fchmod(file.number(), mode) != 0 || ::close(file.release()) != 0) {
            throw system_error("cannot write", name);
        }
    } catch (const Error&) {
        ::unlink(name.c_str());
        throw;
    }
    return name;
}

}  // namespace

Buffer read_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (file.number() < 0 || ::fstat(file.number(), &status) != 0) {
        throw system_error("cannot open", path);
    }
    if (!S_ISREG(status.st_mode)) {
        throw Error("not a file: " + path);
    }
    Buffer contents(static_cast<size_t>(status.st_size));
    size_t filled = 0;
    while (filled < contents.size()) {
        const ssize_t count = ::read(file.number(), contents.data() + filled, contents.size() - filled);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            throw system_error("cannot read", path);
        }
        if (count == 0) {
            throw Error("became shorter while being read: " + path);
        }
        filled += static_cast<size_t>(count);
    }
    return contents;
}

void write_file(const std::string& path, std::span<const uint8_t> contents) {
    const std::string fresh = write_beside(path, contents, 0644);
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        const Error error = system_error("cannot replace", path);
        ::unlink(fresh.c_str());
        throw error;
    }
}

bool create_private_file(const std::string& path, const std::string& contents) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code code;
    if (!folder.empty() && !std::filesystem::create_directories(folder, code) && code) {
        throw Error("cannot create " + folder.string() + ": " + code.message());
    }
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(contents.data()), contents.size());
    const std::string fresh = write_beside(path, bytes, 0600);
    // link() and not rename(): of two that create it at a time, one wins and the other sees it.
    const bool created = ::link(fresh.c_str(), path.c_str()) == 0;
    const int error = errno;
    ::unlink(fresh.c_str());
    errno = error;
    if (!created && error != EEXIST) {
        throw system_error("cannot create", path);
    }
    return created;
}

}  // namespace kos::tools
