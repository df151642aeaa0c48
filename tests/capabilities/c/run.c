/**
 * @file
 * `context`, `clock` and `state`.
 */
#include "show.h"

#include <string.h>

bool show_context(probity_outcome *outcome, probity_error *) {
    show_text(outcome, "check-id", probity_check_id());
    show_text(outcome, "run-id", probity_run_id());
    show_text(outcome, "traceparent", probity_traceparent());
    show_integer(outcome, "remaining-ms", probity_remaining_ms());
    show_integer(outcome, "consecutive-failures", probity_consecutive_failures());
    probity_previous_run previous;
    if (!probity_previous(&previous)) {
        show_text(outcome, "previous", NULL);
        return true;
    }
    show_status(outcome, "previous-status", previous.concluded, previous.status);
    show_text(outcome, "previous-message", previous.message);
    show_integer(outcome, "previous-at-unix-ms", previous.at_unix_ms);
    show_number(outcome, "previous-duration-ms", previous.duration_ms);
    return true;
}

bool show_clock(probity_outcome *outcome, probity_error *) {
    uint64_t wall = probity_now_unix_ms(), monotonic = probity_monotonic_ns();
    probity_sleep_ms(250);
    show_integer(outcome, "now-unix-ms", wall);
    show_integer(outcome, "wall-ms", probity_now_unix_ms() - wall);
    show_integer(outcome, "monotonic-ms", (probity_monotonic_ns() - monotonic) / 1000000);
    return true;
}

static bool put(const char *key, const char *value, uint64_t ttl_ms, probity_error *error) {
    return probity_state_set(key, value, strlen(value), ttl_ms, error);
}

static bool show_key(probity_outcome *outcome, const char *key, probity_error *error) {
    probity_bytes value;
    if (!probity_state_get(key, &value, error)) return false;
    show_text(outcome, key, (const char *)value.data);
    return true;
}

bool show_kept(probity_outcome *outcome, probity_error *error) {
    int64_t first, second;
    if (!put("text", "kept", 0, error) || !put("brief", "x", 1, error)) return false;
    if (!probity_state_increment("count", 5, &first, error)) return false;
    if (!probity_state_increment("count", -7, &second, error)) return false;
    probity_sleep_ms(20);
    show_integer(outcome, "first", first);
    show_integer(outcome, "second", second);
    if (!show_key(outcome, "text", error) || !show_key(outcome, "brief", error)) return false;
    if (!show_key(outcome, "never", error)) return false;
    probity_texts all, some;
    if (!put("gone", "x", 0, error) || !probity_state_delete("gone", error)) return false;
    if (!probity_state_keys("", &all, error) || !probity_state_keys("te", &some, error)) return false;
    show_text(outcome, "all", joined(all));
    show_text(outcome, "some", joined(some));
    return true;
}

bool show_state_large(probity_outcome *outcome, probity_error *error) {
    static char letters[40000];
    memset(letters, 'x', sizeof letters);
    if (!probity_state_set("large", letters, sizeof letters, 0, error)) return false;
    int64_t sum = 0;
    for (int time = 0; time < 300; time++) {
        probity_bytes value;
        if (!probity_state_get("large", &value, error)) return false;
        sum += (int64_t)value.length;
    }
    show_integer(outcome, "bytes", sum);
    return true;
}

bool show_state_key(probity_outcome *, probity_error *error) { return put("", "x", 0, error); }
