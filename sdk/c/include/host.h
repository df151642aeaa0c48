/**
 * @file
 * Between the kit and the generated bindings: for functions of the contract that are newer than the kit.
 *
 *     guest_string_t name = probity_string("jobs");
 *     probity_check_queue_stats_t stats;
 *     probity_check_types_error_t refused;
 *     if (!probity_answered(probity_check_queue_inspect(&name, &stats, &refused), &refused, &error))
 *         return probity_failure(&error);
 */
#ifndef PROBITY_HOST_H
#define PROBITY_HOST_H

#include "guest.h"
#include "probity.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A text for the host, which only looks at it. */
guest_string_t probity_string(const char *text);
/** Bytes for the host, which only looks at them. */
guest_list_u8_t probity_list(const void *data, size_t length);
/** Takes a text of the host's over: the same, ending in NUL. */
const char *probity_text(guest_string_t text);
/** Takes bytes of the host's over: the same, with a NUL after them. */
probity_bytes probity_bytes_of(guest_list_u8_t bytes);
/** Takes an error of the host's over: the same, as the kit has it. */
probity_error probity_error_of(const probity_check_types_error_t *error);
/** What a function of the bindings said: true, or false and its error taken over. */
bool probity_answered(bool ok, const probity_check_types_error_t *refused, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
