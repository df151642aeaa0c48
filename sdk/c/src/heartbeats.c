/**
 * @file
 * What jobs reported to the host.
 */
#include "calls.h"

static probity_beat beat_of(const probity_check_heartbeats_beat_t *found) {
    return (probity_beat){
        .at_unix_ms = found->at_unix_ms,
        .age_ms = found->age_ms,
        .ok = found->ok,
        .message = probity_text(found->message),
        .duration_ms = probity_number_of(found->duration_ms),
    };
}

bool probity_heartbeats_last(const char *name, probity_beat *beat, bool *there, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_heartbeats_option_beat_t found;
    probity_check_types_error_t refused;
    *there = false;
    if (!probity_answered(probity_check_heartbeats_last(&wanted, &found, &refused), &refused, error)) return false;
    *there = found.is_some;
    if (found.is_some) *beat = beat_of(&found.val);
    return true;
}

bool probity_heartbeats_recent(const char *name, uint32_t max, probity_beats *beats, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_heartbeats_list_beat_t found;
    probity_check_types_error_t refused;
    *beats = (probity_beats){0};
    if (!probity_answered(probity_check_heartbeats_recent(&wanted, max, &found, &refused), &refused, error)) return false;
    probity_beat *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++) items[at] = beat_of(&found.ptr[at]);
    probity_list_free(found.ptr, found.len);
    *beats = (probity_beats){items, found.len};
    return true;
}

bool probity_heartbeats_open(const char *name, probity_open_runs *runs, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_heartbeats_list_open_run_t found;
    probity_check_types_error_t refused;
    *runs = (probity_open_runs){0};
    if (!probity_answered(probity_check_heartbeats_open(&wanted, &found, &refused), &refused, error)) return false;
    probity_open_run *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++) {
        items[at] = (probity_open_run){
            .id = found.ptr[at].id.is_some ? probity_text(found.ptr[at].id.val) : NULL,
            .started_unix_ms = found.ptr[at].started_unix_ms,
            .age_ms = found.ptr[at].age_ms,
        };
    }
    probity_list_free(found.ptr, found.len);
    *runs = (probity_open_runs){items, found.len};
    return true;
}
