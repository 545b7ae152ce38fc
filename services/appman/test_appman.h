/*
 * For the tests of appman's requests: a system of three domains with everything that belongs to its appman.
 */
#ifndef KOS_SERVICES_APPMAN_TEST_APPMAN_H_
#define KOS_SERVICES_APPMAN_TEST_APPMAN_H_

#include <kos/ports.h>

#include <memory>
#include <string>

#include "requests.h"
#include "test_system.h"

namespace kos::appman {

constexpr uint16_t kAppman = 1;
constexpr uint16_t kAgent = 2;  // may everything
constexpr uint16_t kPump = 3;

struct TestAppman {
    TestAppman() : manifest(std::make_unique<manifest::Manifest>()), rules(std::make_unique<Rules>()) {
        manifest->mode_count = 2;
        manifest->modes[0] = "normal";
        manifest->modes[1] = "reserve";
        const char* names[] = {"appman", "agent", "pump"};
        for (unsigned i = 1; i <= 3; ++i) {
            manifest->domains[i].name = names[i - 1];
            manifest->domains[i].group = manifest::kNoGroup;
            manifest->domains[i].mode_mask = 1;
            manifest->start_order[manifest->domain_count++] = static_cast<uint8_t>(i);
        }
        manifest->parameters[0] = {"allow", "agent list status start stop restart mode"};
        manifest->parameter_count = 1;
        manifest->domains[kAppman].parameters = {0, 1};
        make_rules(*manifest, kAppman, 1000, *rules);
        std::string_view wrong;
        EXPECT_TRUE(access.read(*manifest, kAppman, &wrong));
        supervisor = std::make_unique<Supervisor>(*rules, root);
        supervisor->begin(0);
        requests = std::make_unique<Requests>(
            *manifest, access, *supervisor,
            [](kos_appman_accounts_t& accounts) {
                accounts = {1, 2, 3, 4};
                return static_cast<kos_status_t>(KOS_STATUS_OK);
            },
            changes);
    }
    kos_status_t call(uint16_t caller, uint64_t label, const std::string& name, uint64_t param = 0) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        request.payload = name.data();
        request.payload_bytes = static_cast<uint32_t>(name.size());
        answer = {};
        return requests->call({caller, 1, 0}, request, 0, answer);
    }
    const kos_appman_entry_t* entries() const { return static_cast<const kos_appman_entry_t*>(answer.payload); }

    std::unique_ptr<manifest::Manifest> manifest;
    std::unique_ptr<Rules> rules;
    Access access;
    TestRoot root;
    std::unique_ptr<Supervisor> supervisor;
    Changes changes{1};
    std::unique_ptr<Requests> requests;
    kos_msg_t answer = {};
};

}  // namespace kos::appman

#endif
