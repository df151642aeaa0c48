/**
 * @file
 * Queues behind the host.
 */
#include "calls.h"

bool probity_queue_inspect(const char *name, probity_queue_stats *stats, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_queue_stats_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_queue_inspect(&wanted, &found, &refused), &refused, error)) return false;
    *stats = (probity_queue_stats){
        .depth = probity_option_of(found.depth),
        .in_flight = probity_option_of(found.in_flight),
        .consumers = probity_option_of_u32(found.consumers),
        .oldest_age_ms = probity_option_of(found.oldest_age_ms),
        .lag = probity_option_of(found.lag),
    };
    return true;
}

bool probity_queue_publish(const char *name, const void *payload, size_t length, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    guest_list_u8_t message = probity_list(payload, length);
    probity_check_types_error_t refused;
    return probity_answered(probity_check_queue_publish(&wanted, &message, &refused), &refused, error);
}
