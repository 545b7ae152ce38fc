// The bundle behind root's image: the signed manifest, the programs and the images (bundle_format.h).
#pragma once

#include "boot.h"

namespace root {

// Finds the manifest and checks its signature. null and a reason if there is none that may be used.
const void* find_manifest(size_t& bytes, bool& is_development, const char*& reason);

// The public key that signed the manifest, if it is a development key; else false.
bool development_key(uint8_t (&key)[32]);

// Hashes every program of the bundle and every image's list of hashes, once; those that are not what their entry says
// are not found afterwards.
void hash_programs();

// The program with this SHA-256; null if the bundle has none.
const uint8_t* find_program(const uint8_t* sha256, Word& size_bytes);
const uint8_t* find_image(const uint8_t* sha256, Word& size_bytes);
// Whether page `index` of an image that was found may be given away: hashes it the first time.
bool check_image_page(const uint8_t* image, Word size_bytes, Word index);

}  // namespace root
