// Every file of cases/ is one wrong system description: what it changes in base/, and the diagnostics it must give, all
// of them and in order. The form of a case is in README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "checks.h"
#include "program.h"
#include "test_support.h"

namespace kos::compiler {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

const fs::path kHere = KOS_BAD_MANIFESTS;

std::string unlines(const Lines& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

// One part of a case: a mark of three characters, what it is about, and the lines that follow.
struct Part {
    std::string mark, subject;
    Lines lines;
};

std::vector<Part> read_case(const fs::path& file) {
    const std::set<std::string> marks = {"===", "+++", "~~~", "---", "!!!", ">>>"};
    std::vector<Part> parts = {{"#", "", {}}};
    for (const std::string& line : lines_of(test::text_of(file.string()))) {
        if (marks.count(line.substr(0, 3)) != 0) {
            parts.push_back({line.substr(0, 3), line.size() > 4 ? line.substr(4) : "", {}});
        } else {
            parts.back().lines.push_back(line);
        }
    }
    return parts;
}

// Replaces the lines above "=>" by those below; they must be there exactly once.
void edit(const Part& part) {
    const auto arrow = std::find(part.lines.begin(), part.lines.end(), "=>");
    ASSERT_NE(arrow, part.lines.end()) << "~~~ needs a line =>";
    const std::string from = unlines(Lines(part.lines.begin(), arrow));
    std::string text = test::text_of(part.subject);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << part.subject << " does not have:\n" << from;
    ASSERT_EQ(text.find(from, at + 1), std::string::npos) << part.subject << " has twice:\n" << from;
    text.replace(at, from.size(), unlines(Lines(arrow + 1, part.lines.end())));
    test::put_file(part.subject, text);
}

void apply(const Part& part) {
    if (part.mark == "===") {
        test::put_file(part.subject, unlines(part.lines));
    } else if (part.mark == "+++") {
        test::put_file(part.subject, test::text_of(part.subject) + unlines(part.lines));
    } else if (part.mark == "~~~") {
        edit(part);
    } else if (part.mark == "---") {
        ASSERT_TRUE(fs::remove(part.subject)) << part.subject;
    } else if (part.mark == "!!!") {
        const size_t space = part.subject.find(' ');
        ASSERT_NE(space, std::string::npos);
        test::put_file("programs/" + part.subject.substr(0, space),
                       test::program_elf(part.subject.substr(space + 1)).file());
    }
}

void put_base() {
    fs::copy(kHere / "base", ".", fs::copy_options::recursive);
    for (const char* name : {"appman", "directory", "server", "client", "other", "netrouter", "net_virtio"}) {
        test::put_file(std::string("programs/") + name + ".elf", test::program_elf("good").file());
    }
}

Lines compile() {
    Diagnostics diagnostics;
    System system = load_system("system.toml", test::folders(), diagnostics);
    load_programs(system, test::folders(), diagnostics);
    load_images(system, test::folders(), diagnostics);
    check_system(system, diagnostics);
    return diagnostics.lines();
}

class BadManifest : public testing::TestWithParam<std::string> {};

TEST_P(BadManifest, GivesItsDiagnostics) {
    const test::Workplace workplace;
    put_base();
    Lines expected;
    for (const Part& part : read_case(kHere / "cases" / (GetParam() + ".case"))) {
        if (part.mark == ">>>") {
            expected.insert(expected.end(), part.lines.begin(), part.lines.end());
        }
        apply(part);
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_FALSE(expected.empty());
    EXPECT_EQ(unlines(compile()), unlines(expected));
}

Lines case_names() {
    Lines names;
    for (const fs::directory_entry& entry : fs::directory_iterator(kHere / "cases")) {
        if (entry.path().extension() == ".case") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

INSTANTIATE_TEST_SUITE_P(Cases, BadManifest, testing::ValuesIn(case_names()),
                         [](const testing::TestParamInfo<std::string>& test) { return test.param; });

TEST(BadManifests, TheBaseIsGood) {
    const test::Workplace workplace;
    put_base();
    EXPECT_EQ(unlines(compile()), "");
}

TEST(BadManifests, ThereAreEnough) { EXPECT_GE(case_names().size(), 60u); }

}  // namespace
}  // namespace kos::compiler
