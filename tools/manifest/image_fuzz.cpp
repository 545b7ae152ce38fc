/*
 * Any bytes as a system image: kos-manifest verify and sign refuse them with an error, or what they accept is an image
 * whose signature is good.
 */
#include "bundle.h"
#include "bundle_format.h"
#include "failure.h"
#include "fuzz.h"
#include "program.h"
#include "test_support.h"

namespace kos::fuzz {
namespace {

namespace test = compiler::test;
using compiler::System;
using tools::SigningKey;

SigningKey test_key() {
    const test::Workplace workplace;
    test::put_file("key", std::string(64, '1'));
    return SigningKey::read("key");
}
const SigningKey& key() {
    static const SigningKey kKey = test_key();
    return kKey;
}

System small_system() {
    System system;
    system.domains.resize(1);
    compiler::Program program;
    program.path = "one.elf";
    program.contents = test::program_elf("good").file();
    require(compiler::check_program(program).found.empty(), "a good program is refused");
    system.domains[0].program = program;
    return system;
}

}  // namespace

void run(Bytes input) {
    const tools::Buffer image(input.begin(), input.end());
    try {
        // The signature is put right, so that damage elsewhere gets past it.
        const tools::Buffer again = compiler::sign_again(image, key(), true);
        compiler::verify_bundle(compiler::find_bundle(again), compiler::key_in_root(again));
    } catch (const tools::Error&) {
    }
    try {
        compiler::verify_bundle(compiler::find_bundle(image), compiler::key_in_root(image));
    } catch (const tools::Error&) {
    }
    compiler::Program program;
    program.contents = image;
    (void)compiler::check_program(program);
}

std::vector<Buffer> seeds() {
    const Buffer manifest(100, 0x4d);
    const tools::Buffer bundle = compiler::make_bundle(manifest, small_system(), key(), true);
    const tools::Buffer image = compiler::attach_bundle(test::root_elf().file(), bundle, key(), true);
    compiler::verify_bundle(compiler::find_bundle(image), compiler::key_in_root(image));
    return {image, test::root_elf().file(), test::program_elf("good").file()};
}

}  // namespace kos::fuzz
