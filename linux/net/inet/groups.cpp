// Memberships of multicast groups.
#include "net/inet/groups.h"

#include <algorithm>
#include <utility>

namespace kos::lx {

bool is_multicast(const ip_addr_t& address) { return ip_addr_ismulticast(&address); }

const Groups::Member* Groups::find(const ip_addr_t& group, int interface) const {
    for (const Member& member : members_) {
        if (member.interface == interface && is_same(member.group, group)) return &member;
    }
    return nullptr;
}

Groups::Member* Groups::find(const ip_addr_t& group, int interface) {
    return const_cast<Member*>(std::as_const(*this).find(group, interface));
}

void Groups::drop(const Member* member) { members_.erase(members_.begin() + (member - members_.data())); }

Status Groups::join(const ip_addr_t& group, int interface) {
    if (find(group, interface)) return Errno::kEADDRINUSE;
    if (members_.size() >= kMost) return Errno::kENOBUFS;
    members_.push_back({group, interface, false, {}});
    return {};
}

Status Groups::leave(const ip_addr_t& group, int interface) {
    const Member* const member = find(group, interface);
    if (!member) return Errno::kEADDRNOTAVAIL;
    drop(member);
    return {};
}

Status Groups::add(Member& member, const ip_addr_t& source) {
    for (const ip_addr_t& each : member.sources) {
        if (is_same(each, source)) return Errno::kEADDRNOTAVAIL;
    }
    if (member.sources.size() >= kSourcesMost) return Errno::kENOBUFS;
    member.sources.push_back(source);
    return {};
}

Status Groups::remove(Member& member, const ip_addr_t& source) {
    auto const same = [&](const ip_addr_t& each) { return is_same(each, source); };
    return std::erase_if(member.sources, same) ? Errno::kOK : Errno::kEADDRNOTAVAIL;
}

Status Groups::block(const ip_addr_t& group, int interface, const ip_addr_t& source) {
    Member* const member = find(group, interface);
    if (!member || member->is_of_sources) return Errno::kEINVAL;
    return add(*member, source);
}

Status Groups::unblock(const ip_addr_t& group, int interface, const ip_addr_t& source) {
    Member* const member = find(group, interface);
    if (!member || member->is_of_sources) return Errno::kEINVAL;
    return remove(*member, source);
}

Status Groups::join_source(const ip_addr_t& group, int interface, const ip_addr_t& source) {
    Member* const member = find(group, interface);
    if (member) return member->is_of_sources ? add(*member, source) : Errno::kEINVAL;
    KOS_TRY_STATUS(join(group, interface));
    members_.back().is_of_sources = true;
    return add(members_.back(), source);
}

Status Groups::leave_source(const ip_addr_t& group, int interface, const ip_addr_t& source) {
    Member* const member = find(group, interface);
    if (!member || !member->is_of_sources) return Errno::kEINVAL;
    KOS_TRY_STATUS(remove(*member, source));
    if (member->sources.empty()) drop(member);
    return {};
}

bool Groups::admits(const ip_addr_t& group, int interface, const ip_addr_t& source, bool takes_all) const {
    const Member* const member = find(group, interface);
    if (!member) return takes_all;
    bool const is_listed = std::any_of(member->sources.begin(), member->sources.end(),
                                       [&](const ip_addr_t& each) { return is_same(each, source); });
    return is_listed == member->is_of_sources;
}

}  // namespace kos::lx
