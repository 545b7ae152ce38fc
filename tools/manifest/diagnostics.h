// What is wrong with a system description: one line each, with the place, what was found and what was expected.
#ifndef KOS_TOOLS_MANIFEST_DIAGNOSTICS_H_
#define KOS_TOOLS_MANIFEST_DIAGNOSTICS_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace kos::compiler {

// Where something is said. `file` lives as long as the Diagnostics that gave it out; null: nowhere in particular.
struct Place {
    const std::string* file = nullptr;
    uint32_t line = 0;
    uint32_t column = 0;
};

// A value with the place that it comes from (of a default: of what it belongs to).
template <typename T>
struct At {
    T value{};
    Place place;
};
using Text = At<std::string>;
using Number = At<uint64_t>;
using Flag = At<bool>;

class Diagnostics {
public:
    // The name to use in Places, and the text to quote lines from.
    const std::string* add_file(const std::string& name, const std::string& text);

    // "file:line:column: found; expected".
    void error(const Place& place, const std::string& found, const std::string& expected);
    // The same with "warning: " before `found`; the system is compiled all the same.
    void warning(const Place& place, const std::string& found, const std::string& expected);

    bool has_errors() const { return errors_ != 0; }
    size_t errors() const { return errors_; }
    size_t warnings() const { return messages_.size() - errors_; }
    // One line each, in the order in which they were found.
    const std::vector<std::string>& lines() const { return messages_; }
    // The lines, each followed by the line of the file that it is about and a mark below the column.
    void print(std::ostream& out) const;

private:
    void add(const Place& place, const std::string& text);

    std::map<std::string, std::vector<std::string>> files_;  // name -> lines
    std::vector<std::string> messages_;
    std::vector<Place> places_;
    std::set<std::string> seen_;
    size_t errors_ = 0;
};

// "a, b, c"; "(none)" for an empty list.
std::string joined(const std::vector<std::string>& words, const char* separator = ", ");
// 'text' in quotation marks, with control characters made visible, shortened if it is very long.
std::string in_quotes(const std::string& text);

}  // namespace kos::compiler

#endif
