/*
 * The policy from the signed manifest.
 */
#ifndef KOS_SERVICES_NETROUTER_MANIFEST_POLICY_H_
#define KOS_SERVICES_NETROUTER_MANIFEST_POLICY_H_

#include <kos/manifest/manifest.h>

#include "policy.h"

namespace kos::netrouter {

// Fills `policy`, which refers to names in the manifest: it must stay mapped. False: the manifest has no network.
bool make_policy(const manifest::Manifest& manifest, Policy& policy);

}  // namespace kos::netrouter

#endif
