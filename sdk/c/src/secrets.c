/**
 * @file
 * Secrets that stay in the host.
 */
#include <string.h>

#include "calls.h"

bool probity_secrets_hmac_sha256(const char *name, const void *data, size_t length,
                                 uint8_t digest[PROBITY_HMAC_SHA256_LENGTH], probity_error *error) {
    guest_string_t wanted = probity_string(name);
    guest_list_u8_t text = probity_list(data, length), found;
    probity_check_types_error_t refused;
    bool ok = probity_check_secrets_hmac_sha256(&wanted, &text, &found, &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    probity_bytes made = probity_bytes_of(found);
    if (made.length != PROBITY_HMAC_SHA256_LENGTH)
        return probity_refuse(error, PROBITY_OTHER, "the host gave %zu bytes for an HMAC, expected 32", made.length);
    memcpy(digest, made.data, made.length);
    return true;
}

bool probity_secrets_matches(const char *name, const void *candidate, size_t length, bool *same, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    guest_list_u8_t text = probity_list(candidate, length);
    probity_check_types_error_t refused;
    *same = false;
    return probity_answered(probity_check_secrets_matches(&wanted, &text, same, &refused), &refused, error);
}

const char *probity_secrets_reveal(const char *name, probity_error *error) {
    guest_string_t wanted = probity_string(name), found;
    probity_check_types_error_t refused;
    bool ok = probity_check_secrets_reveal(&wanted, &found, &refused);
    return probity_answered(ok, &refused, error) ? probity_text(found) : NULL;
}
