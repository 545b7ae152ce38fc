// See table.h.
#include "table.h"

#include <kos/abi.h>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace kos::compiler {
namespace {

Place place_in(const Section::Found& found) { return place_of(found.table->file, found.node->source()); }

// The number that a size like "64K" means; false if it means none.
bool parse_size(const std::string& text, uint64_t& bytes) {
    size_t digits = 0;
    bytes = 0;
    while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) {
        if (bytes > (UINT64_MAX >> 31) / 10) {
            return false;
        }
        bytes = bytes * 10 + static_cast<uint64_t>(text[digits] - '0');
        ++digits;
    }
    const std::string unit = text.substr(digits);
    const unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
    bytes <<= shift;
    return digits != 0 && (shift != 0 || unit.empty());
}

}  // namespace

void toml_assertion_failed(const char* expression) { throw TomlAssertion(expression); }

const char kNameExpected[] = "a name: [a-z][a-z0-9_]*, at most 31 characters";

Place place_of(const std::string* file, const toml::source_region& source) {
    return {file, source.begin.line, source.begin.column};
}

const char* type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::string: return "a string";
        case toml::node_type::integer: return "an integer";
        case toml::node_type::floating_point: return "a number with a fraction";
        case toml::node_type::boolean: return "a boolean";
        default: return "a date or time";
    }
}

bool is_name(const std::string& text) {
    if (text.empty() || text.size() > KOS_MAX_NAME || text[0] < 'a' || text[0] > 'z') {
        return false;
    }
    for (const char c : text) {
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

std::string size_text(uint64_t bytes) {
    if (bytes != 0 && bytes % (1u << 30) == 0) {
        return std::to_string(bytes >> 30) + "G";
    }
    if (bytes != 0 && bytes % (1u << 20) == 0) {
        return std::to_string(bytes >> 20) + "M";
    }
    if (bytes != 0 && bytes % 1024 == 0) {
        return std::to_string(bytes >> 10) + "K";
    }
    return std::to_string(bytes);
}

Section::Found Section::find(const std::string& key) {
    base_.known.insert(key);
    if (replacement_ != nullptr) {
        replacement_->known.insert(key);
        if (replacement_->values != nullptr) {
            if (const toml::node* node = replacement_->values->get(key)) {
                return {node, replacement_};
            }
        }
    }
    return {base_.values != nullptr ? base_.values->get(key) : nullptr, &base_};
}

bool Section::has(const std::string& key) { return find(key).node != nullptr; }

void Section::wrong_type(const Found& found, const std::string& key, const char* expected) {
    diagnostics_.error(place_in(found), key + " is " + type_name(*found.node), expected);
}

Text Section::text(const std::string& key, const std::string& preset) {
    const Found found = find(key);
    if (found.node == nullptr) {
        return {preset, place()};
    }
    const auto value = found.node->value_exact<std::string>();
    if (!value) {
        wrong_type(found, key, "a string");
        return {preset, place_in(found)};
    }
    if (value->find('\0') != std::string::npos) {
        diagnostics_.error(place_in(found), key + " contains a zero byte", "a text without");
        return {preset, place_in(found)};
    }
    return {*value, place_in(found)};
}

Flag Section::flag(const std::string& key, bool preset) {
    const Found found = find(key);
    if (found.node == nullptr) {
        return {preset, place()};
    }
    const auto value = found.node->value_exact<bool>();
    if (!value) {
        wrong_type(found, key, "true or false");
    }
    return {value.value_or(preset), place_in(found)};
}

Number Section::number(const std::string& key, uint64_t preset, uint64_t min, uint64_t max) {
    return number_of(find(key), key, preset, min, max, false);
}

Number Section::size(const std::string& key, uint64_t preset, uint64_t min, uint64_t max) {
    return number_of(find(key), key, preset, min, max, true);
}

Number Section::number_of(const Found& found, const std::string& key, uint64_t preset, uint64_t min, uint64_t max,
                          bool is_size) {
    if (found.node == nullptr) {
        return {preset, place()};
    }
    const Place place = place_in(found);
    std::string shown;
    bool good = false;
    uint64_t value = 0;
    if (const auto integer = found.node->value_exact<int64_t>()) {
        shown = std::to_string(*integer);
        good = *integer >= 0;
        value = static_cast<uint64_t>(*integer);
    } else if (const auto text = found.node->value_exact<std::string>(); is_size && text) {
        shown = in_quotes(*text);
        if (!parse_size(*text, value)) {
            diagnostics_.error(place, key + " is " + shown, "a size: bytes, or a text like \"64K\", \"1M\", \"1G\"");
            return {preset, place};
        }
        good = true;
    } else {
        wrong_type(found, key, is_size ? "a size: bytes, or a text like \"64K\", \"1M\", \"1G\"" : "an integer");
        return {preset, place};
    }
    if (!good || value < min || value > max) {
        const std::string range =
            is_size ? size_text(min) + " to " + size_text(max) : std::to_string(min) + " to " + std::to_string(max);
        diagnostics_.error(place, key + " is " + shown, range);
        return {preset, place};
    }
    return {value, place};
}

std::vector<Text> Section::texts(const std::string& key) {
    const Found found = find(key);
    std::vector<Text> result;
    if (found.node == nullptr) {
        return result;
    }
    const toml::array* list = found.node->as_array();
    if (list == nullptr) {
        wrong_type(found, key, "an array of strings");
        return result;
    }
    for (const toml::node& element : *list) {
        const Place place = place_of(found.table->file, element.source());
        const auto value = element.value_exact<std::string>();
        if (!value) {
            diagnostics_.error(place, std::string("an element of ") + key + " is " + type_name(element), "a string");
        } else if (value->find('\0') != std::string::npos) {
            diagnostics_.error(place, std::string("an element of ") + key + " contains a zero byte", "a text without");
        } else {
            result.push_back({*value, place});
        }
    }
    return result;
}

Text Section::name(const std::string& key, const std::string& preset) {
    Text result = text(key, preset);
    if (!is_name(result.value) && result.value != preset) {
        diagnostics_.error(result.place, key + " is " + in_quotes(result.value), kNameExpected);
        result.value = preset;
    }
    return result;
}

Text Section::required_name(const std::string& key) {
    if (!has(key)) {
        diagnostics_.error(place(), base_.what + " has no " + key, kNameExpected);
        return {"", place()};
    }
    Text result = text(key, "");
    if (has(key) && find(key).node->is_string() && !is_name(result.value)) {
        diagnostics_.error(result.place, key + " is " + in_quotes(result.value), kNameExpected);
        result.value.clear();
    }
    return result;
}

Text Section::choice(const std::string& key, const std::string& preset, const std::vector<std::string>& choices) {
    Text result = text(key, preset);
    for (const std::string& one : choices) {
        if (result.value == one) {
            return result;
        }
    }
    diagnostics_.error(result.place, key + " is " + in_quotes(result.value), "one of " + joined(choices));
    result.value = preset;
    return result;
}

namespace {

// How many letters have to be put in, left out or replaced to make one of the other.
size_t distance(const std::string& one, const std::string& other) {
    std::vector<size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (size_t i = 0; i < one.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < other.size(); ++j) {
            const size_t replaced = diagonal + (one[i] == other[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

// ". Did you mean ...?" if a typing error makes one of the keys of what was typed, or if it begins like that.
std::string suggestion(const std::string& typed, const std::vector<std::string>& known) {
    constexpr size_t kLongest = 64;  // what is longer is no typing error
    if (typed.size() > kLongest) return "";
    size_t best = typed.size() < 4 ? 1 : std::max<size_t>(2, typed.size() / 3);
    const std::string* nearest = nullptr;
    for (const std::string& key : known) {
        const size_t found = typed.size() >= 3 && key.starts_with(typed) ? 1 : distance(typed, key);
        if (found < best || (found == best && nearest == nullptr)) {
            best = found;
            nearest = &key;
        }
    }
    return nearest == nullptr ? "" : ". Did you mean " + in_quotes(*nearest) + "?";
}

}  // namespace

void refuse_unknown(Diagnostics& diagnostics, const Table& table) {
    if (table.values == nullptr) {
        return;
    }
    const std::vector<std::string> known(table.known.begin(), table.known.end());
    for (const auto& [key, node] : *table.values) {
        if (table.known.count(std::string(key.str())) == 0) {
            const std::string typed(key.str());
            diagnostics.error(place_of(table.file, key.source()),
                              "unknown key " + in_quotes(typed) + " in " + table.what,
                              "one of " + joined(known) + suggestion(typed, known));
        }
    }
}

bool for_each_table(Diagnostics& diagnostics, Table& parent, const std::string& key,
                    const std::function<void(Table&)>& read) {
    parent.known.insert(key);
    const toml::node* node = parent.values != nullptr ? parent.values->get(key) : nullptr;
    if (node == nullptr) {
        return false;
    }
    const toml::array* list = node->as_array();
    if (list == nullptr) {
        diagnostics.error(place_of(parent.file, node->source()), key + " is " + type_name(*node), "[[" + key + "]]");
        return true;
    }
    for (const toml::node& element : *list) {
        const Place place = place_of(parent.file, element.source());
        if (!element.is_table()) {
            diagnostics.error(place, std::string("an element of ") + key + " is " + type_name(element),
                              "[[" + key + "]]");
            continue;
        }
        Table table{element.as_table(), parent.file, "[[" + key + "]]", place, {}};
        read(table);
        refuse_unknown(diagnostics, table);
    }
    return true;
}

}  // namespace kos::compiler
