// Known answers of FIPS 180-4 by both ways of the device's SHA-256, and that the loader says that the board's processor
// has the instructions.
#include <kos/roottask/boot.h>
#include <kos/roottask/bootargs.h>
#include <kos/roottask/testing.h>
#include <sha256.h>

namespace {

using namespace kos::roottask;

bool is_same(const uint8_t (&hash)[kos::kSha256Bytes], const char* expected) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof hash; ++i) {
        if (kDigits[hash[i] >> 4] != expected[2 * i] || kDigits[hash[i] & 15] != expected[2 * i + 1]) return false;
    }
    return true;
}

bool has_instructions() {
    char none[8];
    const RootTask& root = root_task();
    return device_tree_string(root.device_tree, root.device_tree_bytes, "chosen", kos::kSha256Property, none,
                              sizeof none);
}

// "abc", and a million times "a" in pieces that are no multiples of a block.
bool gives_known_answers() {
    uint8_t hash[kos::kSha256Bytes];
    kos::sha256("abc", 3, hash);
    if (!is_same(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")) return false;
    char piece[1000];
    for (char& byte : piece) byte = 'a';
    kos::Sha256 state;
    for (int i = 0; i < 1000; ++i) state.add(piece, sizeof piece);
    state.finish(hash);
    return is_same(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace

KOS_TEST(sha256_without_instructions) {
    kos::sha256_use_instructions(false);
    EXPECT_TRUE(gives_known_answers());
}

KOS_TEST(sha256_by_instructions) {
    ASSERT_TRUE(has_instructions());
    kos::sha256_use_instructions(true);
    EXPECT_TRUE(gives_known_answers());
}

void kos_main(kos::roottask::RootTask& root) {
    kos::roottask::run_tests(root);
    for (;;) kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
}
