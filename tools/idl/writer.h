// Lines of generated text. In a format, each % is replaced by the next argument.
#pragma once

#include <string>
#include <string_view>

namespace kos::idl {

class Writer {
public:
    template <typename... Arguments>
    void line(std::string_view format, const Arguments&... arguments) {
        text_ += indent_;
        append(format, arguments...);
        text_ += '\n';
    }
    // Whole lines that another writer has made.
    void raw(const std::string& text) { text_ += text; }
    void blank() { text_ += '\n'; }

    // A line that opens a block, and the one that closes it.
    template <typename... Arguments>
    void open(std::string_view format, const Arguments&... arguments) {
        line(format, arguments...);
        indent_ += "    ";
    }
    void close(std::string_view format = "}") {
        indent_.resize(indent_.size() - 4);
        line("%", std::string(format));
    }

    // Each line of `doc` as a comment; nothing for an empty one.
    void comment(const std::string& doc, const std::string& mark = "// ");

    const std::string& text() const { return text_; }

private:
    void append(std::string_view format) { text_ += format; }
    template <typename First, typename... Rest>
    void append(std::string_view format, const First& first, const Rest&... rest) {
        const size_t at = format.find('%');
        text_ += format.substr(0, at);
        if (at == std::string_view::npos) return;
        text_ += to_text(first);
        append(format.substr(at + 1), rest...);
    }
    static const std::string& to_text(const std::string& value) { return value; }
    static std::string to_text(const char* value) { return value; }
    static std::string to_text(char value) { return std::string(1, value); }
    template <typename Number>
    static std::string to_text(const Number& value) {
        return std::to_string(value);
    }

    std::string text_, indent_;
};

}  // namespace kos::idl
