/**
 * @file
 * A few bytes between runs.
 */
#include "calls.h"

bool probity_state_get(const char *key, probity_bytes *value, probity_error *error) {
    guest_string_t name = probity_string(key);
    guest_option_list_u8_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_state_get(&name, &found, &refused);
    *value = ok && found.is_some ? probity_bytes_of(found.val) : (probity_bytes){NULL, 0};
    return probity_answered(ok, &refused, error);
}

bool probity_state_set(const char *key, const void *data, size_t length, uint64_t ttl_ms, probity_error *error) {
    guest_string_t name = probity_string(key);
    guest_list_u8_t value = probity_list(data, length);
    probity_check_types_error_t refused;
    bool ok = probity_check_state_set(&name, &value, ttl_ms == 0 ? NULL : &ttl_ms, &refused);
    return probity_answered(ok, &refused, error);
}

bool probity_state_increment(const char *key, int64_t delta, int64_t *sum, probity_error *error) {
    guest_string_t name = probity_string(key);
    probity_check_types_error_t refused;
    return probity_answered(probity_check_state_increment(&name, delta, sum, &refused), &refused, error);
}

bool probity_state_delete(const char *key, probity_error *error) {
    guest_string_t name = probity_string(key);
    probity_check_types_error_t refused;
    return probity_answered(probity_check_state_delete(&name, &refused), &refused, error);
}

bool probity_state_keys(const char *prefix, probity_texts *keys, probity_error *error) {
    guest_string_t wanted = probity_string(prefix);
    guest_list_string_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_state_keys(&wanted, &found, &refused);
    *keys = ok ? probity_texts_of(found) : (probity_texts){0};
    return probity_answered(ok, &refused, error);
}
