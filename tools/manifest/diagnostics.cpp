// See diagnostics.h.
#include "diagnostics.h"

#include <sstream>

namespace kos::compiler {
namespace {

constexpr size_t kLongest = 80;      // of a quoted text or source line, in bytes
constexpr size_t kMostErrors = 200;  // a file that is no description at all need not be complained about for ever

std::string place_of(const Place& place) {
    if (place.file == nullptr) {
        return "";
    }
    std::string text = *place.file;
    if (place.line != 0) {
        text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
    }
    return text + ": ";
}

}  // namespace

const std::string* Diagnostics::add_file(const std::string& name, const std::string& text) {
    auto [entry, is_new] = files_.try_emplace(name);
    if (is_new) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            entry->second.push_back(line);
        }
    }
    return &entry->first;
}

void Diagnostics::add(const Place& place, const std::string& text) {
    const std::string line = place_of(place) + text;
    // An app that is instantiated twice is read twice; its mistakes are told once.
    if (seen_.insert(line).second) {
        messages_.push_back(line);
        places_.push_back(place);
    }
}

void Diagnostics::error(const Place& place, const std::string& found, const std::string& expected) {
    const size_t before = messages_.size();
    if (errors_ < kMostErrors) {
        add(place, found + "; expected " + expected);
    }
    // Also one that is not told counts: no system must be made of it.
    errors_ += messages_.size() > before || errors_ >= kMostErrors ? 1 : 0;
}

void Diagnostics::warning(const Place& place, const std::string& found, const std::string& expected) {
    add(place, "warning: " + found + "; expected " + expected);
}

void Diagnostics::print(std::ostream& out) const {
    for (size_t i = 0; i < messages_.size(); ++i) {
        out << messages_[i] << '\n';
        const Place& place = places_[i];
        const auto file = place.file != nullptr ? files_.find(*place.file) : files_.end();
        if (file == files_.end() || place.line == 0 || place.line > file->second.size()) {
            continue;
        }
        const std::string& line = file->second[place.line - 1];
        if (line.size() > kLongest + 40) {
            continue;
        }
        out << "    " << line << "\n    ";
        for (size_t column = 1; column < place.column && column <= line.size(); ++column) {
            out << (line[column - 1] == '\t' ? '\t' : ' ');
        }
        out << "^\n";
    }
}

std::string joined(const std::vector<std::string>& words, const char* separator) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : separator) + word;
    }
    return text.empty() ? "(none)" : text;
}

std::string in_quotes(const std::string& text) {
    std::string shown;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (shown.size() >= kLongest) {
            shown += "...";
            break;
        }
        shown += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    return "\"" + shown + "\"";
}

}  // namespace kos::compiler
