/**
 * @file
 * TLS handshakes by the host, and certificates it holds.
 */
#include "calls.h"

bool probity_tls_inspect(const char *host, uint16_t port, const char *server_name, probity_tls_info *info,
                         probity_error *error) {
    guest_string_t to = probity_string(host), name;
    probity_check_types_tls_info_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_tls_inspect(&to, port, probity_maybe(server_name, &name), &found, &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    *info = probity_tls_info_of(&found);
    return true;
}

bool probity_tls_inspect_trusting(const char *host, uint16_t port, const char *server_name, const char *authority,
                                  probity_tls_info *info, probity_error *error) {
    guest_string_t to = probity_string(host), trusted = probity_string(authority), name;
    probity_check_types_tls_info_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_tls_inspect_trusting(&to, port, probity_maybe(server_name, &name), &trusted, &found, &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    *info = probity_tls_info_of(&found);
    return true;
}

bool probity_tls_inspect_named(const char *name, probity_certificates *certificates, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_tls_list_certificate_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_tls_inspect_named(&wanted, &found, &refused);
    *certificates = ok ? probity_certificates_of(found.ptr, found.len) : (probity_certificates){0};
    return probity_answered(ok, &refused, error);
}
