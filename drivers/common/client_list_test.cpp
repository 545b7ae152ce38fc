// Names and numbers in parameters of the manifest.
#include "client_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kos::driver {
namespace {

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> result;
    EXPECT_TRUE(for_each_word(text, [&](std::string_view word) {
        result.emplace_back(word);
        return true;
    }));
    return result;
}

kos_startup_client_t client(const char* name, uint16_t domain) {
    kos_startup_client_t result = {};
    std::string_view(name).copy(result.name, KOS_MAX_NAME);
    result.domain = domain;
    return result;
}

TEST(ClientList, SplitsWords) {
    using List = std::vector<std::string>;
    EXPECT_EQ(words(""), List{});
    EXPECT_EQ(words(" , ,"), List{});
    EXPECT_EQ(words("a"), List{"a"});
    EXPECT_EQ(words(",a, b,,c "), (List{"a", "b", "c"}));
}

TEST(ClientList, StopsAtTheFirstRefusal) {
    int seen = 0;
    EXPECT_FALSE(for_each_word("a b c", [&](std::string_view word) { return seen++, word != "b"; }));
    EXPECT_EQ(seen, 2);
}

TEST(ClientList, ParsesNumbers) {
    uint64_t number = 99;
    EXPECT_TRUE(parse_number("0", 8, &number));
    EXPECT_EQ(number, 0u);
    EXPECT_TRUE(parse_number("007", 8, &number));
    EXPECT_EQ(number, 7u);
    for (const char* wrong : {"", "8", "-1", "1a", " 1", "0x1", "99999999999999999999999"}) {
        EXPECT_FALSE(parse_number(wrong, 8, &number)) << wrong;
        EXPECT_EQ(number, 7u);
    }
}

TEST(ClientList, FindsClientsByName) {
    const std::vector<kos_startup_client_t> clients = {client("pump", 3), client("web", 63)};
    EXPECT_EQ(client_domain(clients, "web"), 63);
    EXPECT_EQ(client_domain(clients, "we"), 0);
    EXPECT_EQ(client_domain({}, "web"), 0);
    DomainSet set;
    EXPECT_FALSE(set.has(3));
    EXPECT_TRUE(set.add_named(clients, "web, pump"));
    EXPECT_TRUE(set.has(3));
    EXPECT_TRUE(set.has(63));
    EXPECT_FALSE(set.has(4));
    EXPECT_FALSE(set.has(64 + 3));
    EXPECT_FALSE(DomainSet().add_named(clients, "pump, pmup"));
    DomainSet readers;
    EXPECT_TRUE(readers.add_listed(clients, nullptr));
    EXPECT_TRUE(readers.add_listed(clients, ""));
    EXPECT_TRUE(readers.add_listed(clients, "web"));
    EXPECT_TRUE(readers.has(63));
    EXPECT_FALSE(readers.has(3));
    EXPECT_FALSE(readers.add_listed(clients, "pmup"));
    EXPECT_TRUE(readers.add_listed(clients, "*"));
    EXPECT_TRUE(readers.has(3));
}

TEST(ClientList, FindsTheClientsOfTheStartupBlock) {
    struct {
        kos_startup_t startup = {};
        kos_startup_client_t clients[2] = {client("a", 1), client("b", 2)};
    } block;
    block.startup.clients = {sizeof(kos_startup_t), 2};
    const auto clients = startup_clients(&block.startup);
    ASSERT_EQ(clients.size(), 2u);
    EXPECT_EQ(client_domain(clients, "b"), 2);
}

}  // namespace
}  // namespace kos::driver
