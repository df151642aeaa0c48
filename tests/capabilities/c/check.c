/**
 * @file
 * The check of the capability suite, in C: see `tests/capabilities/README.md`.
 */
#include <string.h>

#include "show.h"

const probity_metadata probity_check = {
    .name = "capabilities",
    .description = "Does every capability arrive in every language?",
};

static const struct {
    const char *word;
    act *run;
} ACTS[] = {
    {"context", show_context},
    {"clock", show_clock},
    {"state", show_kept},
    {"state-large", show_state_large},
    {"state-key", show_state_key},
    {"http-get", http_get},
    {"http-tls", http_tls},
    {"http-send", http_send},
    {"http-all", http_all},
    {"tcp", tcp},
    {"starttls", starttls},
    {"tls", tls},
    {"tls-trusting", tls_trusting},
    {"tls-named", tls_named},
    {"udp", udp},
    {"dns", dns},
    {"dns-at", dns_at},
    {"sql", sql},
    {"sql-write", sql_write},
    {"redis", redis},
    {"queue", queue},
    {"queue-publish", queue_publish},
    {"secrets", secrets},
    {"reveal", reveal},
    {"memory", memory},
    {"cpu", cpu},
    {"load", load},
    {"pressure", pressure},
    {"uptime", uptime},
    {"disk", disk},
    {"disks", disks},
    {"processes", processes},
    {"stat", file},
    {"heartbeat", heartbeat},
    {"heartbeats", heartbeats},
    {"heartbeat-open", heartbeat_open},
    {"peer", peer},
    {"peers", peers},
};

probity_outcome *probity_run(void) {
    const char *word = probity_config_text("/act");
    bool catches = probity_config_bool_or("/catch", false);
    for (size_t at = 0; at < sizeof ACTS / sizeof *ACTS; at++) {
        if (strcmp(ACTS[at].word, word) != 0) continue;
        probity_error error;
        probity_outcome *outcome = probity_healthy("%s", word);
        if (ACTS[at].run(outcome, &error)) return outcome;
        if (!catches) return probity_failure(&error);
        outcome = probity_unhealthy("%s: %s", probity_kind_name(error.kind), error.message);
        show_text(outcome, "code", error.code);
        return outcome;
    }
    return probity_failure_other("unknown act `%s`", word);
}
