/*
 * The startup block's tables as spans, and lists of domain names in parameters. For services; pure, no I/O.
 */
#ifndef KOS_SERVICES_COMMON_STARTUP_H_
#define KOS_SERVICES_COMMON_STARTUP_H_

#include <kos/abi.h>

#include <stddef.h>
#include <stdint.h>
#include <span>
#include <string_view>

namespace kos::service {

// Entries of a table of the startup block, which root wrote: not checked.
template <typename Entry>
std::span<const Entry> entries(const kos_startup_t* startup, const kos_startup_table_t& table) {
    const auto* first = reinterpret_cast<const uint8_t*>(startup) + table.offset;
    return {reinterpret_cast<const Entry*>(first), table.count};
}

// The connection to `port`; null if the manifest has none.
inline const kos_startup_connection_t* find_connection(const kos_startup_t* startup, std::string_view port) {
    for (const auto& connection : entries<kos_startup_connection_t>(startup, startup->connections)) {
        if (port == connection.name) return &connection;
    }
    return nullptr;
}

// Calls each(word) for the words of `text`, separated by blanks or commas.
template <typename Each>
void for_each_word(std::string_view text, Each each) {
    constexpr std::string_view kBetween = ", ";
    while (true) {
        const size_t begin = text.find_first_not_of(kBetween);
        if (begin == std::string_view::npos) return;
        text.remove_prefix(begin);
        const size_t end = text.find_first_of(kBetween);
        // (substr would need exceptions.)
        each(std::string_view(text.data(), end == std::string_view::npos ? text.size() : end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end);
    }
}

// The clients that `names` lists, as bits. *unknown: a word that names no client (empty if there is none): a mistake in
// the manifest that must not pass unseen.
inline uint64_t clients_named(std::span<const kos_startup_client_t> clients, std::string_view names,
                              std::string_view* unknown) {
    uint64_t mask = 0;
    *unknown = {};
    for_each_word(names, [&](std::string_view word) {
        uint64_t found = 0;
        for (const auto& client : clients) {
            if (word == client.name && client.domain < KOS_MAX_DOMAINS) found |= uint64_t{1} << client.domain;
        }
        if (found == 0) *unknown = word;
        mask |= found;
    });
    return mask;
}

}  // namespace kos::service

#endif
