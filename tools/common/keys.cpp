/*
 * See keys.h.
 */
#include "keys.h"

#include <sodium.h>

#include "files.h"

namespace kos::tools {
namespace {

constexpr size_t kSeedBytes = crypto_sign_ed25519_SEEDBYTES;
static_assert(crypto_sign_ed25519_SECRETKEYBYTES == 64);

void start_library() {
    if (sodium_init() < 0) {
        throw Error("libsodium does not start: no source of random numbers");
    }
}

}  // namespace

SigningKey::SigningKey(const uint8_t* seed) { crypto_sign_ed25519_seed_keypair(public_key_, secret_, seed); }

SigningKey::~SigningKey() { sodium_memzero(secret_, sizeof(secret_)); }

SigningKey SigningKey::read(const std::string& path) {
    start_library();
    Buffer contents = read_file(path);
    uint8_t seed[kSeedBytes];
    if (contents.size() == kSeedBytes) {
        std::copy(contents.begin(), contents.end(), seed);
    } else {
        size_t length = 0;
        const auto* text = reinterpret_cast<const char*>(contents.data());
        const int status = sodium_hex2bin(seed, sizeof(seed), text, contents.size(), "\r\n", &length, nullptr);
        const char* end = nullptr;
        const bool whole = status == 0 && length == kSeedBytes &&
                           sodium_hex2bin(seed, sizeof(seed), text, contents.size(), "\r\n", &length, &end) == 0 &&
                           end == text + contents.size();
        if (!whole) {
            throw Error("not a key (32 bytes, or 64 hexadecimal digits): " + path);
        }
    }
    const SigningKey key(seed);
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(contents.data(), contents.size());
    return key;
}

SigningKey SigningKey::read_or_create(const std::string& path) {
    start_library();
    if (FILE* file = std::fopen(path.c_str(), "rb")) {
        std::fclose(file);
        return read(path);
    }
    uint8_t seed[kSeedBytes];
    char hex[2 * kSeedBytes + 1];
    randombytes_buf(seed, sizeof(seed));
    sodium_bin2hex(hex, sizeof(hex), seed, sizeof(seed));
    create_private_file(path, std::string(hex) + "\n");
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(hex, sizeof(hex));
    return read(path);
}

void SigningKey::sign(std::span<const uint8_t> data, uint8_t (&signature)[kSignatureBytes]) const {
    crypto_sign_ed25519_detached(signature, nullptr, data.data(), data.size(), secret_);
}

}  // namespace kos::tools
