/**
 * @file
 * Quantities with units, as configuration writes them, and thresholds in them. Knows nothing of the host.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef struct {
    const char *name;
    double factor;
} unit_of;

static const unit_of SPAN_UNITS[] = {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 36e5}, {"d", 864e5}};
static const unit_of SIZE_UNITS[] = {
    {"B", 1},    {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
    {"KB", 1e3}, {"MB", 1e6},     {"GB", 1e9},        {"TB", 1e12},
};
/** Those of SIZE_UNITS that amounts are shown in. */
enum { BINARY_UNITS = 5 };

/** Two decimals, or as many as show two digits of a small number, without trailing zeros. */
static const char *number(double value) {
    if (isnan(value)) return "NaN";
    if (isinf(value)) return value < 0 ? "-inf" : "inf";
    double magnitude = floor(log10(fabs(value)));
    int decimals = magnitude >= -12 && magnitude < -1 ? (int)(1 - magnitude) : 2;
    char *text = (char *)probity_format("%.*f", decimals, value);
    char *end = text + strlen(text);
    while (end[-1] == '0') end--;
    if (end[-1] == '.') end--;
    *end = '\0';
    return text;
}

/** The amount in the largest unit of which there is at least one. */
static const char *scaled(double amount, const unit_of *units, size_t count) {
    const unit_of *found = &units[0];
    for (size_t at = 0; at < count; at++)
        if (fabs(amount) >= units[at].factor) found = &units[at];
    return probity_format("%s %s", number(amount / found->factor), found->name);
}

/** A number with its unit: UCUM writes "no unit" as 1 and annotations in braces. */
static const char *with_unit(const char *digits, const char *unit) {
    size_t start = strspn(unit, "{}"), end = strlen(unit);
    while (end > start && (unit[end - 1] == '{' || unit[end - 1] == '}')) end--;
    size_t length = end - start;
    if (length == 0 || (length == 1 && unit[start] == '1')) return digits;
    return probity_format("%s %.*s", digits, (int)length, unit + start);
}

const char *probity_show(double amount, probity_quantity quantity, const char *unit) {
    if (quantity == PROBITY_SPAN) return scaled(amount, SPAN_UNITS, sizeof SPAN_UNITS / sizeof *SPAN_UNITS);
    if (quantity == PROBITY_SIZE) return scaled(amount, SIZE_UNITS, BINARY_UNITS);
    return with_unit(number(amount), unit);
}

bool probity_is_small(int64_t value) { return value <= INT64_C(1) << 53 && value >= -(INT64_C(1) << 53); }

const char *probity_show_whole(int64_t value, probity_quantity quantity, const char *unit) {
    if (quantity != PROBITY_NUMBER || probity_is_small(value)) return probity_show((double)value, quantity, unit);
    return with_unit(probity_format("%lld", (long long)value), unit);
}

bool probity_parse(const char *text, probity_quantity quantity, double *amount) {
    char *rest;
    if (quantity == PROBITY_NUMBER) {
        *amount = strtod(text, &rest);
        // What strtod takes and JSON does not: hexadecimal, nan, leading blanks.
        return rest != text && *rest == '\0' && strspn(text, "+-.0123456789eE") == strlen(text);
    }
    size_t digits = strspn(text, "0123456789");
    bool is_span = quantity == PROBITY_SPAN;
    const unit_of *units = is_span ? SPAN_UNITS : SIZE_UNITS;
    size_t count = is_span ? sizeof SPAN_UNITS / sizeof *SPAN_UNITS : sizeof SIZE_UNITS / sizeof *SIZE_UNITS;
    *amount = strtod(text, &rest);
    if (digits == 0) return false;
    // A size without a unit is a JSON number.
    if (!is_span && text[digits] == '\0') return *amount < 18446744073709551616.0;
    for (size_t at = 0; at < count; at++) {
        if (strcmp(text + digits, units[at].name) != 0) continue;
        *amount = (double)strtoull(text, NULL, 10) * units[at].factor;
        return digits <= 19 && *amount < 18446744073709551616.0;
    }
    return false;
}

probity_threshold probity_at_most(double warn, double crit) {
    return (probity_threshold){.warn = warn, .crit = crit};
}

probity_threshold probity_at_least(double warn, double crit) {
    return (probity_threshold){.warn = warn, .crit = crit, .at_least = true};
}

static bool keeps(probity_threshold threshold, double value, double bound) {
    return isnan(bound) || (threshold.at_least ? value >= bound : value <= bound);
}

probity_status probity_judge_value(probity_threshold threshold, double value) {
    if (!keeps(threshold, value, threshold.crit)) return PROBITY_UNHEALTHY;
    return keeps(threshold, value, threshold.warn) ? PROBITY_HEALTHY : PROBITY_DEGRADED;
}

/** Whether an integer keeps a bound. A bound that is no integer is small enough for a double to tell the two apart. */
static bool whole_keeps(probity_threshold threshold, int64_t value, double bound, probity_whole whole) {
    bool is_whole = whole.is_some || (trunc(bound) == bound && fabs(bound) < 0x1p63);
    if (!is_whole) return keeps(threshold, (double)value, bound);
    int64_t limit = whole.is_some ? whole.value : (int64_t)bound;
    return threshold.at_least ? value >= limit : value <= limit;
}

probity_status probity_judge_whole(probity_threshold threshold, int64_t value) {
    if (!whole_keeps(threshold, value, threshold.crit, threshold.crit_whole)) return PROBITY_UNHEALTHY;
    return whole_keeps(threshold, value, threshold.warn, threshold.warn_whole) ? PROBITY_HEALTHY : PROBITY_DEGRADED;
}

const char *probity_disorder(probity_threshold threshold) {
    probity_whole warns = threshold.warn_whole, crits = threshold.crit_whole;
    bool is_ordered = warns.is_some ? whole_keeps(threshold, warns.value, threshold.crit, crits)
                                    : isnan(threshold.warn) || keeps(threshold, threshold.warn, threshold.crit);
    if (is_ordered) return NULL;
    const char *warn = warns.is_some ? probity_show_whole(warns.value, threshold.quantity, "")
                                     : probity_show(threshold.warn, threshold.quantity, "");
    const char *crit = crits.is_some ? probity_show_whole(crits.value, threshold.quantity, "")
                                     : probity_show(threshold.crit, threshold.quantity, "");
    const char *order = threshold.at_least ? "at least" : "at most";
    return probity_format("warn %s is never reached before crit %s: warn must be %s crit", warn, crit, order);
}
