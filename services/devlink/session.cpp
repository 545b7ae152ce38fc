// See session.h.
#include "session.h"

#include <string.h>
#include <algorithm>

namespace kos::devlink {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kMaxTag = 32;

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// Takes the word up to the next space off `text`.
std::string_view take_word(std::string_view& text) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view word(text.data(), space);
    text.remove_prefix(std::min(space + 1, text.size()));
    return word;
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool to_number(std::string_view text, uint64_t* number) {
    if (text.empty() || text.size() > 18) return false;
    uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        value = value * 10 + static_cast<uint64_t>(c - '0');
    }
    *number = value;
    return true;
}

}  // namespace

bool from_hex(std::string_view text, std::span<uint8_t> to) {
    if (text.size() != 2 * to.size()) return false;
    for (size_t i = 0; i < to.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        to[i] = static_cast<uint8_t>(high << 4 | low);
    }
    return true;
}

Answer& Answer::add(std::string_view text) {
    const size_t count = std::min(text.size(), sizeof text_ - size_);
    memcpy(text_ + size_, text.data(), count);
    size_ += count;
    is_cut_ |= count < text.size();
    return *this;
}

Answer& Answer::add(uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return add({digits + at, sizeof digits - at});
}

Answer& Answer::add_hex(std::span<const uint8_t> bytes) {
    for (const uint8_t byte : bytes) {
        const char pair[] = {kDigits[byte >> 4], kDigits[byte & 15]};
        add({pair, 2});
    }
    return *this;
}

Session::Session(Backend& backend, const uint8_t (&key)[kKeyBytes]) : backend_(backend) {
    memcpy(key_, key, sizeof key_);
}

size_t Session::receive(std::span<const uint8_t> bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '\n') {
            line({line_, size_});
            size_ = 0;
            is_too_long_ = false;
            return i + 1;
        }
        if (size_ < sizeof line_) {
            line_[size_++] = static_cast<char>(bytes[i]);
        } else {
            is_too_long_ = true;
        }
    }
    return bytes.size();
}

void Session::line(std::string_view text) {
    // What an earlier conversation left behind ends with a line feed of the next one.
    if (text.empty()) return;
    value_count_ = 0;
    std::string_view rest = text;
    if (!is_too_long_ && is_plain(text) && take_word(rest) == "hello") return hello(rest);
    const kos_status_t status = is_too_long_ || !is_plain(text) ? KOS_STATUS_BAD_REQUEST : signed_line(text);
    finish(status);
}

void Session::hello(std::string_view tag) {
    if (tag.empty() || tag.size() > kMaxTag) return finish(KOS_STATUS_BAD_REQUEST);
    if (!new_nonce()) return finish(KOS_STATUS_UNAVAILABLE);
    answer_.add("nonce ").add_hex(nonce_).add(" ").add(tag).add("\n");
}

bool Session::new_nonce() {
    has_nonce_ = backend_.random(nonce_);
    return has_nonce_;
}

kos_status_t Session::signed_line(std::string_view text) {
    const std::string_view hex = take_word(text);
    uint8_t signature[kSignatureBytes];
    if (!has_nonce_ || !from_hex(hex, signature)) return KOS_STATUS_UNAUTHORIZED;
    uint8_t message[sizeof kContext + kNonceBytes + kMaxLine];
    memcpy(message, kContext, sizeof kContext);
    memcpy(message + sizeof kContext, nonce_, sizeof nonce_);
    memcpy(message + sizeof kContext + sizeof nonce_, text.data(), text.size());
    has_nonce_ = false;
    if (!backend_.verify({message, sizeof kContext + sizeof nonce_ + text.size()}, signature, key_)) {
        return KOS_STATUS_UNAUTHORIZED;
    }
    return command(text);
}

kos_status_t Session::command(std::string_view text) {
    const std::string_view verb = take_word(text);
    if (verb == "list" && text.empty()) return backend_.list(answer_);
    if (verb == "start" || verb == "stop" || verb == "restart") {
        return text.empty() || text.size() > KOS_MAX_NAME ? KOS_STATUS_INVALID_ARGUMENT : backend_.control(verb, text);
    }
    if (verb == "logs") {
        uint64_t sequence = 0;
        if (!to_number(text, &sequence)) return KOS_STATUS_INVALID_ARGUMENT;
        values_[0] = sequence;
        values_[1] = 0;
        value_count_ = 2;
        return backend_.logs(sequence, answer_, &values_[0], &values_[1]);
    }
    if (verb == "shell") return shell(text);
    return KOS_STATUS_BAD_REQUEST;
}

kos_status_t Session::shell(std::string_view hex) {
    uint8_t keys[kMaxKeys];
    uint8_t output[kMaxOutput];
    const size_t key_count = hex.size() / 2;
    if (key_count > sizeof keys || !from_hex(hex, {keys, key_count})) return KOS_STATUS_INVALID_ARGUMENT;
    size_t count = 0;
    const kos_status_t status = backend_.shell({keys, key_count}, output, &count);
    if (count != 0) answer_.add("data ").add_hex({output, std::min(count, sizeof output)}).add("\n");
    return status;
}

void Session::finish(kos_status_t status) {
    if (answer_.is_cut()) {
        answer_.clear();
        status = KOS_STATUS_FULL;
    }
    if (kos_status_is_ok(status)) {
        answer_.add("ok");
        for (unsigned i = 0; i < value_count_; ++i) answer_.add(" ").add(values_[i]);
        answer_.add("\n");
    } else {
        answer_.add("error ").add(kos_status_name(status)).add("\n");
    }
    if (new_nonce()) answer_.add("nonce ").add_hex(nonce_).add(" -\n");
}

}  // namespace kos::devlink
