// Calls <%= @name %> and reports what it finds.
#include <kos/idl/<%= @name %>.h>
#include <kos/test.h>

int main(void) {
    kos_<%= @symbol %>_client_t client;
    uint64_t first = 0, second = 0;
    kos_test_begin();
    kos_assert_ok(kos_<%= @symbol %>_connect("<%= @name %>", &client));
    kos_test_check("adds", kos_<%= @symbol %>_client_add(client, 2, &first) == KOS_STATUS_OK);
    kos_test_check("remembers", kos_<%= @symbol %>_client_add(client, 40, &second) == KOS_STATUS_OK && second == first + 40);
    kos_test_check("refuses what does not fit",
                   kos_<%= @symbol %>_client_add(client, UINT64_MAX, &first) == KOS_STATUS_INVALID_ARGUMENT);
    kos_test_end();
    return 0;
}
