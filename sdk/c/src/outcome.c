/**
 * @file
 * Outcomes and failures. Knows nothing of the host.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

probity_outcome *probity_new_outcome(result_kind result, probity_status status, const char *message) {
    probity_outcome *outcome = probity_alloc(sizeof *outcome);
    outcome->result = result;
    outcome->status = status;
    outcome->message = message;
    return outcome;
}

/** The variable arguments of the caller, as a text. */
#define FORMATTED(text, format)                        \
    va_list args;                                      \
    va_start(args, format);                            \
    const char *text = probity_vformat(format, args);  \
    va_end(args)

probity_outcome *probity_healthy(const char *format, ...) {
    FORMATTED(message, format);
    return probity_new_outcome(IS_OUTCOME, PROBITY_HEALTHY, message);
}

probity_outcome *probity_degraded(const char *format, ...) {
    FORMATTED(message, format);
    return probity_new_outcome(IS_OUTCOME, PROBITY_DEGRADED, message);
}

probity_outcome *probity_unhealthy(const char *format, ...) {
    FORMATTED(message, format);
    return probity_new_outcome(IS_OUTCOME, PROBITY_UNHEALTHY, message);
}

probity_outcome *probity_failure(const probity_error *error) {
    probity_outcome *failure = probity_new_outcome(IS_CAPABILITY, PROBITY_HEALTHY, error->message);
    failure->error = *error;
    return failure;
}

probity_outcome *probity_failure_other(const char *format, ...) {
    FORMATTED(message, format);
    return probity_new_outcome(IS_OTHER, PROBITY_HEALTHY, message);
}

probity_outcome *probity_invalid_config(const char *pointer, const char *format, ...) {
    FORMATTED(reason, format);
    return probity_new_outcome(IS_INVALID_CONFIG, PROBITY_HEALTHY, probity_format("at %s: %s", pointer, reason));
}

/** What the check did wrong is no judgement: the outcome is a failure from then on, with the first reason. */
static void spoil(probity_outcome *outcome, const char *reason) {
    if (outcome->result != IS_OUTCOME) return;
    outcome->result = IS_OTHER;
    outcome->message = reason;
}

/** A number that is none (absent in the host's answer, or computed of one that is) is neither good nor bad. */
static void need_number(probity_outcome *outcome, const char *call, const char *name, double value) {
    if (isnan(value)) spoil(outcome, probity_format("%s(\"%s\"): the value is NaN, expected a number", call, name));
}

/** A place for a measurement; what is over the limit has one that nobody reads. */
static measurement *add(probity_outcome *outcome, const char *name, const char *unit, found_kind kind) {
    static measurement dropped;
    bool fits = outcome->measurement_count < MEASUREMENTS_MAX;
    measurement *found = fits ? &outcome->measurements[outcome->measurement_count++] : &dropped;
    *found = (measurement){.name = name, .unit = unit, .kind = kind};
    return found;
}

probity_outcome *probity_measure(probity_outcome *outcome, const char *name, double value, const char *unit) {
    need_number(outcome, "measure", name, value);
    add(outcome, name, unit, FOUND_NUMBER)->value.number = value;
    return outcome;
}

probity_outcome *probity_measure_integer(probity_outcome *outcome, const char *name, int64_t value, const char *unit) {
    add(outcome, name, unit, FOUND_INTEGER)->value.integer = value;
    return outcome;
}

probity_outcome *probity_measure_text(probity_outcome *outcome, const char *name, const char *value) {
    if (value == NULL) spoil(outcome, probity_format("measure(\"%s\"): the value is NULL, expected a text", name));
    add(outcome, name, "", FOUND_TEXT)->value.text = value == NULL ? "" : value;
    return outcome;
}

probity_outcome *probity_measure_bool(probity_outcome *outcome, const char *name, bool value) {
    add(outcome, name, "", FOUND_BOOL)->value.boolean = value;
    return outcome;
}

probity_outcome *probity_finding(probity_outcome *outcome, probity_status status, const char *format, ...) {
    FORMATTED(text, format);
    if ((unsigned)status > PROBITY_UNHEALTHY)
        spoil(outcome, probity_format("finding: %u is no status; there are PROBITY_HEALTHY, PROBITY_DEGRADED, PROBITY_UNHEALTHY",
                                      (unsigned)status));
    if (status == PROBITY_HEALTHY || outcome->result != IS_OUTCOME) return outcome;
    if (outcome->status == PROBITY_HEALTHY)
        outcome->message = text;
    else if (status > outcome->status)
        outcome->message = probity_format("%s; %s", text, outcome->message);
    else
        outcome->message = probity_format("%s; %s", outcome->message, text);
    if (status > outcome->status) outcome->status = status;
    return outcome;
}

probity_outcome *probity_detail(probity_outcome *outcome, const char *name, const char *value) {
    if (outcome->detail_count < DETAILS_MAX) outcome->details[outcome->detail_count++] = (probity_field){name, value};
    return outcome;
}

/** What a measurement's status is, and the finding that it makes. */
static probity_outcome *judged(probity_outcome *outcome, measurement *found, probity_status status, const char *shown,
                               probity_threshold threshold) {
    found->judged = true;
    found->status = status;
    if (status == PROBITY_HEALTHY) return outcome;
    const char *relation = threshold.at_least ? "less" : "more";
    bool is_warn = status == PROBITY_DEGRADED;
    probity_whole whole = is_warn ? threshold.warn_whole : threshold.crit_whole;
    const char *bound = whole.is_some ? probity_show_whole(whole.value, threshold.quantity, found->unit)
                                      : probity_show(is_warn ? threshold.warn : threshold.crit, threshold.quantity, found->unit);
    return probity_finding(outcome, status, "%s %s, %s than %s", found->name, shown, relation, bound);
}

probity_outcome *probity_judge(probity_outcome *outcome, const char *name, double value, const char *unit,
                               probity_threshold threshold) {
    need_number(outcome, "judge", name, value);
    measurement *found = add(outcome, name, unit, FOUND_NUMBER);
    found->value.number = value;
    const char *shown = probity_show(value, threshold.quantity, unit);
    return judged(outcome, found, probity_judge_value(threshold, value), shown, threshold);
}

probity_outcome *probity_judge_integer(probity_outcome *outcome, const char *name, int64_t value, const char *unit,
                                       probity_threshold threshold) {
    // Measured as what is judged elsewhere, a number, unless that would lose digits.
    bool is_small = probity_is_small(value);
    measurement *found = add(outcome, name, unit, is_small ? FOUND_NUMBER : FOUND_INTEGER);
    if (is_small)
        found->value.number = (double)value;
    else
        found->value.integer = value;
    const char *shown = probity_show_whole(value, threshold.quantity, unit);
    return judged(outcome, found, probity_judge_whole(threshold, value), shown, threshold);
}

bool probity_refuse(probity_error *error, probity_kind kind, const char *format, ...) {
    FORMATTED(message, format);
    if (error != NULL) *error = (probity_error){kind, message, NULL};
    return false;
}

static const char *const STATUSES[] = {"healthy", "degraded", "unhealthy"};

const char *probity_status_name(probity_status status) { return STATUSES[status]; }

bool probity_status_of(const char *word, probity_status *status) {
    for (unsigned at = 0; word != NULL && at < sizeof STATUSES / sizeof *STATUSES; at++) {
        if (strcmp(word, STATUSES[at]) != 0) continue;
        *status = (probity_status)at;
        return true;
    }
    return false;
}

const char *probity_kind_name(probity_kind kind) {
    static const char *const names[] = {
        "denied", "not-found", "invalid-argument", "timeout", "dns",       "refused", "unreachable", "tls",
        "auth",   "protocol",  "remote",           "too-large", "quota", "unsupported", "other",
    };
    return names[kind];
}

bool probity_is_about_the_target(probity_kind kind) {
    return kind >= PROBITY_TIMEOUT && kind <= PROBITY_REMOTE;
}
