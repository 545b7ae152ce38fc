/*
 * Any bytes on the development link, in pieces of any size: without a good signature nothing is carried out, with one
 * what reaches the system is bounded, and every answer is whole lines.
 */
#include <string>

#include "fuzz.h"
#include "session.h"

namespace kos::fuzz {
namespace {

using namespace kos::devlink;

struct FakeSystem final : Backend {
    explicit FakeSystem(bool accepts) : accepts_(accepts) {}

    kos_status_t list(Answer& answer) override {
        carried_out();
        answer.add("domain a 3 0 1 0\n");
        return KOS_STATUS_OK;
    }
    kos_status_t control(std::string_view verb, std::string_view name) override {
        carried_out();
        require(verb == "start" || verb == "stop" || verb == "restart", "a verb of its own");
        require(!name.empty() && name.size() <= KOS_MAX_NAME, "a name without bounds");
        return KOS_STATUS_NOT_FOUND;
    }
    kos_status_t logs(uint64_t sequence, Answer& answer, uint64_t* next, uint64_t* lost) override {
        carried_out();
        // More and more, up to what does not fit.
        for (uint64_t i = 0; i < sequence % 200; ++i)
            answer.add("line 1 2 3 name 4 ").add(std::string(240, 't')).add("\n");
        *next = sequence + 1;
        *lost = sequence;
        return KOS_STATUS_OK;
    }
    kos_status_t shells(Answer& answer) override {
        carried_out();
        answer.add("shell pump\n");
        return KOS_STATUS_OK;
    }
    kos_status_t shell(std::string_view name, std::span<const uint8_t> keys, std::span<uint8_t> to,
                       size_t* count) override {
        carried_out();
        require(!name.empty() && name.size() <= KOS_MAX_NAME, "a name without bounds");
        require(keys.size() <= kMaxKeys, "keys without bounds");
        std::fill(to.begin(), to.end(), uint8_t{0x1e});
        *count = to.size();
        return KOS_STATUS_OK;
    }
    kos_status_t push(std::span<const uint8_t> package, uint64_t (&values)[4]) override {
        carried_out();
        require(package.size() <= kMaxPackage, "a package without bounds");
        is_pushed_ = true;
        for (uint64_t i = 0; i < 4; ++i) values[i] = i + 1;
        return KOS_STATUS_OK;
    }
    kos_status_t push_data(std::span<const uint8_t> bytes, uint64_t (&values)[4]) override {
        require(is_pushed_, "data that nobody announced");
        require(!bytes.empty() && bytes.size() <= kMaxData, "data without bounds");
        values[0] = values[1] = values[2] = 0;
        return KOS_STATUS_OK;
    }
    kos_status_t push_copy(uint64_t first, uint64_t count, uint64_t (&values)[4]) override {
        require(is_pushed_ && count != 0 && count <= kMaxCopy, "a run without bounds");
        values[0] = values[1] = values[2] = first;
        return KOS_STATUS_OK;
    }
    kos_status_t push_hashes(uint64_t file, uint64_t first, Answer& answer, uint64_t (&values)[4]) override {
        carried_out();
        answer.add("hash 00\n");
        values[0] = file, values[1] = first;
        return KOS_STATUS_OK;
    }
    kos_status_t push_commit(uint64_t (&values)[4]) override {
        values[0] = 9;
        carried_out();
        return KOS_STATUS_OK;
    }
    kos_status_t push_drop(std::string_view) override {
        carried_out();
        return KOS_STATUS_OK;
    }
    bool random(std::span<uint8_t> to) override {
        std::fill(to.begin(), to.end(), uint8_t{7});
        return true;
    }
    bool verify(std::span<const uint8_t> message, const uint8_t (&)[kSignatureBytes],
                const uint8_t (&)[kKeyBytes]) override {
        require(message.size() >= sizeof kContext + kNonceBytes, "a message without its beginning");
        is_verified_ = accepts_;
        return accepts_;
    }

private:
    void carried_out() {
        require(is_verified_, "carried out without a signature");
        is_verified_ = false;
    }
    const bool accepts_;
    bool is_verified_ = false;
    bool is_pushed_ = false;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    FakeSystem system(reader.below(2) == 1);
    static const uint8_t kKey[kKeyBytes] = {};
    Session session(system, kKey);
    while (!reader.empty()) {
        Bytes piece = reader.bytes(size_t{1} + reader.number());
        while (!piece.empty()) {
            const size_t taken = session.receive(piece);
            require(taken > 0 && taken <= piece.size(), "bytes that are not there");
            piece = piece.subspan(taken);
            const std::string_view text = session.answer().text();
            require(text.empty() || text.back() == '\n', "an answer without an end");
            session.answer().clear();
        }
    }
}

std::vector<Buffer> seeds() {
    std::vector<Buffer> result;
    const std::string signature(2 * kSignatureBytes, '0');
    for (const char* command :
         {"list", "restart pump", "logs 12", "logs 199", "shell pump 310d", "shell pump", "shells", "push 6162",
          "hashes 1 2", "copy 1 2 3 4", "commit", "drop pump", "push 61\ndata YWJj\ndata ZGU="}) {
        const std::string text = "\nhello t\n" + signature + " " + command + "\n";
        Writer writer;
        writer.number<uint8_t>(1);
        for (size_t at = 0; at < text.size(); at += 256) {
            const std::string_view piece = std::string_view(text).substr(at, 256);
            writer.number(static_cast<uint8_t>(piece.size() - 1)).text(piece);
        }
        result.push_back(writer.result());
    }
    return result;
}

}  // namespace kos::fuzz
