/*
 * The protocol of the development link: lines in, lines out, without I/O of its own.
 *
 *   hello TAG                          -> nonce HEX32 TAG
 *   SIGNATURE(HEX128) COMMAND...       -> lines of the answer, `ok...` or `error WHY`, then nonce HEX32 -
 *
 * Each command is signed by itself: Ed25519 over kContext (with its final zero), the 16 bytes of the last nonce, and
 * the text of the command. A nonce is good for one line, whatever the line was, so nothing can be repeated. What comes
 * without the development key costs the domain one verification and is answered `error UNAUTHORIZED`.
 *
 *   list                               -> domain NAME STATE REASON INSTANCE RESTARTS PUSHED ...: the sequence of the
 * package that it runs, 0: the boot image's start|stop|restart NAME logs SEQUENCE                      -> line SEQUENCE
 * MICROSECONDS LEVEL NAME INSTANCE TEXT ..., ok NEXT LOST shells                             -> shell NAME ...:
 * applications with their prompt at the link shell NAME [HEX]                   -> data HEX ...; types the bytes, and
 * gives what was written since the last time push HEX                           -> ok DOMAIN MISSING NEEDED ROOM: a
 * kos::push::SignedPackage; a bit for each file that has to arrive, bytes that these take, bytes that there are hashes
 * FILE FIRST                  -> hash HEX16...: the first 8 bytes of the hashes of the boot image's pages, ok PAGES
 * COUNT copy FIRST COUNT ...               -> ok FILE ARRIVED TOTAL: pages of the boot image in place of data commit ->
 * ok DOMAIN: and the domain is restarted drop NAME                          -> the boot image's version again, and the
 * domain is restarted
 *
 * Between `push` and `commit` one line needs no signature, because root takes nothing that the package's hashes do not
 * cover:
 *
 *   data BASE64                        -> ok FILE ARRIVED TOTAL, or `error WHY`; no nonce
 *
 * `error FULL` of a push is followed by the four numbers.
 */
#ifndef KOS_SERVICES_DEVLINK_SESSION_H_
#define KOS_SERVICES_DEVLINK_SESSION_H_

#include <kos/abi.h>
#include <kos/status.h>

#include <stddef.h>
#include <stdint.h>
#include <span>
#include <string_view>

namespace kos::devlink {

constexpr char kContext[] = "KOS devlink 1";
constexpr size_t kNonceBytes = 16;
constexpr size_t kKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;
constexpr size_t kMaxData = 24576;    // bytes of one line of data
constexpr size_t kMaxLine = 33000;    // of a request: kMaxData in base64
constexpr size_t kMaxCommand = 1300;  // of one that is signed
constexpr size_t kMaxPackage = 512;   // bytes
constexpr uint64_t kMaxCopy = 256;    // pages of one run of `copy`
constexpr size_t kMaxKeys = 512;      // typed by one request
constexpr size_t kMaxOutput = 1024;   // of the shell in one answer
constexpr size_t kMaxAnswer = 24576;  // of all lines of an answer: a page of log records in text

// Lines of an answer. What does not fit is left out, and said at the end.
class Answer {
public:
    Answer& add(std::string_view text);
    Answer& add(uint64_t number);
    Answer& add_hex(std::span<const uint8_t> bytes);
    std::string_view text() const { return {text_, size_}; }
    bool is_cut() const { return is_cut_; }
    void clear() { size_ = 0, is_cut_ = false; }

private:
    char text_[kMaxAnswer];
    size_t size_ = 0;
    bool is_cut_ = false;
};

// What a session does with the rest of the system.
class Backend {
public:
    // Writes the `domain` lines.
    virtual kos_status_t list(Answer& answer) = 0;
    // `verb`: start, stop or restart.
    virtual kos_status_t control(std::string_view verb, std::string_view name) = 0;
    // Writes the `line` lines from `sequence` on; where to go on, and how many lines were lost before.
    virtual kos_status_t logs(uint64_t sequence, Answer& answer, uint64_t* next, uint64_t* lost) = 0;
    // Writes the `shell` lines.
    virtual kos_status_t shells(Answer& answer) = 0;
    // Types `keys` at the prompt of `name` and takes at most to.size() bytes of its output.
    virtual kos_status_t shell(std::string_view name, std::span<const uint8_t> keys, std::span<uint8_t> to,
                               size_t* count) = 0;
    // Requests of root (KOS_PUSH_*), with the numbers of their answers.
    virtual kos_status_t push(std::span<const uint8_t> package, uint64_t (&values)[4]) = 0;
    virtual kos_status_t push_data(std::span<const uint8_t> bytes, uint64_t (&values)[4]) = 0;
    virtual kos_status_t push_copy(uint64_t first, uint64_t count, uint64_t (&values)[4]) = 0;
    virtual kos_status_t push_hashes(uint64_t file, uint64_t first, Answer& answer, uint64_t (&values)[4]) = 0;
    virtual kos_status_t push_commit(uint64_t (&values)[4]) = 0;
    virtual kos_status_t push_drop(std::string_view name) = 0;
    // False: no random bytes yet.
    virtual bool random(std::span<uint8_t> to) = 0;
    virtual bool verify(std::span<const uint8_t> message, const uint8_t (&signature)[kSignatureBytes],
                        const uint8_t (&key)[kKeyBytes]) = 0;

protected:
    ~Backend() = default;
};

class Session {
public:
    Session(Backend& backend, const uint8_t (&key)[kKeyBytes]);

    // Takes bytes up to the end of one line; returns how many. A complete line is carried out, and answered in
    // answer().
    size_t receive(std::span<const uint8_t> bytes);
    Answer& answer() { return answer_; }

private:
    void line(std::string_view text);
    void hello(std::string_view tag);
    kos_status_t signed_line(std::string_view text);
    kos_status_t command(std::string_view text);
    kos_status_t shell(std::string_view text);
    kos_status_t push(std::string_view verb, std::string_view text);
    kos_status_t copy(std::string_view text);
    void data(std::string_view text);
    void end_line(kos_status_t status);
    void finish(kos_status_t status);
    bool new_nonce();

    Backend& backend_;
    uint8_t key_[kKeyBytes];
    uint8_t nonce_[kNonceBytes];
    bool has_nonce_ = false;
    char line_[kMaxLine];
    size_t size_ = 0;
    bool is_too_long_ = false;
    // Of the command that is carried out: what stands behind `ok`.
    uint64_t values_[4];
    unsigned value_count_ = 0;
    bool is_pushing_ = false;
    uint8_t data_[kMaxData];
    Answer answer_;
};

// `text` (two digits per byte) as bytes; false if it is anything else or of another length.
[[nodiscard]] bool from_hex(std::string_view text, std::span<uint8_t> to);

// Likewise for base64 with its padding (RFC 4648, 4); the number of bytes, 0 if it is anything else or does not fit.
[[nodiscard]] size_t from_base64(std::string_view text, std::span<uint8_t> to);

}  // namespace kos::devlink

#endif
