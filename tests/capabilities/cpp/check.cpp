/**
 * @file
 * The check of the capability suite, in C++: see `tests/capabilities/README.md`.
 */
#include "show.hpp"

static const struct {
    std::string_view word;
    Act *run;
} ACTS[] = {
    {"context", show_context},
    {"clock", show_clock},
    {"state", show_state},
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

PROBITY_CHECK({.name = "capabilities", .description = "Does every capability arrive in every language?"}) {
    std::string word(probity::config::text("/act"));
    bool catches = probity::config::boolean("/catch", false);
    for (const auto &act : ACTS) {
        if (act.word != word) continue;
        auto outcome = probity::healthy(word);
        auto done = act.run(Show(outcome));
        if (done) return outcome;
        const probity::Error &error = done.error();
        if (!catches) return error.failure();
        auto caught = probity::unhealthy(probity_kind_name(error.kind()) + std::string(": ") + std::string(error.message()));
        return caught.detail("code", error.code().empty() ? "none" : error.code());
    }
    return probity::failure("unknown act `" + word + "`");
}
