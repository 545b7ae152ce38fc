// Runs the fuzz target without libFuzzer: the files named as arguments, each as it is and with random changes.
//
//   erofs_fuzz [--changes N] [--seed N] FILE...
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
    uint64_t changes = 0, seed = 1;
    for (int i = 1; i < argc; ++i) {
        if (i + 1 < argc && strcmp(argv[i], "--changes") == 0) {
            changes = strtoull(argv[++i], nullptr, 0);
            continue;
        }
        if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[++i], nullptr, 0);
            continue;
        }
        std::ifstream file(argv[i], std::ios::binary);
        if (!file) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        std::vector<uint8_t> const input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        printf("%s, %zu bytes, %llu changes, seed %llu\n", argv[i], input.size(),
               static_cast<unsigned long long>(changes), static_cast<unsigned long long>(seed));
        LLVMFuzzerTestOneInput(input.data(), input.size());
        std::mt19937_64 random(seed);
        for (uint64_t round = 0; round < changes && !input.empty(); ++round) {
            std::vector<uint8_t> changed = input;
            for (unsigned left = 1 + static_cast<unsigned>(random() % 16); left; --left) {
                changed[random() % changed.size()] = static_cast<uint8_t>(random());
            }
            LLVMFuzzerTestOneInput(changed.data(), changed.size());
        }
    }
    return 0;
}
