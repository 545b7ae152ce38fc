// Requests to root that replace the program and the images of a domain until the machine restarts (docs/adr/0011). Only
// for the domain with the right "development" and staging (devlink); UNAUTHORIZED or UNAVAILABLE for others.
//
// One package at a time. What goes through the window is copied before it is looked at. Files are numbered as in the
// package (services/root/push_format.h): 0 the program, then the images in the manifest's order.
#pragma once

#include <kos/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

// Memory shared with root: the ring of this name in the startup block, of which only address and bytes count.
#define KOS_PUSH_WINDOW "push_window"
enum { KOS_PUSH_PAGES = 8, KOS_PUSH_WINDOW_BYTES = KOS_PUSH_PAGES * KOS_PAGE_BYTES };

// For kos_root_request: arguments -> words of the answer.
enum kos_push_label {
    // The window holds a kos::push::SignedPackage -> domain, bit mask of the files that have to arrive, bytes that they
    // take,
    // bytes that there are. Another package that was under way is forgotten. BAD_REQUEST: not well formed, or not
    // signed with
    // the key of this system. NOT_FOUND: no such domain, or it has other images. UNAUTHORIZED: the domain has a right.
    // CONFLICT: made for a system that differs in more than programs and images. INVALID_ARGUMENT: its sequence is not
    // above that of the domain's last one. FULL: there is no room; the words are there nevertheless.
    KOS_PUSH_BEGIN = 48,
    // Bytes in the window -> file, bytes of it that have arrived, bytes that it has in all; of images the list of
    // hashes counts.
    // When it is complete the next one is next. INVALID_ARGUMENT: not what the hashes say, and not taken.
    KOS_PUSH_DATA = 49,
    // First page, pages (1..KOS_PUSH_PAGES) of the image that the manifest gives the domain under the same number, as
    // if they
    // had come through the window.
    KOS_PUSH_COPY = 50,
    // File, first page -> pages of that image; so many hashes of 32 bytes are in the window now.
    KOS_PUSH_HASHES = 51,
    // -> domain. From its next start on it runs what has arrived. CONFLICT: not all is there. INVALID_ARGUMENT: no
    // program.
    KOS_PUSH_COMMIT = 52,
    // Domain: from its next start on it runs what the manifest says.
    KOS_PUSH_DROP = 53,
    // Domain -> sequence of the package that it runs, of that of its next start, failed starts; 0: what the manifest
    // says.
    KOS_PUSH_STATUS = 54,
};

#ifdef __cplusplus
}
#endif
