// Typed access to the tables of a TOML file: every key that nobody asks for is a mistake.
//
// A Section is a table, or a table with replacements for some of its keys (system.toml's [[app]] over app.toml's
// [app]).
#ifndef KOS_TOOLS_MANIFEST_TABLE_H_
#define KOS_TOOLS_MANIFEST_TABLE_H_

#include <stdexcept>

namespace kos::compiler {

// What toml++ asserts instead of reporting; with malformed input some of its assertions do fail (3.3.0: a table header
// that begins with "[=").
struct TomlAssertion : std::logic_error {
    using std::logic_error::logic_error;
};

// Throws TomlAssertion; out of line, because toml++ asserts in noexcept functions as well.
[[noreturn]] void toml_assertion_failed(const char* expression);

}  // namespace kos::compiler

#ifdef NDEBUG
#error "without assertions toml++ takes them for granted, which malformed input makes undefined behaviour"
#endif
#define TOML_ASSERT(expr) (static_cast<bool>(expr) ? void() : ::kos::compiler::toml_assertion_failed(#expr))
#include <toml++/toml.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "diagnostics.h"

namespace kos::compiler {

// One TOML table of one file. `what` names it in messages: "[app]".
struct Table {
    const toml::table* values = nullptr;  // null: absent, has no keys
    const std::string* file = nullptr;
    std::string what;
    Place place;
    std::set<std::string> known;  // keys that have been asked for
};

Place place_of(const std::string* file, const toml::source_region& source);

class Section {
public:
    Section(Diagnostics& diagnostics, Table& base, Table* replacement = nullptr)
        : diagnostics_(diagnostics), base_(base), replacement_(replacement) {}

    struct Found {
        const toml::node* node = nullptr;  // null: the key is absent
        const Table* table = nullptr;
    };
    Found find(const std::string& key);

    // Each gives the default, with the section's place, if the key is absent. A value of the wrong type or range is an
    // error and gives the default as well.
    Text text(const std::string& key, const std::string& preset);
    Flag flag(const std::string& key, bool preset);
    Number number(const std::string& key, uint64_t preset, uint64_t min, uint64_t max);
    // A number of bytes, or a text like "64K", "1M", "1G".
    Number size(const std::string& key, uint64_t preset, uint64_t min, uint64_t max);
    std::vector<Text> texts(const std::string& key);
    // As text(), of names: [a-z][a-z0-9_]*, at most 31 characters. Absent or wrong: empty, and an error.
    Text required_name(const std::string& key);
    Text name(const std::string& key, const std::string& preset);
    // One of `choices`.
    Text choice(const std::string& key, const std::string& preset, const std::vector<std::string>& choices);

    Place place() const {
        return base_.values != nullptr || replacement_ == nullptr ? base_.place : replacement_->place;
    }
    bool has(const std::string& key);

private:
    Number number_of(const Found& found, const std::string& key, uint64_t preset, uint64_t min, uint64_t max,
                     bool is_size);
    void wrong_type(const Found& found, const std::string& key, const char* expected);

    Diagnostics& diagnostics_;
    Table& base_;
    Table* replacement_;
};

// Reports the keys that nobody asked for.
void refuse_unknown(Diagnostics& diagnostics, const Table& table);

// Calls read for each table of the array of tables `key`; anything else there is an error. Returns false if it is
// absent.
bool for_each_table(Diagnostics& diagnostics, Table& parent, const std::string& key,
                    const std::function<void(Table&)>& read);

// The text of a list's element or a value, for messages: "a string", "an integer".
const char* type_name(const toml::node& node);
bool is_name(const std::string& text);
extern const char kNameExpected[];
// "64K" for whole kibibytes and so on.
std::string size_text(uint64_t bytes);

}  // namespace kos::compiler

#endif
