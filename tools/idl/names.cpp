// Names of the schema in the forms that the outputs use.
#include "names.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace kos::idl {

namespace {

template <typename Form>
std::string joined(const std::vector<std::string>& path, const char* between, Form form) {
    std::string result;
    for (const std::string& part : path) {
        if (!result.empty()) result += between;
        result += form(part);
    }
    return result;
}

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string snake(const std::string& camel) {
    std::string result;
    for (size_t i = 0; i < camel.size(); ++i) {
        const bool starts_word = is_upper(camel[i]) && i > 0 &&
                                 (!is_upper(camel[i - 1]) || (i + 1 < camel.size() && !is_upper(camel[i + 1])));
        if (starts_word) result += '_';
        result += static_cast<char>(std::tolower(static_cast<unsigned char>(camel[i])));
    }
    return result;
}

std::string upper(const std::string& camel) {
    std::string result = snake(camel);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return result;
}

std::string pascal(const std::string& camel) {
    std::string result = camel;
    if (!result.empty()) result[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(result[0])));
    return result;
}

std::string snake(const std::vector<std::string>& path) {
    return joined(path, "_", [](const std::string& part) { return snake(part); });
}
std::string upper(const std::vector<std::string>& path) {
    return joined(path, "_", [](const std::string& part) { return upper(part); });
}
std::string pascal(const std::vector<std::string>& path) {
    return joined(path, "", [](const std::string& part) { return pascal(part); });
}

bool reserved_word(const std::string& snake_name) {
    // Sorted. Macros that the C library's headers may define are here as well (errno, stdin, ...).
    static const char* const kWords[] = {
        "abstract",  "alignas",   "alignof",  "and",      "as",       "asm",          "assert",   "async",
        "auto",      "await",     "become",   "bitand",   "bitor",    "bool",         "box",      "break",
        "case",      "catch",     "char",     "class",    "compl",    "concept",      "const",    "consteval",
        "constexpr", "constinit", "continue", "crate",    "decltype", "default",      "delete",   "do",
        "double",    "dyn",       "else",     "enum",     "errno",    "explicit",     "export",   "extern",
        "false",     "final",     "float",    "fn",       "for",      "friend",       "goto",     "if",
        "impl",      "in",        "inline",   "int",      "let",      "long",         "loop",     "macro",
        "match",     "mod",       "move",     "mut",      "mutable",  "namespace",    "new",      "noexcept",
        "not",       "nullptr",   "offsetof", "operator", "or",       "override",     "priv",     "private",
        "protected", "pub",       "public",   "ref",      "register", "requires",     "restrict", "return",
        "self",      "short",     "signed",   "sizeof",   "static",   "stderr",       "stdin",    "stdout",
        "struct",    "super",     "switch",   "template", "this",     "thread_local", "throw",    "trait",
        "true",      "try",       "type",     "typedef",  "typeid",   "typename",     "typeof",   "union",
        "unsafe",    "unsigned",  "unsized",  "use",      "using",    "virtual",      "void",     "volatile",
        "where",     "while",     "xor",      "yield"};
    return std::binary_search(std::begin(kWords), std::end(kWords), snake_name,
                              [](const std::string& a, const std::string& b) { return a < b; });
}

bool reserved_method(const std::string& snake_name) {
    static const char* const kTaken[] = {"buffer", "call", "connect", "dispatch", "queued", "run", "server", "slot"};
    return reserved_word(snake_name) || std::find(std::begin(kTaken), std::end(kTaken), snake_name) != std::end(kTaken);
}

}  // namespace kos::idl
