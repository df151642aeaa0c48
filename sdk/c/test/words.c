/**
 * @file
 * Outcomes, thresholds and units, natively: the same words as in the other kits. Exits 1 with what differs.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../src/internal.h"

static int wrong;

static void same(const char *found, const char *wanted) {
    if (strcmp(found, wanted) == 0) return;
    printf("found \"%s\", wanted \"%s\"\n", found, wanted);
    wrong = 1;
}

static void holds(bool condition, const char *what) {
    if (condition) return;
    printf("not so: %s\n", what);
    wrong = 1;
}

/** Findings replace a healthy message and come worst first. */
static void findings_make_the_message(void) {
    probity_outcome *outcome = probity_healthy("fine");
    probity_finding(outcome, PROBITY_HEALTHY, "not worth a word");
    probity_finding(outcome, PROBITY_DEGRADED, "slow");
    probity_finding(outcome, PROBITY_UNHEALTHY, "wrong");
    probity_finding(outcome, PROBITY_DEGRADED, "old");
    same(outcome->message, "wrong; slow; old");
    same(probity_status_name(outcome->status), "unhealthy");
}

/** A bound is the last allowed value; what is not a number breaks every bound; absent bounds judge nothing. */
static void the_bound_itself_is_allowed(void) {
    probity_threshold most = probity_at_most(500, 1000), least = probity_at_least(21, 7);
    holds(probity_judge_value(most, 500) == PROBITY_HEALTHY, "500 is allowed");
    holds(probity_judge_value(most, 500.1) == PROBITY_DEGRADED, "500.1 is more than 500");
    holds(probity_judge_value(most, 1000.1) == PROBITY_UNHEALTHY, "1000.1 is more than 1000");
    holds(probity_judge_value(least, 20.9) == PROBITY_DEGRADED, "20.9 is less than 21");
    holds(probity_judge_value(most, NAN) == PROBITY_UNHEALTHY, "NAN breaks every bound");
    holds(probity_judge_value(probity_at_most(NAN, NAN), INFINITY) == PROBITY_HEALTHY, "no bound judges nothing");
    probity_outcome *outcome = probity_judge(probity_healthy("fine"), "used", 96, "%", probity_at_most(90, 95));
    same(outcome->message, "used 96 %, more than 95 %");
    same(probity_disorder(probity_at_most(95, 90)), "warn 95 is never reached before crit 90: warn must be at most crit");
    holds(probity_disorder(probity_at_least(21, 7)) == NULL, "21 comes before 7 downwards");
}

/** Amounts are shown in the unit a person would choose. */
static void amounts_are_shown_readably(void) {
    same(probity_show(1500, PROBITY_SPAN, "ms"), "1.5 s");
    same(probity_show(0.25, PROBITY_SPAN, "ms"), "0.25 ms");
    same(probity_show(1536, PROBITY_SIZE, "By"), "1.5 KiB");
    same(probity_show(3, PROBITY_NUMBER, "{orders}"), "3 orders");
    same(probity_show(1.05, PROBITY_NUMBER, "1"), "1.05");
    same(probity_show(0.00456, PROBITY_NUMBER, ""), "0.0046");
    same(probity_show(0.125, PROBITY_NUMBER, ""), "0.12");
    same(probity_show(100, PROBITY_NUMBER, ""), "100");
    same(probity_show(0, PROBITY_NUMBER, ""), "0");
}

/** Quantities read as they are written in the host's file, and as nothing else. */
static void quantities_read_with_units(void) {
    double amount;
    holds(probity_parse("10m", PROBITY_SPAN, &amount) && amount == 600000, "10m");
    holds(probity_parse("7d", PROBITY_SPAN, &amount) && amount == 604800000, "7d");
    holds(probity_parse("5GiB", PROBITY_SIZE, &amount) && amount == 5368709120.0, "5GiB");
    holds(probity_parse("512", PROBITY_SIZE, &amount) && amount == 512, "512");
    holds(probity_parse("-1.5e3", PROBITY_NUMBER, &amount) && amount == -1500, "-1.5e3");
    const char *const spans[] = {"10", "s", "-1s", "1.5s", "1 s", "", "99999999999999999999d"};
    for (size_t at = 0; at < sizeof spans / sizeof *spans; at++)
        holds(!probity_parse(spans[at], PROBITY_SPAN, &amount), spans[at]);
    holds(!probity_parse("5G", PROBITY_SIZE, &amount), "5G is no size");
    holds(!probity_parse("0x10", PROBITY_NUMBER, &amount), "0x10 is no number");
    holds(!probity_parse("nan", PROBITY_NUMBER, &amount), "nan is no number");
}

/** Kinds are told apart, and what goes over the contract's limits is dropped. */
static void edges_hold(void) {
    same(probity_kind_name(PROBITY_TOO_LARGE), "too-large");
    same(probity_kind_name(PROBITY_OTHER), "other");
    holds(probity_is_about_the_target(PROBITY_REFUSED) && !probity_is_about_the_target(PROBITY_DENIED), "refused, denied");
    probity_outcome *outcome = probity_healthy("many");
    for (int at = 0; at < 2 * MEASUREMENTS_MAX; at++) probity_measure_integer(outcome, "n", at, "");
    holds(outcome->measurement_count == MEASUREMENTS_MAX, "64 measurements");
    same(probity_invalid_config("/a", "no %s", "good")->message, "at /a: no good");
    probity_free_all();
}

static probity_bytes bytes(const char *text) { return (probity_bytes){(const uint8_t *)text, strlen(text)}; }

/** One value of a table is read, whatever lies before it; what is no such value is none. */
static void answers_are_read(void) {
    const char *document = " {\"a\": [1, {\"value\": 2}, \"}\"], \"s\": \"x\\n\\u00e9\\ud83e\\udd80\\\"\" , \"value\": -1.5e2}";
    double value = 0;
    holds(probity_json_number(bytes(document), "value", &value) && value == -150, "value is -150");
    same(probity_json_text(bytes(document), "s"), "x\n\u00e9\U0001f980\"");
    holds(!probity_json_number(bytes(document), "s", &value), "s is no number");
    holds(probity_json_text(bytes(document), "a") == NULL, "a is no text");
    const char *const wrong[] = {"", "[]", "{", "{\"value\"", "{\"value\":", "{\"value\":}", "{\"a\":1 \"value\":2}", "{\"a\":[,\"value\":1",
                                 "{\"value\":\"1\"}", "{\"value\":nan}", "{\"value\":1x}", "{\"\\q\":1,\"value\":1}", "{\"a\":\"\\"};
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
        holds(!probity_json_number(bytes(wrong[at]), "value", &value), wrong[at]);
    char deep[400];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof deep - 1] = '\0';
    holds(!probity_json_number(bytes(deep), "value", &value), "deep nesting");
    probity_free_all();
}

int main(void) {
    answers_are_read();
    findings_make_the_message();
    the_bound_itself_is_allowed();
    amounts_are_shown_readably();
    quantities_read_with_units();
    edges_hold();
    return wrong;
}
