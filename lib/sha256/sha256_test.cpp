// Known answers of FIPS 180-4, and that pieces make the same as the whole. tests/system/sha256 does the same on the
// device.
#include "sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kos {
namespace {

std::string text_of(const uint8_t (&hash)[kSha256Bytes]) {
    std::string text;
    for (const uint8_t byte : hash) {
        constexpr char kDigits[] = "0123456789abcdef";
        text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return text;
}

TEST(Sha256Test, KnownAnswers) {
    uint8_t hash[kSha256Bytes];
    sha256("", 0, hash);
    EXPECT_EQ(text_of(hash), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256("abc", 3, hash);
    EXPECT_EQ(text_of(hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::vector<uint8_t> million(1'000'000, 'a');
    sha256(million.data(), million.size(), hash);
    EXPECT_EQ(text_of(hash), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesAreTheWhole) {
    std::vector<uint8_t> data(3000);
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i * 31 >> 3);
    uint8_t whole[kSha256Bytes], pieces[kSha256Bytes];
    sha256(data.data(), data.size(), whole);
    for (const size_t cut : {0, 1, 63, 64, 65, 2999, 3000}) {
        Sha256 state;
        state.add(data.data(), cut);
        state.add(data.data() + cut, data.size() - cut);
        state.finish(pieces);
        EXPECT_EQ(text_of(pieces), text_of(whole)) << cut;
    }
}

}  // namespace
}  // namespace kos
