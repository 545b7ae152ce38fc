#include "access.h"

#include "../common/startup.h"

namespace kos::appman {
namespace {

constexpr char kParameter[] = "allow";
constexpr std::string_view kVerbNames[kVerbs] = {"status", "start", "stop", "restart"};

unsigned find_domain(const manifest::Manifest& manifest, std::string_view name) {
    for (unsigned i = 1; i < KOS_MAX_DOMAINS; ++i) {
        if (manifest.domains[i].name != nullptr && name == manifest.domains[i].name) return i;
    }
    return 0;
}

}  // namespace

bool Access::read(const manifest::Manifest& manifest, unsigned own, std::string_view* wrong) {
    const char* value = manifest::find_parameter(manifest, manifest.domains[own], kParameter);
    std::string_view rest = value == nullptr ? "" : value;
    bool is_right = true;
    while (!rest.empty() && is_right) {
        const size_t semicolon = rest.find(';');
        const std::string_view clause(rest.data(), semicolon == std::string_view::npos ? rest.size() : semicolon);
        rest.remove_prefix(semicolon == std::string_view::npos ? rest.size() : semicolon + 1);
        // The first word of a clause is the caller, the others are what it may.
        unsigned caller = 0;
        service::for_each_word(clause, [&](std::string_view word) {
            if (!is_right) return;
            if (caller == 0) {
                caller = find_domain(manifest, word);
                is_right = caller != 0;
            } else {
                is_right = add(manifest, caller, word);
            }
            if (!is_right) *wrong = word;
        });
    }
    return is_right;
}

bool Access::add(const manifest::Manifest& manifest, unsigned caller, std::string_view word) {
    const size_t colon = word.find(':');
    const bool has_target = colon != std::string_view::npos;
    const std::string_view verb(word.data(), has_target ? colon : word.size());
    std::string_view target;
    if (has_target) target = {word.data() + colon + 1, word.size() - colon - 1};
    if (verb == "list") {
        if (has_target) return false;
        list_ |= bit(caller);
        return true;
    }
    if (verb == "mode") {
        if (!has_target) modes_[caller] = UINT32_MAX;
        for (unsigned mode = 0; has_target && mode < manifest.mode_count; ++mode) {
            if (target != manifest.modes[mode]) continue;
            modes_[caller] |= 1u << mode;
            return true;
        }
        return !has_target;
    }
    for (unsigned i = 0; i < kVerbs; ++i) {
        if (verb != kVerbNames[i]) continue;
        const unsigned domain = has_target ? find_domain(manifest, target) : 0;
        if (has_target && domain == 0) return false;
        targets_[caller][i] |= has_target ? bit(domain) : UINT64_MAX;
        return true;
    }
    return false;
}

}  // namespace kos::appman
