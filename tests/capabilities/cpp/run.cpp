/**
 * @file
 * `context`, `clock` and `state`.
 */
#include "show.hpp"

using probity::Result;

Result<void> show_context(Show show) {
    namespace context = probity::context;
    show.text("check-id", context::check_id()).text("run-id", context::run_id());
    auto traceparent = context::traceparent();
    show.text("traceparent", traceparent.value_or("none"));
    show.integer("remaining-ms", context::remaining_ms());
    show.integer("consecutive-failures", context::consecutive_failures());
    auto previous = context::previous();
    if (!previous) {
        show.none("previous");
        return {};
    }
    show.status("previous-status", previous->concluded, previous->status)
        .text("previous-message", previous->message)
        .integer("previous-at-unix-ms", previous->at_unix_ms)
        .number("previous-duration-ms", previous->duration_ms);
    return {};
}

Result<void> show_clock(Show show) {
    namespace clock = probity::clock;
    std::uint64_t wall = clock::now_unix_ms(), monotonic = clock::monotonic_ns();
    clock::sleep_ms(250);
    show.integer("now-unix-ms", wall)
        .integer("wall-ms", clock::now_unix_ms() - wall)
        .integer("monotonic-ms", (clock::monotonic_ns() - monotonic) / 1'000'000);
    return {};
}

Result<void> show_state(Show show) {
    namespace state = probity::state;
    if (auto set = state::set("text", "kept"); !set) return set;
    if (auto set = state::set("brief", "x", 1); !set) return set;
    auto first = state::increment("count", 5);
    if (!first) return first.error();
    auto second = state::increment("count", -7);
    if (!second) return second.error();
    probity::clock::sleep_ms(20);
    show.integer("first", *first).integer("second", *second);
    for (const char *key : {"text", "brief", "never"}) {
        auto value = state::get(key);
        if (!value) return value.error();
        show.text(key, value->value_or("none"));
    }
    if (auto set = state::set("gone", "x"); !set) return set;
    if (auto removed = state::remove("gone"); !removed) return removed;
    auto all = state::keys();
    if (!all) return all.error();
    auto some = state::keys("te");
    if (!some) return some.error();
    show.text("all", joined(*all)).text("some", joined(*some));
    return {};
}

Result<void> show_state_large(Show show) {
    namespace state = probity::state;
    if (auto set = state::set("large", std::string(40'000, 'x')); !set) return set;
    std::uint64_t sum = 0;
    for (int time = 0; time < 300; ++time) {
        auto value = state::get("large");
        if (!value) return value.error();
        sum += value->value_or("").size();
    }
    show.integer("bytes", sum);
    return {};
}

Result<void> show_state_key(Show) { return probity::state::set("", "x"); }
