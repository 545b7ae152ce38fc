/*
 * Command lines of the host tools: options of the form --NAME VALUE or --NAME=VALUE, flags, and words.
 */
#ifndef KOS_TOOLS_COMMON_ARGUMENTS_H_
#define KOS_TOOLS_COMMON_ARGUMENTS_H_

#include <functional>
#include <string>
#include <vector>

#include "keys.h"

namespace kos::tools {

// One option. Who takes a value checks it, and throws Error.
struct Argument {
    const char* name;                              // without the dashes
    std::function<void(const std::string&)> take;  // the value; "" of a flag
    enum class Kind { kValue, kFlag } kind = Kind::kValue;
    char letter = 0;  // short form, 0: none
};

// The usual takers: of a value, of one of several, of a flag.
std::function<void(const std::string&)> into(std::string& value);
std::function<void(const std::string&)> into(std::vector<std::string>& values);
std::function<void(const std::string&)> into(bool& flag);

// Hands the options to their takers and returns the words between and behind them. Throws Error for what is none of
// `arguments`; `program` is named in it.
std::vector<std::string> parse_arguments(int argc, char** argv, const std::string& program,
                                         const std::vector<Argument>& arguments);

// --key and --development-key, of all tools that sign.
class KeyArguments {
public:
    // `development`: the development key's file if nothing else is said.
    explicit KeyArguments(std::string development)
        : default_development_(std::move(development)), development_(default_development_) {}

    void add(std::vector<Argument>& arguments);
    // Throws Error if both were given.
    void check() const;

    bool is_development() const { return key_.empty(); }
    // Reads the key; makes the development key if it does not exist.
    SigningKey read() const;

private:
    std::string default_development_;
    std::string key_;
    std::string development_;
};

}  // namespace kos::tools

#endif
