/*
 * Which clients may do something, from the manifest: names in a parameter, turned into domain numbers once at start.
 *
 * A name that is none of this driver's clients is a mistake in the manifest and is refused, so that a misspelt name is
 * never silently without effect.
 */
#ifndef KOS_DRIVERS_COMMON_CLIENT_LIST_H_
#define KOS_DRIVERS_COMMON_CLIENT_LIST_H_

#include <kos/abi.h>

#include <stddef.h>
#include <stdint.h>
#include <span>
#include <string_view>

namespace kos::driver {

// The startup block's table of clients.
inline std::span<const kos_startup_client_t> startup_clients(const kos_startup_t* startup) {
    const auto* first = reinterpret_cast<const uint8_t*>(startup) + startup->clients.offset;
    return {reinterpret_cast<const kos_startup_client_t*>(first), startup->clients.count};
}

// Calls `each(word)` for the words between commas and spaces; stops and returns false when it returns false.
template <typename Each>
[[nodiscard]] bool for_each_word(std::string_view text, Each each) {
    constexpr std::string_view kBetween = ", ";
    for (size_t at = text.find_first_not_of(kBetween); at != text.npos;) {
        const size_t found = text.find_first_of(kBetween, at);
        const size_t end = found == text.npos ? text.size() : found;
        // Not substr, which needs exceptions.
        if (!each(std::string_view(text.data() + at, end - at))) return false;
        at = text.find_first_not_of(kBetween, end);
    }
    return true;
}

// A decimal number below `limit`; false if `text` is anything else.
[[nodiscard]] inline bool parse_number(std::string_view text, uint64_t limit, uint64_t* number) {
    if (text.empty() || text.size() > 18) return false;
    uint64_t value = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return false;
        value = value * 10 + static_cast<uint64_t>(c - '0');
    }
    if (value >= limit) return false;
    *number = value;
    return true;
}

// Domain number of the client `name`; 0 (root, never a client) if there is none.
inline uint16_t client_domain(std::span<const kos_startup_client_t> clients, std::string_view name) {
    for (const kos_startup_client_t& client : clients) {
        if (name == client.name) return client.domain;
    }
    return 0;
}

// A set of domains.
class DomainSet {
public:
    static_assert(KOS_MAX_DOMAINS <= 64);

    void add(uint16_t domain) { bits_ |= uint64_t{1} << (domain % KOS_MAX_DOMAINS); }
    void add_all() { bits_ = UINT64_MAX; }
    bool has(uint16_t domain) const { return domain < KOS_MAX_DOMAINS && (bits_ >> domain & 1) != 0; }

    // The clients that `names` lists. False if one of them is no client.
    [[nodiscard]] bool add_named(std::span<const kos_startup_client_t> clients, std::string_view names) {
        return for_each_word(names, [&](std::string_view name) {
            const uint16_t domain = client_domain(clients, name);
            if (domain == 0) return false;
            add(domain);
            return true;
        });
    }

    // The clients that `names` lists; "*" is every client, no list is nobody. False if a name is no client's.
    [[nodiscard]] bool add_listed(std::span<const kos_startup_client_t> clients, const char* names) {
        if (names == nullptr) return true;
        if (std::string_view(names) != "*") return add_named(clients, names);
        add_all();
        return true;
    }

private:
    uint64_t bits_ = 0;
};

}  // namespace kos::driver

#endif
