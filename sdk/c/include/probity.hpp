/**
 * @file
 * Author kit for Probity checks in C++ (17 or later, no exceptions needed): `probity.h` with values and destructors.
 *
 *     #include <probity.hpp>
 *
 *     PROBITY_CHECK({.name = "orders-backlog", .description = "Is every order being paid?"}) {
 *         auto response = probity::http::get(probity::config::text("/url"));
 *         if (!response) return response.error().answer();
 *         return probity::healthy("the shop answers")
 *             .judge("latency", response->total_ms(), "ms", probity::config::at_most("/latency", PROBITY_SPAN));
 *     }
 */
#ifndef PROBITY_HPP
#define PROBITY_HPP

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "probity.h"

namespace probity {

/** A copy of a text that stays until the run ends, as the C kit wants the texts of an outcome. */
inline const char *keep(std::string_view text) { return probity_keep(text.data(), text.size()); }

/** What a run concluded, or why it could not. */
class Outcome {
public:
    explicit Outcome(probity_outcome *raw) : raw_(raw) {}

    /** Each adds a value without judging it. `unit` is a UCUM code, or empty. */
    Outcome &measure(std::string_view name, double value, std::string_view unit = "") {
        probity_measure(raw_, keep(name), value, keep(unit));
        return *this;
    }
    Outcome &measure(std::string_view name, std::int64_t value, std::string_view unit = "") {
        probity_measure_integer(raw_, keep(name), value, keep(unit));
        return *this;
    }
    Outcome &measure(std::string_view name, int value, std::string_view unit = "") {
        return measure(name, static_cast<std::int64_t>(value), unit);
    }
    Outcome &measure(std::string_view name, bool value) {
        probity_measure_bool(raw_, keep(name), value);
        return *this;
    }
    Outcome &measure_text(std::string_view name, std::string_view value) {
        probity_measure_text(raw_, keep(name), keep(value));
        return *this;
    }
    /** Adds a value and judges it. */
    Outcome &judge(std::string_view name, double value, std::string_view unit, probity_threshold threshold) {
        probity_judge(raw_, keep(name), value, keep(unit), threshold);
        return *this;
    }
    /** Adds a finding: the worst comes first in the message. */
    Outcome &finding(probity_status status, std::string_view text) {
        probity_finding(raw_, status, "%s", keep(text));
        return *this;
    }
    /** Adds a fact for the person who looks. */
    Outcome &detail(std::string_view name, std::string_view value) {
        probity_detail(raw_, keep(name), keep(value));
        return *this;
    }
    probity_outcome *raw() const { return raw_; }

private:
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
    T *operator->() { return &value_; }
    const Error &error() const { return error_; }

private:
    T value_;
    Error error_;
    bool ok_;
};

/** Scalars of `[check.config]` by JSON pointer; see `probity.h` for what happens to those that do not fit. */
namespace config {
inline bool has(const char *pointer) { return probity_config_has(pointer); }
inline std::string_view text(const char *pointer) { return probity_config_text(pointer); }
inline std::string_view text(const char *pointer, const char *fallback) { return probity_config_text_or(pointer, fallback); }
inline double number(const char *pointer) { return probity_config_number(pointer); }
inline double number(const char *pointer, double fallback) { return probity_config_number_or(pointer, fallback); }
inline std::int64_t integer(const char *pointer, std::int64_t fallback) { return probity_config_integer_or(pointer, fallback); }
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

namespace state {
/** Adds to the number at `key`, atomically. */
inline Result<std::int64_t> increment(const char *key, std::int64_t delta = 1) {
    probity_error error;
    std::int64_t sum = 0;
    if (!probity_state_increment(key, delta, &sum, &error)) return Error(error);
    return sum;
}
} // namespace state

namespace http {
/** An answer; its handle goes back to the host with it. */
class Response {
public:
    Response() = default;
    explicit Response(probity_response *raw) : raw_(raw) {}
    Response(Response &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    Response &operator=(Response &&other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~Response() { probity_response_free(raw_); }

    int status() const { return probity_response_status(raw_); }
    std::string_view header(const char *name) const {
        const char *value = probity_response_header(raw_, name);
        return value == nullptr ? "" : value;
    }
    Result<std::string_view> body() const {
        probity_bytes body;
        probity_error error;
        if (!probity_response_body(raw_, &body, &error)) return Error(error);
        return std::string_view(reinterpret_cast<const char *>(body.data), body.length);
    }
    double total_ms() const { return probity_response_total_ms(raw_); }

private:
    probity_response *raw_ = nullptr;
};

inline Result<Response> send(const probity_request &request) {
    probity_error error;
    probity_response *response = probity_http_send(&request, &error);
    if (response == nullptr) return Error(error);
    return Response(response);
}

inline Result<Response> get(std::string_view url) {
    probity_request request = {};
    request.url = keep(url);
    return send(request);
}
} // namespace http

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
