// A package (push_format.h) and the files that arrive for it, checked as they come: nothing is kept that the signature
// does not cover. Pure: no kernel; used by push.cpp, host tests and fuzzing.
#pragma once

#include "push_format.h"

#include <sha256.h>

#include <stddef.h>
#include <stdint.h>

namespace root {

// Whether it is well formed and signed by `key`. `package` is looked at where it lies, so nobody else may write there.
bool is_package(const kos::push::SignedPackage& package, const uint8_t (&key)[32]);

// Pages that a file takes while it is kept: those of an image have the list of their hashes before them.
uint64_t staged_pages(const kos::push::File& file);

// Where the contents of a kept file begin, from the start of its pages.
uint64_t contents_offset(const kos::push::File& file);

// One file on its way into memory that is root's alone.
class Incoming {
public:
    enum class Result : uint8_t {
        kMore,    // taken
        kDone,    // taken, and the file is complete and what its hash says
        kWrong,   // what arrived is not what the hashes say: not taken; of a program nothing counts any more
        kMisfit,  // more than is missing, or parts of pages of an image
    };

    // `to`: staged_pages() pages; what was there before is overwritten, up to the end of the last page.
    void begin(const kos::push::File& file, uint8_t* to);

    // Takes `count` bytes, at least one. `from` may change meanwhile: it is read once.
    Result take(const uint8_t* from, uint64_t count);

    bool is_done() const { return arrived_ == total_; }
    uint64_t arrived() const { return arrived_; }  // bytes, page hashes included
    uint64_t total() const { return total_; }
    // Bytes from the start of the file's memory that take() of `count` bytes may write.
    uint64_t reach(uint64_t count) const;

private:
    bool is_image() const;
    Result take_list(const uint8_t* from, uint64_t count);
    Result take_pages(const uint8_t* from, uint64_t count);
    Result take_program(const uint8_t* from, uint64_t count);

    const kos::push::File* file_ = nullptr;
    uint8_t* memory_ = nullptr;
    uint64_t list_bytes_ = 0;  // of an image
    uint64_t arrived_ = 0;
    uint64_t total_ = 0;
    // Without a constructor: root has no initialisation of its own.
    kos::Sha256& hash() { return *reinterpret_cast<kos::Sha256*>(hash_); }
    alignas(kos::Sha256) unsigned char hash_[sizeof(kos::Sha256)] = {};
};

}  // namespace root
