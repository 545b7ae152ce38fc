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
    kos_status_t shell(std::span<const uint8_t> keys, std::span<uint8_t> to, size_t* count) override {
        typed.insert(typed.end(), keys.begin(), keys.end());
        *count = std::min(to.size(), output.size());
        std::copy_n(output.begin(), *count, to.begin());
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
    EXPECT_EQ(command("shell 310d"), "data 6965783e20\nok\n");
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
    for (const char* text :
         {"restart", "restart ", "logs", "logs x", "logs -1", "logs 99999999999999999999", "shell 1", "shell xy"}) {
        EXPECT_EQ(command(text), "error INVALID_ARGUMENT\n") << text;
    }
    EXPECT_EQ(command("restart " + std::string(KOS_MAX_NAME + 1, 'a')), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("shell " + std::string(2 * (kMaxKeys + 1), '0')), "error INVALID_ARGUMENT\n");
    EXPECT_EQ(command("shell " + std::string(2 * kMaxKeys, '0')), "ok\n");
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
