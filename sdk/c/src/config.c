/**
 * @file
 * Configuration, a scalar at a time from the host.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "host.h"

/** The first value that did not fit. */
static probity_outcome *failed;

probity_outcome *probity_config_failure(void) { return failed; }

void probity_config_reset(void) { failed = NULL; }

bool probity_config_failed(void) { return failed != NULL; }

static void refuse(const char *pointer, const char *reason) {
    if (failed == NULL) failed = probity_invalid_config(pointer, "%s", reason);
}

/** What is at `pointer`; NULL when there is nothing. */
static const char *get(const char *pointer) {
    guest_string_t wanted = probity_string(pointer), found;
    return probity_check_context_get(&wanted, &found) ? probity_text(found) : NULL;
}

/** The same; says what is missing, as the other kits do: the table, and the key in it. */
static const char *require(const char *pointer) {
    const char *text = get(pointer);
    if (text == NULL) {
        const char *key = strrchr(pointer, '/');
        size_t table = key == NULL ? 0 : (size_t)(key - pointer);
        const char *where = table == 0 ? "/" : probity_format("%.*s", (int)table, pointer);
        refuse(where, probity_format("missing field `%s`", key == NULL ? pointer : key + 1));
    }
    return text;
}

/** Only a text or a truth value can be no number: those that are numbers were read. */
static void misfit(const char *pointer, const char *kind, const char *text, const char *expected) {
    bool is_bool = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    const char *found = probity_format(is_bool ? "boolean `%s`" : "string \"%s\"", text);
    refuse(pointer, probity_format("invalid %s: %s, expected %s", kind, found, expected));
}

static double amount(const char *pointer, const char *text, probity_quantity quantity) {
    double value;
    if (probity_parse(text, quantity, &value)) return value;
    switch (quantity) {
    case PROBITY_NUMBER:
        misfit(pointer, "type", text, "a number");
        break;
    case PROBITY_SPAN:
        misfit(pointer, "value", text, "a duration like 250ms, 15s, 10m, 2h or 7d");
        break;
    case PROBITY_SIZE:
        misfit(pointer, "value", text, "a size like 512, 64KiB, 32MiB or 5GiB");
        break;
    }
    return 0;
}

bool probity_config_has(const char *pointer) { return get(pointer) != NULL; }

const char *probity_config_text_or(const char *pointer, const char *fallback) {
    const char *text = get(pointer);
    return text == NULL ? fallback : text;
}

const char *probity_config_text(const char *pointer) {
    const char *text = require(pointer);
    return text == NULL ? "" : text;
}

double probity_config_number_or(const char *pointer, double fallback) {
    const char *text = get(pointer);
    return text == NULL ? fallback : amount(pointer, text, PROBITY_NUMBER);
}

double probity_config_number(const char *pointer) {
    const char *text = require(pointer);
    return text == NULL ? 0 : amount(pointer, text, PROBITY_NUMBER);
}

static int64_t integer(const char *pointer, const char *text) {
    char *rest;
    int64_t value = strtoll(text, &rest, 10);
    if (rest != text && *rest == '\0') return value;
    double number;
    if (probity_parse(text, PROBITY_NUMBER, &number))
        refuse(pointer, probity_format("invalid type: floating point `%s`, expected an integer", text));
    else
        misfit(pointer, "type", text, "an integer");
    return 0;
}

int64_t probity_config_integer_or(const char *pointer, int64_t fallback) {
    const char *text = get(pointer);
    return text == NULL ? fallback : integer(pointer, text);
}

int64_t probity_config_integer(const char *pointer) {
    const char *text = require(pointer);
    return text == NULL ? 0 : integer(pointer, text);
}

bool probity_config_bool_or(const char *pointer, bool fallback) {
    const char *text = get(pointer);
    if (text == NULL) return fallback;
    if (strcmp(text, "true") == 0) return true;
    if (strcmp(text, "false") != 0) misfit(pointer, "type", text, "a boolean");
    return false;
}

uint64_t probity_config_span_or(const char *pointer, uint64_t fallback_ms) {
    const char *text = get(pointer);
    return text == NULL ? fallback_ms : (uint64_t)amount(pointer, text, PROBITY_SPAN);
}

uint64_t probity_config_size_or(const char *pointer, uint64_t fallback) {
    const char *text = get(pointer);
    return text == NULL ? fallback : (uint64_t)amount(pointer, text, PROBITY_SIZE);
}

static double bound(const char *pointer, const char *key, probity_quantity quantity, probity_whole *whole) {
    const char *full = probity_format("%s/%s", pointer, key);
    const char *text = get(full);
    if (text == NULL) return NAN;
    char *rest;
    errno = 0;
    int64_t value = strtoll(text, &rest, 10);
    bool is_whole = quantity == PROBITY_NUMBER && rest != text && *rest == '\0' && errno == 0;
    if (is_whole) *whole = (probity_whole){true, value};
    return amount(full, text, quantity);
}

static probity_threshold threshold(const char *pointer, probity_quantity quantity, bool at_least) {
    probity_threshold read = {.at_least = at_least, .quantity = quantity};
    read.warn = bound(pointer, "warn", quantity, &read.warn_whole);
    read.crit = bound(pointer, "crit", quantity, &read.crit_whole);
    const char *disorder = probity_disorder(read);
    if (disorder != NULL) refuse(pointer, disorder);
    return read;
}

probity_threshold probity_config_at_most(const char *pointer, probity_quantity quantity) {
    return threshold(pointer, quantity, false);
}

probity_threshold probity_config_at_least(const char *pointer, probity_quantity quantity) {
    return threshold(pointer, quantity, true);
}
