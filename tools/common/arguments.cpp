/*
 * See arguments.h.
 */
#include "arguments.h"

#include <getopt.h>

#include "files.h"

namespace kos::tools {
namespace {

// getopt's value of the n-th option that has no letter.
constexpr int kFirst = 256;

int value_of(const std::vector<Argument>& arguments, size_t index) {
    const char letter = arguments[index].letter;
    return letter != 0 ? letter : kFirst + static_cast<int>(index);
}

}  // namespace

std::function<void(const std::string&)> into(std::string& value) {
    return [&value](const std::string& text) { value = text; };
}

std::function<void(const std::string&)> into(std::vector<std::string>& values) {
    return [&values](const std::string& text) { values.push_back(text); };
}

std::function<void(const std::string&)> into(bool& flag) {
    return [&flag](const std::string&) { flag = true; };
}

std::vector<std::string> parse_arguments(int argc, char** argv, const std::string& program,
                                         const std::vector<Argument>& arguments) {
    std::vector<option> options;
    std::string letters;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const bool has_value = arguments[i].kind == Argument::Kind::kValue;
        options.push_back(
            {arguments[i].name, has_value ? required_argument : no_argument, nullptr, value_of(arguments, i)});
        if (arguments[i].letter == 0) continue;
        letters += arguments[i].letter;
        if (has_value) letters += ':';
    }
    options.push_back({nullptr, 0, nullptr, 0});
    optind = 0;  // begin anew, as tests do
    for (int found = 0; (found = getopt_long(argc, argv, letters.c_str(), options.data(), nullptr)) != -1;) {
        size_t index = 0;
        while (index < arguments.size() && value_of(arguments, index) != found) ++index;
        if (index == arguments.size()) throw Error("see " + program + " --help");  // getopt has said why
        arguments[index].take(optarg != nullptr ? optarg : "");
    }
    return {argv + optind, argv + argc};
}

void KeyArguments::add(std::vector<Argument>& arguments) {
    arguments.push_back({"key", into(key_)});
    arguments.push_back({"development-key", into(development_)});
}

void KeyArguments::check() const {
    if (!key_.empty() && development_ != default_development_) {
        throw Error("--key and --development-key exclude each other");
    }
}

SigningKey KeyArguments::read() const {
    return key_.empty() ? SigningKey::read_or_create(development_) : SigningKey::read(key_);
}

}  // namespace kos::tools
