/**
 * @file
 * The reference check of the conformance suite, in C: see `tests/conformance/README.md`.
 */
#include <math.h>
#include <probity.h>
#include <stdlib.h>
#include <string.h>

const probity_metadata probity_check = {.name = "reference", .description = "Does every language do the same?"};

static probity_outcome *judge(void) {
    probity_threshold limits =
        probity_at_most(probity_config_number_or("/warn", NAN), probity_config_number_or("/crit", NAN));
    return probity_judge(probity_healthy("as it should be"), "value", probity_config_number("/value"), "", limits);
}

static probity_outcome *judge_integer(void) {
    probity_threshold most = probity_config_at_most("/most", PROBITY_NUMBER);
    return probity_judge_integer(probity_healthy("as it should be"), "integer", probity_config_integer("/integer"), "", most);
}

static probity_outcome *write_lines(void) {
    static const char *const lines[] = {"line at trace", "line at debug", "line at info", "line at warn", "line at error"};
    const probity_field field = {"n", "1"};
    for (int level = PROBITY_LOG_TRACE; level <= PROBITY_LOG_ERROR; level++)
        probity_log_fields((probity_level)level, lines[level], &field, 1);
    return probity_healthy("logged");
}

static probity_outcome *fetch(void) {
    probity_error error;
    probity_response *response = probity_http_get(probity_config_text("/url"), &error);
    if (response == NULL) {
        if (probity_is_about_the_target(error.kind)) return probity_unhealthy("no answer: %s", probity_kind_name(error.kind));
        return probity_failure(&error);
    }
    uint16_t status = probity_response_status(response);
    return probity_measure_integer(probity_healthy("status %u", status), "status", status, "");
}

static probity_outcome *look_up(void) {
    probity_error error;
    double value;
    probity_response *response = probity_http_get(probity_config_text("/url"), &error);
    if (response == NULL || !probity_response_number(response, "value", &value, &error)) return probity_failure(&error);
    return probity_measure(probity_healthy("found"), "value", value, "");
}

static probity_outcome *count(void) {
    probity_error error;
    int64_t runs;
    if (!probity_state_increment("runs", 1, &runs, &error)) return probity_failure(&error);
    return probity_measure_integer(probity_healthy("counted"), "runs", runs, "");
}

static probity_outcome *word(void) {
    const char *said = probity_config_text("/word");
    probity_status status;
    if (probity_status_of(said, &status)) return probity_finding(probity_healthy("fine"), status, "said");
    return probity_failure_other("\"%s\" is no status; there are healthy, degraded, unhealthy", said);
}

static probity_outcome *allocate(void) {
    for (;;) {
        char *block = malloc(1 << 20);
        if (block == NULL) abort();
        for (volatile char *at = block; at < block + (1 << 20); at += 4096) *at = 1;
    }
}

probity_outcome *probity_run(void) {
    const char *act = probity_config_text("/act");
    if (strcmp(act, "judge") == 0) return judge();
    if (strcmp(act, "integer") == 0) return judge_integer();
    if (strcmp(act, "log") == 0) return write_lines();
    if (strcmp(act, "http") == 0) return fetch();
    if (strcmp(act, "json") == 0) return look_up();
    if (strcmp(act, "state") == 0) return count();
    if (strcmp(act, "allocate") == 0) return allocate();
    if (strcmp(act, "word") == 0) return word();
    if (strcmp(act, "nothing") == 0) return probity_judge(probity_healthy("fine"), "lag", NAN, "ms", probity_at_most(NAN, NAN));
    if (strcmp(act, "throw") == 0) probity_panic("boom");
    if (strcmp(act, "config") == 0) return probity_healthy("value %g", probity_config_number("/value"));
    if (strcmp(act, "loop") == 0) {
        for (volatile int forever = 1; forever;) {
        }
    }
    return probity_failure_other("unknown act `%s`", act);
}
