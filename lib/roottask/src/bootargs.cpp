// Finding and splitting /chosen/bootargs (bootargs.h).
//
// Reads the structure block of the tree only as far as this one property needs. Source: Devicetree Specification 0.4,
// chapter 5 "Flattened Devicetree (DTB) Format".
#include <kos/roottask/boot.h>
#include <kos/roottask/bootargs.h>

namespace kos::roottask {
namespace {

constexpr uint32_t kMagic = 0xd00dfeed;
constexpr uint32_t kBeginNode = 1;
constexpr uint32_t kEndNode = 2;
constexpr uint32_t kProperty = 3;
constexpr uint32_t kNop = 4;
constexpr size_t kHeaderBytes = 40;

class Reader {
public:
    Reader(const unsigned char* data, size_t bytes) : data_(data), bytes_(bytes) {}

    bool read(size_t at, uint32_t& value) const {
        if (at > bytes_ || bytes_ - at < 4) {
            return false;
        }
        value = static_cast<uint32_t>(data_[at]) << 24 | static_cast<uint32_t>(data_[at + 1]) << 16 |
                static_cast<uint32_t>(data_[at + 2]) << 8 | data_[at + 3];
        return true;
    }

    // Length of the zero-terminated text at `at`; false if it does not end inside the tree.
    bool text_length(size_t at, size_t& length) const {
        for (length = 0; at < bytes_ && length < bytes_ - at; ++length) {
            if (data_[at + length] == '\0') {
                return true;
            }
        }
        return false;
    }

    bool equals(size_t at, const char* text) const {
        size_t length = 0;
        if (!text_length(at, length)) {
            return false;
        }
        for (size_t i = 0; i <= length; ++i) {
            if (static_cast<char>(data_[at + i]) != text[i]) {
                return false;
            }
        }
        return true;
    }

    bool copy(size_t at, size_t count, char* out, size_t capacity) const {
        if (at > bytes_ || count > bytes_ - at || count == 0 || data_[at + count - 1] != '\0' || count > capacity) {
            return false;
        }
        for (size_t i = 0; i < count; ++i) {
            out[i] = static_cast<char>(data_[at + i]);
        }
        return true;
    }

private:
    const unsigned char* data_;
    size_t bytes_;
};

char bootargs_text_storage[1024];
bool bootargs_loaded = false;

const char* skip_blanks(const char* p) {
    while (*p == ' ' || *p == '\t') {
        ++p;
    }
    return p;
}

bool is_word_end(char c) { return c == '\0' || c == ' ' || c == '\t'; }

}  // namespace

bool device_tree_string(const void* tree, size_t tree_bytes, const char* node, const char* property, char* out,
                        size_t capacity_bytes) {
    Reader reader(static_cast<const unsigned char*>(tree), tree_bytes);
    uint32_t magic = 0;
    uint32_t structure = 0;
    uint32_t strings = 0;
    if (tree == nullptr || tree_bytes < kHeaderBytes || !reader.read(0, magic) || magic != kMagic ||
        !reader.read(8, structure) || !reader.read(12, strings)) {
        return false;
    }
    size_t at = structure;
    int depth = 0;  // 1 inside the root node
    bool inside = false;
    uint32_t token = 0;
    while (reader.read(at, token)) {
        at += 4;
        if (token == kBeginNode) {
            size_t length = 0;
            if (!reader.text_length(at, length)) {
                return false;
            }
            ++depth;
            inside = depth == 2 && reader.equals(at, node);
            at += (length + 4) & ~size_t{3};
        } else if (token == kEndNode) {
            --depth;
            inside = false;
        } else if (token == kProperty) {
            uint32_t length = 0;
            uint32_t name = 0;
            if (!reader.read(at, length) || !reader.read(at + 4, name)) {
                return false;
            }
            at += 8;
            if (inside && depth == 2 && reader.equals(size_t{strings} + name, property)) {
                return reader.copy(at, length, out, capacity_bytes);
            }
            at += (size_t{length} + 3) & ~size_t{3};
        } else if (token != kNop) {
            return false;  // the end, or damage
        }
    }
    return false;
}

const char* bootargs() {
    if (!bootargs_loaded) {
        bootargs_loaded = true;
        const RootTask& root = root_task();
        if (!device_tree_string(root.device_tree, root.device_tree_bytes, "chosen", "bootargs", bootargs_text_storage,
                                sizeof(bootargs_text_storage))) {
            bootargs_text_storage[0] = '\0';
        }
    }
    return bootargs_text_storage;
}

bool bootargs_text(const char* key, char* out, size_t capacity_bytes) {
    out[0] = '\0';
    for (const char* p = skip_blanks(bootargs()); *p != '\0'; p = skip_blanks(p)) {
        size_t i = 0;
        while (key[i] != '\0' && p[i] == key[i]) {
            ++i;
        }
        if (key[i] == '\0' && (p[i] == '=' || is_word_end(p[i]))) {
            const char* value = p[i] == '=' ? p + i + 1 : p + i;
            size_t length = 0;
            while (!is_word_end(value[length]) && length + 1 < capacity_bytes) {
                out[length] = value[length];
                ++length;
            }
            out[length] = '\0';
            return true;
        }
        while (!is_word_end(*p)) {
            ++p;
        }
    }
    return false;
}

uint64_t bootargs_number(const char* key, uint64_t fallback) {
    char text[32];
    if (!bootargs_text(key, text, sizeof(text)) || text[0] == '\0') {
        return fallback;
    }
    unsigned base = 10;
    const char* p = text;
    if (p[0] == '0' && p[1] == 'x') {
        base = 16;
        p += 2;
    }
    uint64_t value = 0;
    for (; *p != '\0'; ++p) {
        unsigned digit = 0;
        if (*p >= '0' && *p <= '9') {
            digit = static_cast<unsigned>(*p - '0');
        } else if (*p >= 'a' && *p <= 'f') {
            digit = static_cast<unsigned>(*p - 'a') + 10;
        } else {
            return fallback;
        }
        if (digit >= base) {
            return fallback;
        }
        value = value * base + digit;
    }
    return value;
}

}  // namespace kos::roottask
