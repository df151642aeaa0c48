/**
 * @file
 * What every check in C++ has: outcome, errors, configuration, log, clock, context, state.
 */
#ifndef PROBITY_CHECK_HPP
#define PROBITY_CHECK_HPP

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "check.h"

namespace probity {

/** A copy of a text that stays until the run ends, as the C kit wants the texts of an outcome. */
inline const char *keep(std::string_view text) { return probity_keep(text.data(), text.size()); }

/** Bytes as C++ sees them. */
inline std::string_view view(probity_bytes bytes) { return {reinterpret_cast<const char *>(bytes.data), bytes.length}; }

/** What a run concluded, or why it could not. */
class Outcome {
public:
    explicit Outcome(probity_outcome *raw) : raw_(raw) {}

    /** Adds a value without judging it: a number, a bool or a text. `unit` is a UCUM code, or empty. */
    template <class T> Outcome &measure(std::string_view name, const T &value, std::string_view unit = "") {
        if constexpr (std::is_same_v<T, bool>)
            probity_measure_bool(raw_, keep(name), value);
        else if constexpr (std::is_integral_v<T>)
            probity_measure_integer(raw_, keep(name), static_cast<std::int64_t>(value), keep(unit));
        else if constexpr (std::is_floating_point_v<T>)
            probity_measure(raw_, keep(name), value, keep(unit));
        else
            probity_measure_text(raw_, keep(name), keep(value));
        return *this;
    }
    /** Adds a value and judges it; an integer is compared as one. */
    template <class T> Outcome &judge(std::string_view name, T value, std::string_view unit, probity_threshold threshold) {
        if (is_integer(value))
            probity_judge_integer(raw_, keep(name), static_cast<std::int64_t>(value), keep(unit), threshold);
        else
            probity_judge(raw_, keep(name), static_cast<double>(value), keep(unit), threshold);
        return *this;
    }
    /** Adds a finding: the worst comes first in the message. */
    Outcome &finding(probity_status status, std::string_view text) {
        probity_finding(raw_, status, "%s", keep(text));
        return *this;
    }
    /** The same, by the status' word; any other word makes the outcome a failure that lists them. */
    Outcome &finding(std::string_view status, std::string_view text) {
        probity_status found;
        if (probity_status_of(keep(status), &found)) return finding(found, text);
        raw_ = probity_failure_other("finding: \"%s\" is no status; there are healthy, degraded, unhealthy", keep(status));
        return *this;
    }
    /** Adds a fact for the person who looks. */
    Outcome &detail(std::string_view name, std::string_view value) {
        probity_detail(raw_, keep(name), keep(value));
        return *this;
    }
    probity_outcome *raw() const { return raw_; }

private:
    /** Whether it is one that 64 bits with a sign hold. */
    template <class T> static bool is_integer(T value) {
        if constexpr (std::is_integral_v<T>) return std::is_signed_v<T> || static_cast<std::uint64_t>(value) <= INT64_MAX;
        return false;
    }

    probity_outcome *raw_;
};

inline Outcome healthy(std::string_view message) { return Outcome(probity_healthy("%s", keep(message))); }
inline Outcome degraded(std::string_view message) { return Outcome(probity_degraded("%s", keep(message))); }
inline Outcome unhealthy(std::string_view message) { return Outcome(probity_unhealthy("%s", keep(message))); }
/** No judgement was possible. */
inline Outcome failure(std::string_view reason) { return Outcome(probity_failure_other("%s", keep(reason))); }

/** Why a capability refused. */
class Error {
public:
    explicit Error(probity_error raw) : raw_(raw) {}
    probity_kind kind() const { return raw_.kind; }
    std::string_view message() const { return raw_.message; }
    std::string_view code() const { return raw_.code == nullptr ? "" : raw_.code; }
    bool is_about_the_target() const { return probity_is_about_the_target(raw_.kind); }
    /** Passed on as it came: the check is unknown. */
    Outcome failure() const { return Outcome(probity_failure(&raw_)); }
    /** What a check of the target says: unhealthy when this is about the target, else the failure. */
    Outcome answer() const {
        if (!is_about_the_target()) return failure();
        return unhealthy(std::string("no answer: ") + probity_kind_name(raw_.kind));
    }

private:
    probity_error raw_;
};

/** A value, or why there is none. */
template <class T> class Result {
public:
    Result(T value) : value_(std::move(value)), error_({}), ok_(true) {}
    Result(Error error) : value_(), error_(error), ok_(false) {}
    explicit operator bool() const { return ok_; }
    T &operator*() { return value_; }
    const T &operator*() const { return value_; }
    T *operator->() { return &value_; }
    const T *operator->() const { return &value_; }
    const Error &error() const { return error_; }

private:
    T value_;
    Error error_;
    bool ok_;
};

/** That it is done, or why not. */
template <> class Result<void> {
public:
    Result() : error_({}), ok_(true) {}
    Result(Error error) : error_(error), ok_(false) {}
    explicit operator bool() const { return ok_; }
    const Error &error() const { return error_; }

private:
    Error error_;
    bool ok_;
};

/** What a function of the C kit did. */
inline Result<void> done(bool ok, const probity_error &error) {
    if (!ok) return Error(error);
    return {};
}

/** What a function of the C kit wrote to its last argument but one. */
template <class T> Result<T> given(bool ok, T value, const probity_error &error) {
    if (!ok) return Error(error);
    return value;
}

/** A handle of the host, which goes back there with this. */
template <class Raw, void (*Free)(Raw *)> class Handle {
public:
    Handle() = default;
    explicit Handle(Raw *raw) : raw_(raw) {}
    Handle(Handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~Handle() { Free(raw_); }
    Raw *raw() const { return raw_; }

private:
    Raw *raw_ = nullptr;
};

/** Scalars of `[check.config]` by JSON pointer; see `probity.h` for what happens to those that do not fit. */
namespace config {
inline bool has(const char *pointer) { return probity_config_has(pointer); }
inline std::string_view text(const char *pointer) { return probity_config_text(pointer); }
inline std::string_view text(const char *pointer, const char *fallback) { return probity_config_text_or(pointer, fallback); }
inline double number(const char *pointer) { return probity_config_number(pointer); }
inline double number(const char *pointer, double fallback) { return probity_config_number_or(pointer, fallback); }
inline std::int64_t integer(const char *pointer) { return probity_config_integer(pointer); }
inline std::int64_t integer(const char *pointer, std::int64_t fallback) { return probity_config_integer_or(pointer, fallback); }
inline bool boolean(const char *pointer, bool fallback) { return probity_config_bool_or(pointer, fallback); }
/** Milliseconds of "250ms", "15s", "10m", "2h", "7d". */
inline std::uint64_t span(const char *pointer, std::uint64_t fallback_ms) { return probity_config_span_or(pointer, fallback_ms); }
/** Bytes of 512, "64KiB", "32MiB", "5GiB", "5GB". */
inline std::uint64_t size(const char *pointer, std::uint64_t fallback) { return probity_config_size_or(pointer, fallback); }
inline probity_threshold at_most(const char *pointer, probity_quantity quantity = PROBITY_NUMBER) {
    return probity_config_at_most(pointer, quantity);
}
inline probity_threshold at_least(const char *pointer, probity_quantity quantity = PROBITY_NUMBER) {
    return probity_config_at_least(pointer, quantity);
}
} // namespace config

namespace json {
/** The number of `key` in the table that `document` is. */
inline bool number(std::string_view document, std::string_view key, double &value) {
    const char *kept = keep(document);
    return probity_json_number({reinterpret_cast<const std::uint8_t *>(kept), document.size()}, keep(key), &value);
}
/** The text of `key` in the table that `document` is; nothing when there is none. */
inline const char *text(std::string_view document, std::string_view key) {
    const char *kept = keep(document);
    return probity_json_text({reinterpret_cast<const std::uint8_t *>(kept), document.size()}, keep(key));
}
} // namespace json

namespace log {
/** Writes a record. */
inline void write(probity_level level, std::string_view message, std::initializer_list<probity_field> fields = {}) {
    probity_log_fields(level, keep(message), fields.begin(), fields.size());
}
} // namespace log

namespace clock {
/** Wall-clock time in milliseconds since 1970. */
inline std::uint64_t now_unix_ms() { return probity_now_unix_ms(); }
/** Nanoseconds since an arbitrary start; never goes back. */
inline std::uint64_t monotonic_ns() { return probity_monotonic_ns(); }
/** Sleeps without spending fuel. */
inline void sleep_ms(std::uint32_t ms) { probity_sleep_ms(ms); }
} // namespace clock

/** Facts about this run. */
namespace context {
inline std::string_view check_id() { return probity_check_id(); }
/** Unique per run: use it to tag a dummy transaction. */
inline std::string_view run_id() { return probity_run_id(); }
/** The run's W3C trace context; nothing when tracing is off. */
inline std::optional<std::string_view> traceparent() {
    const char *text = probity_traceparent();
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}
/** Milliseconds until the host gives up on this run. */
inline std::uint32_t remaining_ms() { return probity_remaining_ms(); }
/** How many runs failed in a row before this one. */
inline std::uint32_t consecutive_failures() { return probity_consecutive_failures(); }
/** What the previous run concluded; nothing on the first. */
inline std::optional<probity_previous_run> previous() {
    probity_previous_run run = {};
    return probity_previous(&run) ? std::optional(run) : std::nullopt;
}
} // namespace context

/** A few bytes between runs. */
namespace state {
/** The value of `key`; nothing when there is none. */
inline Result<std::optional<std::string_view>> get(std::string_view key) {
    probity_error error = {};
    probity_bytes value = {};
    if (!probity_state_get(keep(key), &value, &error)) return Error(error);
    if (value.data == nullptr) return std::optional<std::string_view>();
    return std::optional(view(value));
}
/** Sets `key`, for good when `ttl_ms` is 0. */
inline Result<void> set(std::string_view key, std::string_view value, std::uint64_t ttl_ms = 0) {
    probity_error error = {};
    return done(probity_state_set(keep(key), value.data(), value.size(), ttl_ms, &error), error);
}
/** Adds to the number at `key`, atomically. */
inline Result<std::int64_t> increment(std::string_view key, std::int64_t delta = 1) {
    probity_error error = {};
    std::int64_t sum = 0;
    bool ok = probity_state_increment(keep(key), delta, &sum, &error);
    return given(ok, sum, error);
}
/** Removes `key`; nothing happens when there is none. */
inline Result<void> remove(std::string_view key) {
    probity_error error = {};
    return done(probity_state_delete(keep(key), &error), error);
}
/** The keys that start with `prefix`, in order. */
inline Result<probity_texts> keys(std::string_view prefix = "") {
    probity_error error = {};
    probity_texts found = {};
    bool ok = probity_state_keys(keep(prefix), &found, &error);
    return given(ok, found, error);
}
} // namespace state

} // namespace probity

/** The check of this component: its metadata, then the body of its run, which returns a probity::Outcome. */
#define PROBITY_CHECK(...)                                                    \
    static probity::Outcome probity_run_body();                               \
    extern "C" {                                                              \
    extern const probity_metadata probity_check;                              \
    const probity_metadata probity_check = __VA_ARGS__;                       \
    probity_outcome *probity_run(void) { return probity_run_body().raw(); }   \
    }                                                                         \
    static probity::Outcome probity_run_body()

#endif
