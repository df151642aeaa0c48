/**
 * @file
 * Outcomes, thresholds, units and what capabilities gave, natively: the same words as in the other kits. Exits 1 with
 * what differs.
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

/** What is no value, or no status, is no judgement: the outcome is a failure from then on, with the first reason. */
static void misuse_is_a_failure(void) {
    probity_outcome *outcome = probity_judge(probity_healthy("fine"), "lag", NAN, "ms", probity_at_most(NAN, NAN));
    probity_finding(probity_measure_text(outcome, "x", NULL), PROBITY_UNHEALTHY, "wrong");
    holds(outcome->result == IS_OTHER, "NaN is a failure");
    same(outcome->message, "judge(\"lag\"): the value is NaN, expected a number");
    same(probity_measure(probity_healthy("fine"), "lag", NAN, "")->message, "measure(\"lag\"): the value is NaN, expected a number");
    same(probity_measure_text(probity_healthy("fine"), "x", NULL)->message, "measure(\"x\"): the value is NULL, expected a text");
    same(probity_finding(probity_healthy("fine"), (probity_status)7, "x")->message,
         "finding: 7 is no status; there are PROBITY_HEALTHY, PROBITY_DEGRADED, PROBITY_UNHEALTHY");
    probity_status status = PROBITY_HEALTHY;
    holds(probity_status_of("degraded", &status) && status == PROBITY_DEGRADED, "degraded is a status");
    const char *const words[] = {"critical", "down", "Unhealthy", "", NULL};
    for (size_t at = 0; at < sizeof words / sizeof *words; at++) holds(!probity_status_of(words[at], &status), "no status");
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

/** Integers are compared as integers, past 2^53 as well, and shown with all their digits. */
static void integers_are_compared_as_integers(void) {
    const int64_t next = INT64_C(9007199254740993);
    probity_threshold most = probity_at_most(NAN, 0x1p53), least = probity_at_least(NAN, 0x1p53);
    holds(probity_judge_integer(probity_healthy("x"), "n", next - 1, "", most)->status == PROBITY_HEALTHY, "2^53 is allowed");
    holds(probity_judge_integer(probity_healthy("x"), "n", next - 2, "", least)->status == PROBITY_UNHEALTHY, "2^53 - 1 is less");
    probity_outcome *outcome = probity_judge_integer(probity_healthy("fine"), "n", next, "{rows}", most);
    same(outcome->message, "n 9007199254740993 rows, more than 9007199254740992 rows");
    holds(outcome->measurements[0].kind == FOUND_INTEGER && outcome->measurements[0].value.integer == next, "no digit is lost");
    probity_threshold exact = {.warn = NAN, .crit = 0x1p53, .crit_whole = {true, next}};
    holds(probity_judge_integer(probity_healthy("x"), "n", next, "", exact)->status == PROBITY_HEALTHY, "2^53 + 1 is allowed");
    same(probity_judge_integer(probity_healthy("x"), "n", next + 1, "", exact)->message,
         "n 9007199254740994, more than 9007199254740993");
    probity_threshold wrong = {.warn = 0x1p53, .crit = 0x1p53, .warn_whole = {true, next}, .crit_whole = {true, next - 1}};
    same(probity_disorder(wrong), "warn 9007199254740993 is never reached before crit 9007199254740992: warn must be at most crit");
    holds(probity_judge_integer(probity_healthy("x"), "n", 1, "", probity_at_most(0.5, INFINITY))->status == PROBITY_DEGRADED, "1 > 0.5");
    holds(probity_judge_integer(probity_healthy("x"), "n", INT64_MAX, "", probity_at_most(NAN, 0x1p63))->status == PROBITY_HEALTHY, "2^63");
    holds(probity_judge_integer(probity_healthy("x"), "n", 7, "", most)->measurements[0].kind == FOUND_NUMBER, "a small one is a number");
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

/** What is one value of JSON is told from what is none. */
static void json_is_told_from_pages(void) {
    const char *const whole[] = {"{\"a\": [1, {}]} ", " []", "\"x\"", "-1.5", "null"};
    for (size_t at = 0; at < sizeof whole / sizeof *whole; at++) holds(probity_json_is_whole(bytes(whole[at])), whole[at]);
    const char *const none[] = {"", "<html>", "ok", "{", "{} {}", "{\"a\":1"};
    for (size_t at = 0; at < sizeof none / sizeof *none; at++) holds(!probity_json_is_whole(bytes(none[at])), none[at]);
}

/** A field is what its column holds; exact numbers, which travel as text, count as numbers, and what is none is told. */
static void fields_are_read_as_types(void) {
    const probity_sql_column columns[] = {{"n", "numeric"}, {"flag", "bool"}, {"none", "text"}, {"word", "text"}};
    const probity_sql_value values[] = {
        probity_sql_text(" 12 "), probity_sql_boolean(true), probity_sql_null(), probity_sql_text("many"),
        probity_sql_text("1.5"),  probity_sql_integer(2),    probity_sql_null(), probity_sql_text("9223372036854775808"),
    };
    probity_sql_rows rows = {columns, 4, values, 2, false};
    probity_error error = {0};
    int64_t whole = 0;
    double number = 0;
    bool flag = false;
    const char *word = NULL;
    holds(probity_sql_get_integer(&rows, 0, "n", &whole, &error) && whole == 12, "12 is an integer");
    holds(probity_sql_get_integer(&rows, 0, NULL, &whole, &error) && whole == 12, "the first column is n");
    holds(probity_sql_get_integer(&rows, 0, "flag", &whole, &error) && whole == 1, "true counts as 1");
    holds(probity_sql_get_number(&rows, 0, "n", &number, &error) && number == 12, "12 is a number");
    holds(probity_sql_get_number(&rows, 1, "n", &number, &error) && number == 1.5, "1.5 is a number");
    holds(probity_sql_get_number(&rows, 1, "flag", &number, &error) && number == 2, "an integer is a number");
    holds(probity_sql_get_boolean(&rows, 0, "flag", &flag, &error) && flag, "the flag is set");
    holds(probity_sql_get_text(&rows, 0, "word", &word, &error), "the word is text");
    same(word, "many");
    holds(probity_sql_field(&rows, 1, "none", &error)->kind == PROBITY_SQL_NULL, "nothing is null");
    holds(!probity_sql_get_integer(&rows, 1, "word", &whole, &error), "2^63 is too large");
    holds(!probity_sql_get_integer(&rows, 0, "word", &whole, &error), "a word is no integer");
    same(error.message, "column \"word\" is text \"many\", not an integer");
    holds(error.kind == PROBITY_INVALID_ARGUMENT && error.code == NULL, "that is a mistake of the check");
    holds(!probity_sql_get_number(&rows, 0, "none", &number, &error), "null is no number");
    same(error.message, "column \"none\" is NULL, not a number");
    holds(!probity_sql_get_boolean(&rows, 1, "flag", &flag, &error), "2 is no truth value");
    same(error.message, "column \"flag\" is 2, not a truth value");
    holds(!probity_sql_get_text(&rows, 0, "flag", &word, &error), "a truth value is no text");
    same(error.message, "column \"flag\" is true, not text");
    holds(!probity_sql_get_text(&rows, 0, "other", &word, &error), "no such column");
    same(error.message, "the reply has no column \"other\"");
    holds(!probity_sql_get_text(&rows, 2, "word", &word, &error), "no such row");
    same(error.message, "the reply has no row 2");
    probity_sql_rows empty = {columns, 4, NULL, 0, false};
    holds(!probity_sql_get_integer(&empty, 0, NULL, &whole, &error), "no row at all");
    same(error.message, "the statement gave no row");
    holds(!probity_sql_get_integer(&empty, 0, NULL, &whole, NULL), "the error may be left out");
    probity_free_all();
}

/** A map reads the same in either version of the protocol, and numbers that came as text are numbers. */
static void replies_are_read(void) {
    const probity_reply items[] = {
        {.kind = PROBITY_REPLY_BULK, .as.bytes = bytes("lag")},
        {.kind = PROBITY_REPLY_BULK, .as.bytes = bytes("7")},
        {.kind = PROBITY_REPLY_SIMPLE, .as.bytes = bytes("name")},
        {.kind = PROBITY_REPLY_INTEGER, .as.integer = 3},
        {.kind = PROBITY_REPLY_BULK, .as.bytes = bytes("alone")},
    };
    probity_reply reply = {.kind = PROBITY_REPLY_ARRAY, .as.list = {items, 5}};
    int64_t value = 0;
    for (int turn = 0; turn < 2; turn++) {
        const probity_reply *lag = probity_reply_get(&reply, "lag"), *name = probity_reply_get(&reply, "name");
        holds(lag != NULL && probity_reply_integer(lag, &value) && value == 7, "the lag is 7");
        holds(name != NULL && probity_reply_integer(name, &value) && value == 3, "the name is 3");
        reply.kind = PROBITY_REPLY_MAP;
    }
    holds(probity_reply_get(&reply, "7") == NULL, "7 is a value, no key");
    holds(probity_reply_get(&reply, "alone") == NULL, "a key without a value is none");
    holds(probity_reply_get(&items[0], "lag") == NULL, "a text has no keys");
    same(probity_reply_text(&items[2]), "name");
    holds(probity_reply_text(&items[3]) == NULL && probity_reply_text(&reply) == NULL, "numbers and containers are no text");
    holds(!probity_reply_integer(&items[0], &value) && !probity_reply_integer(&reply, &value), "lag is no number");
}

/** Fields are found in any case, the first of a name; certificates expire at the second they say. */
static void fields_and_days_are_found(void) {
    const probity_field fields[] = {{"grpc-status", "0"}, {"grpc-status", "1"}};
    same(probity_fields_get((probity_fields){fields, 2}, "Grpc-Status"), "0");
    holds(probity_fields_get((probity_fields){fields, 2}, "grpc") == NULL, "no such field");
    const probity_certificate certificate = {.not_after_unix = 1000 + 3 * 86400};
    holds(probity_certificate_days_left(&certificate, 1000 * 1000) == 3, "3 days are left");
    holds(probity_certificate_days_left(&certificate, 1000 * 1000 + 345600 * UINT64_C(1000)) == -1, "a day too late");
}

static int32_t dropped[8];
static size_t drops;

static void drop(int32_t number) { dropped[drops++] = number; }

/** What a run took goes back when it ends, the newest first; what the check gave back goes only once. */
static void handles_go_back_once(void) {
    probity_handle connection, response, transaction;
    probity_handle_keep(&connection, 1, drop);
    probity_handle_keep(&response, 2, drop);
    probity_handle_keep(&transaction, 3, drop);
    probity_handle_drop(&response);
    probity_handle_drop(&response);
    probity_handle_drop(NULL);
    probity_handle_drop_all();
    probity_handle_drop_all();
    holds(drops == 3 && dropped[0] == 2 && dropped[1] == 3 && dropped[2] == 1, "2 by the check, then 3 before 1");
}

int main(void) {
    handles_go_back_once();
    fields_are_read_as_types();
    replies_are_read();
    fields_and_days_are_found();
    answers_are_read();
    json_is_told_from_pages();
    findings_make_the_message();
    misuse_is_a_failure();
    the_bound_itself_is_allowed();
    integers_are_compared_as_integers();
    amounts_are_shown_readably();
    quantities_read_with_units();
    edges_hold();
    return wrong;
}
