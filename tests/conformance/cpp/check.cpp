/**
 * @file
 * The reference check of the conformance suite, in C++: see `tests/conformance/README.md`.
 */
#include <cmath>
#include <probity.hpp>
#include <string>
#include <vector>

namespace config = probity::config;

static probity::Outcome judge() {
    auto limits = probity_at_most(config::number("/warn", NAN), config::number("/crit", NAN));
    return probity::healthy("as it should be").judge("value", config::number("/value"), "", limits);
}

static probity::Outcome judge_integer() {
    return probity::healthy("as it should be").judge("integer", config::integer("/integer"), "", config::at_most("/most"));
}

static probity::Outcome write_lines() {
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
    for (int level = PROBITY_LOG_TRACE; level <= PROBITY_LOG_ERROR; level++)
        probity::log::write(static_cast<probity_level>(level), std::string("line at ") + levels[level], {{"n", "1"}});
    return probity::healthy("logged");
}

static probity::Outcome fetch() {
    auto response = probity::http::get(config::text("/url"));
    if (!response) return response.error().answer();
    int status = response->status();
    return probity::healthy("status " + std::to_string(status)).measure("status", status);
}

static probity::Outcome look_up() {
    auto response = probity::http::get(config::text("/url"));
    if (!response) return response.error().failure();
    auto value = response->number("value");
    if (!value) return value.error().failure();
    return probity::healthy("found").measure("value", *value);
}

static probity::Outcome count() {
    auto runs = probity::state::increment("runs");
    if (!runs) return runs.error().failure();
    return probity::healthy("counted").measure("runs", *runs);
}

static probity::Outcome allocate() {
    std::vector<std::vector<char>> kept;
    for (;;) kept.emplace_back(1 << 20, 1);
}

PROBITY_CHECK({.name = "reference", .description = "Does every language do the same?"}) {
    auto act = config::text("/act");
    if (act == "judge") return judge();
    if (act == "integer") return judge_integer();
    if (act == "log") return write_lines();
    if (act == "http") return fetch();
    if (act == "json") return look_up();
    if (act == "state") return count();
    if (act == "allocate") return allocate();
    if (act == "word") return probity::healthy("fine").finding(config::text("/word"), "said");
    if (act == "nothing") return probity::healthy("fine").judge("lag", NAN, "ms", probity_at_most(NAN, NAN));
    if (act == "throw") probity_panic("boom");
    if (act == "config") return probity::healthy("value " + std::to_string(config::number("/value")));
    if (act == "loop") {
        for (volatile bool forever = true; forever;) {
        }
    }
    return probity::failure("unknown act `" + std::string(act) + "`");
}
