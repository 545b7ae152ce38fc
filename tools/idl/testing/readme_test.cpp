/*
 * The programs that idl/README.md shows: they are these files, they build, they work, and they are short.
 */
#include <gtest/gtest.h>
#include <kos/log.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "transport.h"

extern "C" int readme_server_c();
extern "C" int readme_client_c();
int readme_server_cpp();
int readme_client_cpp();

namespace {

std::string logged;

std::string text_of(const std::string& name) {
    std::ifstream file(std::string(KOS_SOURCE_DIR) + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
}

}  // namespace

kos_status_t kos_log(enum kos_log_level, const char* format, ...) {
    char text[241];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    logged = text;
    return KOS_STATUS_OK;
}

TEST(Readme, ShowsTheseFiles) {
    const std::string readme = text_of("idl/README.md");
    const std::string folder = "tools/idl/testing/";
    for (const char* name : {"counter.capnp", "readme/server.c", "readme/client.c", "readme/server.cpp",
                             "readme/client.cpp", "readme/server.rs", "readme/client.rs"}) {
        const std::string text = text_of(folder + name);
        EXPECT_NE(readme.find("\n" + text + "```"), std::string::npos) << name;
        EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 15) << name;
    }
}

TEST(Readme, TheProgramsWorkTogether) {
    using kos::idl::testing::transport;
    for (auto* server : {readme_server_c, readme_server_cpp}) {
        transport().reset();
        ASSERT_EQ(server(), 0);
        uint64_t expected = 0;
        for (auto* client : {readme_client_c, readme_client_cpp}) {
            logged.clear();
            ASSERT_EQ(client(), 0);
            expected += 5;
            EXPECT_EQ(logged, "total " + std::to_string(expected));
            EXPECT_EQ(transport().requested_port, "counter");
        }
    }
    // Nobody serves.
    transport().reset();
    EXPECT_EQ(readme_client_c(), 1);
    EXPECT_EQ(readme_client_cpp(), 1);
}
