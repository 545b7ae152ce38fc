/* Records of a pair of rings that the manifest's [[stream]] declares between two domains: how streams of bytes share
 * it.
 *
 * The manifest makes two rings of records, one in each direction (kos/ring.h). One domain opens streams, the other
 * accepts them. A record's tag is its kind and the stream's number; the opener gives the numbers, and gives none again
 * while it may still be in use. Each side may have KOS_STREAM_WINDOW bytes of a stream under way to a program that does
 * not read; CREDIT gives that back as they are read, so that one stream that stands still does not stop another.
 *
 * | kind      | from     | meaning |
 * | LISTENING | acceptor | number 1: OPEN makes sense; 0: nobody listens. First of all, and whenever it changes |
 * | OPEN      | opener   | a stream begins; both have KOS_STREAM_WINDOW to begin with |
 * | DATA      | both     | payload: 1 to KOS_STREAM_DATA_MAX bytes, within the credit |
 * | CREDIT    | both     | payload: uint32_t, so many bytes more may be sent; at most what the window lacks |
 * | SHUT      | both     | no DATA follows from this side |
 * | END       | both     | the stream is over in both directions, also: OPEN is refused. Its number means nothing now |
 *
 * What a side sends about a stream that the other has just ended arrives too late and is dropped. Anything else that is
 * not as above breaks the rules: all streams of the pair end, and it begins anew. So does the death of a side.
 */
#pragma once

#include <stdint.h>

enum {
    KOS_STREAM_WINDOW = 65536,
    KOS_STREAM_DATA_MAX = 16384,
    KOS_STREAMS_MAX = 16,        /* of a pair at once */
    KOS_STREAM_RING_MIN = 16384, /* bytes of each ring */
    KOS_STREAM_NUMBER_MASK = 0xffffff,
    KOS_STREAM_KIND_SHIFT = 24,
};

enum kos_stream_kind {
    KOS_STREAM_LISTENING = 1,
    KOS_STREAM_OPEN = 2,
    KOS_STREAM_DATA = 3,
    KOS_STREAM_CREDIT = 4,
    KOS_STREAM_SHUT = 5,
    KOS_STREAM_END = 6,
};
