/*
 * Ed25519 signing keys: a file with the 32-byte seed of RFC 8032, raw or as 64 hexadecimal digits.
 */
#ifndef KOS_TOOLS_MKIMAGE_KEYS_H_
#define KOS_TOOLS_MKIMAGE_KEYS_H_

#include <span>
#include <string>

#include "image_format.h"

namespace kos::mkimage {

class SigningKey {
public:
    // Throws Error if the file is not a seed.
    static SigningKey read(const std::string& path);
    // The key in that file; made on first use.
    static SigningKey read_or_create(const std::string& path);

    SigningKey(const SigningKey&) = default;
    SigningKey& operator=(const SigningKey&) = default;
    ~SigningKey();

    const uint8_t (&public_key() const)[boot::kPublicKeyBytes] { return public_key_; }
    void sign(std::span<const uint8_t> data, uint8_t (&signature)[boot::kSignatureBytes]) const;

private:
    explicit SigningKey(const uint8_t* seed);

    uint8_t public_key_[boot::kPublicKeyBytes];
    uint8_t secret_[64];  // libsodium's form: seed, then public key
};

}  // namespace kos::mkimage

#endif
