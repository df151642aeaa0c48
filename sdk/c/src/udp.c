/**
 * @file
 * Datagrams through the host.
 */
#include "calls.h"

bool probity_udp_exchange(const char *host, uint16_t port, const void *payload, size_t length, uint32_t max_reply_bytes,
                          uint32_t timeout_ms, probity_udp_reply *reply, probity_error *error) {
    guest_string_t to = probity_string(host);
    guest_list_u8_t message = probity_list(payload, length);
    uint32_t *timeout = timeout_ms == 0 ? NULL : &timeout_ms;
    probity_check_udp_reply_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_udp_exchange(&to, port, &message, max_reply_bytes, timeout, &found, &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    *reply = (probity_udp_reply){
        .payload = probity_bytes_of(found.payload),
        .remote_address = probity_text(found.remote_address),
        .elapsed_ms = found.elapsed_ms,
        .received_unix_ns = found.received_unix_ns,
    };
    return true;
}
