// The protocol of the development link, with real signatures and a system that only notes what it was asked for.
#include <gtest/gtest.h>
#include <sodium.h>

#include <string>
#include <vector>

#include "session.h"
#include "shell.h"

namespace kos::devlink {
namespace {

struct FakeSystem final : Backend {
    kos_status_t list(Answer& answer) override {
        answer.add("domain pump 3 0 1 0\n");
        return KOS_STATUS_OK;
    }
    kos_status_t control(std::string_view verb, std::string_view name) override {
        asked.push_back(std::string(verb) + " " + std::string(name));
        return name == "pump" ? KOS_STATUS_OK : KOS_STATUS_NOT_FOUND;
    }
    kos_status_t logs(uint64_t sequence, Answer& answer, uint64_t* next, uint64_t* lost) override {
        if (log_bytes != 0) answer.add(std::string(log_bytes, 'x'));
        *next = sequence + 2;
        *lost = 5;
        return KOS_STATUS_OK;
    }
    kos_status_t shells(Answer& answer) override {
        answer.add("shell pump\n");
        return KOS_STATUS_OK;
    }
    kos_status_t shell(std::string_view name, std::span<const uint8_t> keys, std::span<uint8_t> to,
                       size_t* count) override {
        if (name != "pump") return KOS_STATUS_NOT_FOUND;
        typed.insert(typed.end(), keys.begin(), keys.end());
        *count = std::min(to.size(), output.size());
        std::copy_n(output.begin(), *count, to.begin());
        return KOS_STATUS_OK;
    }
    kos_status_t push(std::span<const uint8_t> package, uint64_t (&values)[4]) override {
        pushed.assign(package.begin(), package.end());
        for (uint64_t i = 0; i < 4; ++i) values[i] = i + 1;
        return push_status;
    }
    kos_status_t push_data(std::span<const uint8_t> bytes, uint64_t (&values)[4]) override {
        arrived.insert(arrived.end(), bytes.begin(), bytes.end());
        values[0] = 0, values[1] = arrived.size(), values[2] = 100;
        return KOS_STATUS_OK;
    }
    kos_status_t push_copy(uint64_t first, uint64_t count, uint64_t (&values)[4]) override {
        asked.push_back("copy " + std::to_string(first) + " " + std::to_string(count));
        values[0] = 1, values[1] = first + count, values[2] = 100;
        return first < 1000 ? KOS_STATUS_OK : KOS_STATUS_INVALID_ARGUMENT;
    }
    kos_status_t push_hashes(uint64_t file, uint64_t first, Answer& answer, uint64_t (&values)[4]) override {
        answer.add("hash 00\n");
        values[0] = file, values[1] = first;
        return KOS_STATUS_OK;
    }
    kos_status_t push_commit(uint64_t (&values)[4]) override {
        values[0] = 9;
        asked.push_back("commit");
        return KOS_STATUS_OK;
    }
    kos_status_t push_drop(std::string_view name) override {
        asked.push_back("drop " + std::string(name));
        return KOS_STATUS_OK;
    }
    bool random(std::span<uint8_t> to) override {
        if (!has_random) return false;
        randombytes_buf(to.data(), to.size());
        return true;
    }
    bool verify(std::span<const uint8_t> message, const uint8_t (&signature)[kSignatureBytes],
                const uint8_t (&key)[kKeyBytes]) override {
        return crypto_sign_verify_detached(signature, message.data(), message.size(), key) == 0;
    }

    std::vector<std::string> asked;
    std::vector<uint8_t> pushed, arrived;
    kos_status_t push_status = KOS_STATUS_OK;
    std::vector<uint8_t> typed;
    std::string output;
    size_t log_bytes = 0;
    bool has_random = true;
};

class Devlink : public testing::Test {
protected:
    Devlink() {
        crypto_sign_keypair(public_key_, secret_);
        session_ = std::make_unique<Session>(system_, public_key_);
    }
    // The answer to `bytes`, line by line as they arrive.
    std::string send(const std::string& bytes) {
        std::string result;
        for (size_t at = 0; at < bytes.size();) {
            at += session_->receive({reinterpret_cast<const uint8_t*>(bytes.data()) + at, bytes.size() - at});
            result += session_->answer().text();
            session_->answer().clear();
        }
        const size_t nonce = result.rfind("nonce ");
        if (nonce != std::string::npos) {
            EXPECT_TRUE(from_hex(result.substr(nonce + 6, 32), nonce_));
        }
        return result;
    }
    std::string sign(const std::string& command) {
        std::string message(kContext, sizeof kContext);
        message.append(reinterpret_cast<const char*>(nonce_), sizeof nonce_);
        message += command;
        uint8_t signature[kSignatureBytes];
        crypto_sign_detached(signature, nullptr, reinterpret_cast<const uint8_t*>(message.data()), message.size(),
                             secret_);
        Answer text;
        return std::string(text.add_hex(signature).text()) + " " + command + "\n";
    }
    // What stands before the new nonce.
    std::string command(const std::string& text) {
        const std::string answer = send(sign(text));
        return answer.substr(0, answer.rfind("nonce "));
    }

    FakeSystem system_;
    std::unique_ptr<Session> session_;
    uint8_t public_key_[kKeyBytes];
    uint8_t secret_[64];
    uint8_t nonce_[kNonceBytes] = {};
};

TEST_F(Devlink, CommandsThatAreSigned) {
    EXPECT_TRUE(send("\nhello t1\n").ends_with(" t1\n"));
    EXPECT_EQ(command("list"), "domain pump 3 0 1 0\nok\n");
    EXPECT_EQ(command("restart pump"), "ok\n");
    EXPECT_EQ(command("stop nobody"), "error NOT_FOUND\n");
    EXPECT_EQ(command("logs 7"), "ok 9 5\n");
    system_.output = "iex> ";
    EXPECT_EQ(command("shells"), "shell pump\nok\n");
    EXPECT_EQ(command("shell other 310d"), "error NOT_FOUND\n");
    EXPECT_EQ(command("shell pump 310d"), "data 6965783e20\nok\n");
    EXPECT_EQ(system_.typed, (std::vector<uint8_t>{0x31, 0x0d}));
    EXPECT_EQ(system_.asked, (std::vector<std::string>{"restart pump", "stop nobody"}));
}

TEST_F(Devlink, NothingWithoutTheKey) {
    for (const char* text : {"list\n", "restart pump\n", "00 restart pump\n", " restart pump\n"}) {
        EXPECT_TRUE(send(text).starts_with("error UNAUTHORIZED\n")) << text;
    }
    send("hello x\n");
    randombytes_buf(secret_, sizeof secret_);
    EXPECT_EQ(command("restart pump"), "error UNAUTHORIZED\n");
    EXPECT_TRUE(system_.asked.empty());
}

TEST_F(Devlink, NothingTwice) {
    send("hello x\n");
    const std::string line = sign("restart pump");
    EXPECT_TRUE(send(line).starts_with("ok\n"));
    EXPECT_TRUE(send(line).starts_with("error UNAUTHORIZED\n"));
    // Nor the nonce of a line that was refused.
    const std::string good = sign("restart pump");
    std::string bad = good;
    bad.replace(bad.find("pump"), 4, "pumq");
    EXPECT_TRUE(send(bad).starts_with("error UNAUTHORIZED\n"));
    EXPECT_TRUE(send(good).starts_with("error UNAUTHORIZED\n"));
    EXPECT_EQ(system_.asked.size(), 1u);
}

TEST_F(Devlink, NothingBeforeThereIsRandomness) {
    system_.has_random = false;
    EXPECT_EQ(send("hello x\n"), "error UNAVAILABLE\n");
    EXPECT_EQ(send(sign("restart pump")), "error UNAUTHORIZED\n");
    EXPECT_TRUE(system_.asked.empty());
}

TEST_F(Devlink, WrongCommands) {
    send("hello x\n");
    for (const char* text : {"", "lists", "list pump", "LIST"}) EXPECT_EQ(command(text), "error BAD_REQUEST\n") << text;
    for (const char* text : {"restart", "restart ", "logs", "logs x", "logs -1", "logs 99999999999999999999",
                             "shell pump 1", "shell pump xy", "shell", "shell  31", "push", "push 0", "push xy",
                             "hashes", "hashes 1", "hashes x 1", "drop", "drop "}) {
        EXPECT_EQ(command(text), "error INVALID_ARGUMENT\n") << text;
    }
    EXPECT_EQ(command("restart " + std::string(KOS_MAX_NAME + 1, 'a')), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("shell pump " + std::string(2 * (kMaxKeys + 1), '0')), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("shell pump " + std::string(2 * kMaxKeys, '0')), "ok\n");
    EXPECT_TRUE(system_.asked.empty());
}

TEST_F(Devlink, LinesOfAnyLengthAndContent) {
    send("hello x\n");
    EXPECT_TRUE(send(std::string(100000, 'a') + "\n").starts_with("error BAD_REQUEST\n"));
    EXPECT_TRUE(send(std::string("hello \x01\n")).starts_with("error BAD_REQUEST\n"));
    EXPECT_TRUE(send(std::string("\x80\xff\x1e\n")).starts_with("error BAD_REQUEST\n"));
    EXPECT_TRUE(send("hello\n").starts_with("error BAD_REQUEST\n"));
    EXPECT_TRUE(send("hello " + std::string(33, 't') + "\n").starts_with("error BAD_REQUEST\n"));
    EXPECT_EQ(send("\n\n\n"), "");
    EXPECT_EQ(command("restart pump"), "ok\n");
}

TEST_F(Devlink, APush) {
    send("hello x\n");
    EXPECT_EQ(send("data AAAA\n"), "error UNAUTHORIZED\n") << "nothing was announced";
    EXPECT_EQ(command("copy 1 2"), "error CONFLICT\n");
    EXPECT_EQ(command("push 6162"), "ok 1 2 3 4\n");
    EXPECT_EQ(system_.pushed, (std::vector<uint8_t>{'a', 'b'}));
    EXPECT_EQ(send("data YWJj\n"), "ok 0 3 100\n");
    EXPECT_EQ(send("data ZGU=\n"), "ok 0 5 100\n");
    EXPECT_EQ(send("data Zg==\n"), "ok 0 6 100\n");
    EXPECT_EQ(std::string(system_.arrived.begin(), system_.arrived.end()), "abcdef");
    EXPECT_EQ(command("hashes 1 20"), "hash 00\nok 1 20\n");
    EXPECT_EQ(command("copy 1 2 30 4"), "ok 1 34 100\n");
    EXPECT_EQ(command("copy 1 2 1000 4"), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("copy 1 2 3"), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("copy 1 257"), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("copy"), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("commit"), "ok 9\n");
    EXPECT_EQ(send("data YWJj\n"), "error UNAUTHORIZED\n") << "it is over";
    EXPECT_EQ(command("drop pump"), "ok\n");
}

TEST_F(Devlink, APushThatIsCutOffOrRefused) {
    send("hello x\n");
    EXPECT_EQ(command("push 6162"), "ok 1 2 3 4\n");
    send("data YWJ\nhello y\n");
    EXPECT_EQ(send("data YWJj\n"), "error UNAUTHORIZED\n") << "it was of the conversation before";
    system_.push_status = KOS_STATUS_FULL;
    EXPECT_EQ(command("push 6162"), "error FULL 1 2 3 4\n");
    EXPECT_EQ(send("data YWJj\n"), "error UNAUTHORIZED\n");
    system_.push_status = KOS_STATUS_CONFLICT;
    EXPECT_EQ(command("push 6162"), "error CONFLICT\n");
    EXPECT_TRUE(system_.arrived.empty());
}

TEST_F(Devlink, DataThatIsNone) {
    send("hello x\n");
    EXPECT_EQ(command("push 6162"), "ok 1 2 3 4\n");
    for (const char* text :
         {"data\n", "data \n", "data YWJ\n", "data YW=j\n", "data =Wj=\n", "data YWJ-\n", "data YW Jj\n"}) {
        EXPECT_EQ(send(text), "error INVALID_ARGUMENT\n") << text;
    }
    EXPECT_TRUE(system_.arrived.empty());
    EXPECT_EQ(send("data " + std::string(kMaxData / 3 * 4, 'A') + "\n"), "ok 0 24576 100\n");
    EXPECT_EQ(send("data " + std::string(kMaxData / 3 * 4 + 4, 'A') + "\n"), "error INVALID_ARGUMENT\n");
}

TEST_F(Devlink, AnAnswerThatDoesNotFitIsNotCut) {
    send("hello x\n");
    system_.log_bytes = kMaxAnswer + 1;
    EXPECT_EQ(command("logs 0"), "error FULL\n");
}

TEST(DevlinkShell, KeepsTheLastOutput) {
    Shell shell;
    const std::string old(Shell::kTransmitBytes, 'o'), young = "young";
    EXPECT_TRUE(shell.write_all({reinterpret_cast<const uint8_t*>(old.data()), old.size()}));
    EXPECT_EQ(shell.write_some({reinterpret_cast<const uint8_t*>(young.data()), young.size()}), young.size());
    EXPECT_EQ(shell.status().dropped_bytes, young.size());
    EXPECT_EQ(shell.status().transmit_queued, 0u);
    std::vector<uint8_t> output(Shell::kTransmitBytes);
    EXPECT_EQ(shell.take_output(output), output.size());
    EXPECT_EQ(std::string(output.end() - 5, output.end()), young);
    EXPECT_EQ(shell.take_output(output), 0u);
}

TEST(DevlinkShell, KeysThatDoNotFitAreRefusedTogether) {
    Shell shell;
    const std::vector<uint8_t> keys(Shell::kReceiveBytes - 1, 'k');
    EXPECT_TRUE(shell.type(keys));
    EXPECT_FALSE(shell.type(std::vector<uint8_t>(2, 'k')));
    EXPECT_EQ(shell.status().receive_queued, keys.size());
    uint8_t some[10];
    EXPECT_EQ(shell.read(some), sizeof some);
    EXPECT_TRUE(shell.type(std::vector<uint8_t>(2, 'k')));
}

}  // namespace
}  // namespace kos::devlink
