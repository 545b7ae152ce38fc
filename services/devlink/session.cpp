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

// -1: not of the alphabet.
int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
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

size_t from_base64(std::string_view text, std::span<uint8_t> to) {
    if (text.empty() || text.size() % 4 != 0) return 0;
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    const size_t count = text.size() / 4 * 3 - padding;
    if (count > to.size()) return 0;
    for (size_t in = 0, out = 0; in < text.size(); in += 4) {
        const bool is_last = in + 4 == text.size();
        uint32_t group = 0;
        for (size_t i = 0; i < 4; ++i) {
            const bool is_padding = is_last && i >= 4 - padding;
            const int value = is_padding ? 0 : base64_digit(text[in + i]);
            if (value < 0) return 0;
            group = group << 6 | static_cast<uint32_t>(value);
        }
        for (size_t i = 0; i < 3 && out < count; ++i) to[out++] = static_cast<uint8_t>(group >> (16 - 8 * i));
    }
    return count;
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
    const std::string_view first = is_too_long_ || !is_plain(text) ? std::string_view() : take_word(rest);
    if (first == "hello") return hello(rest);
    if (first == "data") return data(rest);
    const kos_status_t status = is_too_long_ || !is_plain(text) ? KOS_STATUS_BAD_REQUEST : signed_line(text);
    finish(status);
}

void Session::hello(std::string_view tag) {
    // A conversation that was cut off is over.
    is_pushing_ = false;
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
    if (!has_nonce_ || text.size() > kMaxCommand || !from_hex(hex, signature)) return KOS_STATUS_UNAUTHORIZED;
    uint8_t message[sizeof kContext + kNonceBytes + kMaxCommand];
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
    if (verb == "shells" && text.empty()) return backend_.shells(answer_);
    if (verb == "shell") return shell(text);
    return push(verb, text);
}

kos_status_t Session::push(std::string_view verb, std::string_view text) {
    if (verb == "push") {
        uint8_t package[kMaxPackage];
        const size_t count = text.size() / 2;
        if (count == 0 || count > sizeof package || !from_hex(text, {package, count}))
            return KOS_STATUS_INVALID_ARGUMENT;
        value_count_ = 4;
        const kos_status_t status = backend_.push({package, count}, values_);
        is_pushing_ = kos_status_is_ok(status);
        if (!is_pushing_ && status != KOS_STATUS_FULL) value_count_ = 0;
        return status;
    }
    if (verb == "hashes") {
        uint64_t file = 0, first = 0;
        if (!to_number(take_word(text), &file) || !to_number(text, &first)) return KOS_STATUS_INVALID_ARGUMENT;
        value_count_ = 2;
        return backend_.push_hashes(file, first, answer_, values_);
    }
    if (verb == "copy") return is_pushing_ ? copy(text) : KOS_STATUS_CONFLICT;
    if (verb == "commit" && text.empty()) {
        is_pushing_ = false;
        value_count_ = 1;
        return backend_.push_commit(values_);
    }
    if (verb != "drop") return KOS_STATUS_BAD_REQUEST;
    return text.empty() || text.size() > KOS_MAX_NAME ? KOS_STATUS_INVALID_ARGUMENT : backend_.push_drop(text);
}

kos_status_t Session::copy(std::string_view text) {
    if (text.empty()) return KOS_STATUS_INVALID_ARGUMENT;
    value_count_ = 3;
    while (!text.empty()) {
        uint64_t first = 0, count = 0;
        if (!to_number(take_word(text), &first) || !to_number(take_word(text), &count) || count == 0 ||
            count > kMaxCopy) {
            return KOS_STATUS_INVALID_ARGUMENT;
        }
        const kos_status_t status = backend_.push_copy(first, count, values_);
        if (!kos_status_is_ok(status)) return status;
    }
    return KOS_STATUS_OK;
}

void Session::data(std::string_view text) {
    if (!is_pushing_) return end_line(KOS_STATUS_UNAUTHORIZED);
    const size_t count = from_base64(text, data_);
    if (count == 0) return end_line(KOS_STATUS_INVALID_ARGUMENT);
    value_count_ = 3;
    end_line(backend_.push_data({data_, count}, values_));
}

kos_status_t Session::shell(std::string_view text) {
    const std::string_view name = take_word(text);
    const std::string_view hex = text;
    if (name.empty() || name.size() > KOS_MAX_NAME) return KOS_STATUS_INVALID_ARGUMENT;
    uint8_t keys[kMaxKeys];
    uint8_t output[kMaxOutput];
    const size_t key_count = hex.size() / 2;
    if (key_count > sizeof keys || !from_hex(hex, {keys, key_count})) return KOS_STATUS_INVALID_ARGUMENT;
    size_t count = 0;
    const kos_status_t status = backend_.shell(name, {keys, key_count}, output, &count);
    if (count != 0) answer_.add("data ").add_hex({output, std::min(count, sizeof output)}).add("\n");
    return status;
}

void Session::finish(kos_status_t status) {
    end_line(status);
    if (new_nonce()) answer_.add("nonce ").add_hex(nonce_).add(" -\n");
}

void Session::end_line(kos_status_t status) {
    if (answer_.is_cut()) {
        answer_.clear();
        status = KOS_STATUS_FULL;
        value_count_ = 0;
    }
    const bool is_ok = kos_status_is_ok(status);
    answer_.add(is_ok ? "ok" : "error ");
    if (!is_ok) answer_.add(kos_status_name(status));
    for (unsigned i = 0; i < value_count_ && (is_ok || status == KOS_STATUS_FULL); ++i)
        answer_.add(" ").add(values_[i]);
    answer_.add("\n");
}

}  // namespace kos::devlink
