/*
 * Who may ask appman for what, from its parameter `allow`. Default: nobody anything.
 *
 *   allow = "agent list status start stop restart mode; web status:pump restart:pump mode:reserve"
 *
 * Clauses begin with the caller's name. A verb without a target is valid for all of them.
 */
#ifndef KOS_SERVICES_APPMAN_ACCESS_H_
#define KOS_SERVICES_APPMAN_ACCESS_H_

#include <kos/manifest/manifest.h>

#include <stdint.h>
#include <string_view>

#include "rules.h"

namespace kos::appman {

enum class Verb : uint8_t { kStatus, kStart, kStop, kRestart };
constexpr unsigned kVerbs = 4;

class Access {
public:
    // Reads the parameter of domain `own`. False if one is wrong; *wrong is then the word.
    [[nodiscard]] bool read(const manifest::Manifest& manifest, unsigned own, std::string_view* wrong);

    bool may(unsigned caller, Verb verb, unsigned target) const {
        if (caller >= KOS_MAX_DOMAINS || target >= KOS_MAX_DOMAINS) return false;
        return (targets_[caller][static_cast<unsigned>(verb)] & bit(target)) != 0;
    }
    bool may_list(unsigned caller) const { return caller < KOS_MAX_DOMAINS && (list_ & bit(caller)) != 0; }
    bool may_switch(unsigned caller, unsigned mode) const {
        return caller < KOS_MAX_DOMAINS && (modes_[caller] >> mode & 1) != 0;
    }

private:
    bool add(const manifest::Manifest& manifest, unsigned caller, std::string_view word);

    DomainMask targets_[KOS_MAX_DOMAINS][kVerbs] = {};
    uint32_t modes_[KOS_MAX_DOMAINS] = {};
    DomainMask list_ = 0;
};

}  // namespace kos::appman

#endif
