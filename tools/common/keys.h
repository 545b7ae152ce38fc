/*
 * Ed25519 signing keys: a file with the 32-byte seed of RFC 8032, raw or as 64 hexadecimal digits.
 */
#ifndef KOS_TOOLS_COMMON_KEYS_H_
#define KOS_TOOLS_COMMON_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace kos::tools {

constexpr size_t kPublicKeyBytes = 32;  // Ed25519, RFC 8032
constexpr size_t kSignatureBytes = 64;

class SigningKey {
public:
    // Throws Error if the file is not a seed.
    static SigningKey read(const std::string& path);
    // The key in that file; made on first use.
    static SigningKey read_or_create(const std::string& path);

    SigningKey(const SigningKey&) = default;
    SigningKey& operator=(const SigningKey&) = default;
    ~SigningKey();

    const uint8_t (&public_key() const)[kPublicKeyBytes] { return public_key_; }
    void sign(std::span<const uint8_t> data, uint8_t (&signature)[kSignatureBytes]) const;

private:
    explicit SigningKey(const uint8_t* seed);

    uint8_t public_key_[kPublicKeyBytes];
    uint8_t secret_[64];  // libsodium's form: seed, then public key
};

}  // namespace kos::tools

#endif
