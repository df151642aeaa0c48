/**
 * @file
 * What every check has: metadata, outcome, thresholds, errors, configuration, log, clock, run, state. It needs no grant.
 */
#ifndef PROBITY_CHECK_H
#define PROBITY_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define PROBITY_FORMAT(at) __attribute__((format(printf, at, at + 1)))
#else
#define PROBITY_FORMAT(at)
#endif

/* ---- What values look like ---- */

/** Bytes, which need not end in NUL but always do. */
typedef struct probity_bytes {
    const uint8_t *data; /**< NULL when there is nothing. */
    size_t length;
} probity_bytes;

/** A whole number that is not always known. In C++ it is true when it is, and `*` is its value. */
typedef struct probity_option {
    bool is_some;
    uint64_t value;
#ifdef __cplusplus
    explicit operator bool() const { return is_some; }
    uint64_t operator*() const { return value; }
#endif
} probity_option;

/** Several of a type: `items`, `count`; in C++ also a range. */
#ifdef __cplusplus
#define PROBITY_LIST(name, type)                                 \
    typedef struct name {                                        \
        const type *items;                                       \
        size_t count;                                            \
        const type *begin() const { return items; }              \
        const type *end() const { return items + count; }        \
        size_t size() const { return count; }                    \
        bool empty() const { return count == 0; }                \
        const type &operator[](size_t at) const { return items[at]; } \
    } name
#else
#define PROBITY_LIST(name, type) \
    typedef struct name {        \
        const type *items;       \
        size_t count;            \
    } name
#endif

/** A name and its value. */
typedef struct probity_field {
    const char *name;
    const char *value;
} probity_field;

PROBITY_LIST(probity_fields, probity_field);
PROBITY_LIST(probity_texts, char *const);

/** Zeroed memory that stays until the run ends; the run ends when there is none. */
void *probity_alloc(size_t size);
/** A copy of a text that stays until the run ends. */
const char *probity_keep(const char *text, size_t length);
/** A text as printf makes it, which stays until the run ends. */
const char *probity_format(const char *format, ...) PROBITY_FORMAT(1);

/* ---- What the check defines ---- */

/** Probes that a check is meant for: a hint to the operator, who decides. */
enum { PROBITY_LIVE = 1, PROBITY_READY = 2, PROBITY_STARTUP = 4 };

/** Static facts. Only the name is needed; texts may be NULL. */
typedef struct probity_metadata {
    const char *name;           /**< The plugin's name: lower case, digits, hyphens. */
    const char *version;        /**< Its version; "0.1.0" when NULL. */
    const char *description;    /**< One sentence: the question this check answers. */
    unsigned probes;            /**< PROBITY_READY | PROBITY_STARTUP … */
    uint32_t every_ms;          /**< Between runs when the operator does not say; 0 leaves it to the host. */
    uint32_t timeout_ms;        /**< A run may take when the operator does not say; 0 leaves it to the host. */
    const char *config_schema;  /**< JSON Schema (2020-12) of the configuration; the host validates with it. */
    const char *config_example; /**< A configuration that works, as JSON. */
} probity_metadata;

/** Of this component; the check defines it. */
extern const probity_metadata probity_check;

typedef struct probity_outcome probity_outcome;

/**
 * One run; the check defines it. Never NULL. It is in a fresh instance by default; an operator may let one serve several
 * runs (`runs-per-instance`), so keep nothing in globals.
 */
probity_outcome *probity_run(void);

/* ---- Outcome ---- */

/** A judgement. Worse is greater. */
typedef enum { PROBITY_HEALTHY, PROBITY_DEGRADED, PROBITY_UNHEALTHY } probity_status;

/** "healthy", "degraded", "unhealthy" */
const char *probity_status_name(probity_status status);
/** The status that one of these words names. False for any other word. */
bool probity_status_of(const char *word, probity_status *status);

/** As it should be. Later findings replace the message, which is formatted as by printf. */
probity_outcome *probity_healthy(const char *format, ...) PROBITY_FORMAT(1);
/** Works, and someone should look. */
probity_outcome *probity_degraded(const char *format, ...) PROBITY_FORMAT(1);
/** Does not work. */
probity_outcome *probity_unhealthy(const char *format, ...) PROBITY_FORMAT(1);

/**
 * Each adds a value without judging it, and returns the outcome. `unit` is a UCUM code ("ms", "By", "{orders}") or "".
 * NaN and NULL are no values: the outcome becomes a failure that names them.
 */
probity_outcome *probity_measure(probity_outcome *outcome, const char *name, double value, const char *unit);
probity_outcome *probity_measure_integer(probity_outcome *outcome, const char *name, int64_t value, const char *unit);
probity_outcome *probity_measure_text(probity_outcome *outcome, const char *name, const char *value);
probity_outcome *probity_measure_bool(probity_outcome *outcome, const char *name, bool value);

/**
 * Adds a finding: the status becomes the worse of the two, and the message tells all that are not healthy, worst first. What
 * is no status makes the outcome a failure.
 */
probity_outcome *probity_finding(probity_outcome *outcome, probity_status status, const char *format, ...) PROBITY_FORMAT(3);
/** Adds a fact for the person who looks. */
probity_outcome *probity_detail(probity_outcome *outcome, const char *name, const char *value);

/* ---- Thresholds ---- */

/** What a threshold is given in: a number, milliseconds ("10m"), or bytes ("32MiB"). */
typedef enum { PROBITY_NUMBER, PROBITY_SPAN, PROBITY_SIZE } probity_quantity;

/** A bound that was given as an integer: past 2^53 a double does not hold each. */
typedef struct probity_whole {
    bool is_some;
    int64_t value;
} probity_whole;

/** Bounds: the last values that are still allowed; NAN for one that is absent. */
typedef struct probity_threshold {
    double warn;               /**< The last value that is still healthy. */
    double crit;               /**< The last value that is not yet unhealthy. */
    bool at_least;             /**< Less is bad, instead of more. */
    probity_quantity quantity; /**< How amounts are shown. */
    probity_whole warn_whole;  /**< The same as `warn`, with all its digits. */
    probity_whole crit_whole;  /**< The same as `crit`, with all its digits. */
} probity_threshold;

/** More than `warn` is degraded, more than `crit` unhealthy. */
probity_threshold probity_at_most(double warn, double crit);
/** Less than `warn` is degraded, less than `crit` unhealthy. */
probity_threshold probity_at_least(double warn, double crit);
/** The status of `value`. A value that is not a number passes no bound. */
probity_status probity_judge_value(probity_threshold threshold, double value);
/**
 * Adds a value and judges it: past a threshold the status worsens and the message says by how much. NaN is neither good nor
 * bad: the outcome becomes a failure that names it.
 */
probity_outcome *probity_judge(probity_outcome *outcome, const char *name, double value, const char *unit,
                               probity_threshold threshold);
/** The same for an integer, which is compared as one: identifiers and offsets go past 2^53. */
probity_outcome *probity_judge_integer(probity_outcome *outcome, const char *name, int64_t value, const char *unit,
                                       probity_threshold threshold);
/** An amount for a person: "1.5 s", "3 orders". */
const char *probity_show(double amount, probity_quantity quantity, const char *unit);

/* ---- Errors and failures ---- */

/** What kind of thing went wrong in a capability, in the order of the contract. */
typedef enum {
    PROBITY_DENIED,
    PROBITY_NOT_FOUND,
    PROBITY_INVALID_ARGUMENT,
    PROBITY_TIMEOUT,
    PROBITY_DNS,
    PROBITY_REFUSED,
    PROBITY_UNREACHABLE,
    PROBITY_TLS,
    PROBITY_AUTH,
    PROBITY_PROTOCOL,
    PROBITY_REMOTE,
    PROBITY_TOO_LARGE,
    PROBITY_QUOTA,
    PROBITY_UNSUPPORTED,
    PROBITY_OTHER,
} probity_kind;

/** "too-large" */
const char *probity_kind_name(probity_kind kind);
/** Whether this says something about the thing that was asked: a check of it usually answers unhealthy then. */
bool probity_is_about_the_target(probity_kind kind);

/** The error of every capability. */
typedef struct probity_error {
    probity_kind kind;   /**< What to branch on. */
    const char *message; /**< What to show a person. */
    const char *code;    /**< The native code (errno name, SQLSTATE); NULL when there is none. */
} probity_error;

/** No judgement was possible: a capability failed, and its error is passed on as it came. */
probity_outcome *probity_failure(const probity_error *error);
/** No judgement was possible, for another reason. */
probity_outcome *probity_failure_other(const char *format, ...) PROBITY_FORMAT(1);
/** The configuration is unusable: `pointer` is where ("/thresholds/warn"), the rest why and what is allowed. */
probity_outcome *probity_invalid_config(const char *pointer, const char *format, ...) PROBITY_FORMAT(2);
/** Logs the message at level error and ends the run as a trap: for what cannot happen. */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((noreturn))
#endif
void probity_panic(const char *format, ...) PROBITY_FORMAT(1);

/* ---- Configuration ----
 *
 * Values are scalars of the [check.config] table by JSON pointer: "/latency/warn". A value that is missing or does not fit
 * makes the whole run invalid-config, naming it, whatever the check returns; the getter itself then returns 0, "" or no
 * bounds, so that a check need not look at each. */

/** Whether there is a scalar at `pointer`. */
bool probity_config_has(const char *pointer);
const char *probity_config_text(const char *pointer);
const char *probity_config_text_or(const char *pointer, const char *fallback);
double probity_config_number(const char *pointer);
double probity_config_number_or(const char *pointer, double fallback);
int64_t probity_config_integer(const char *pointer);
int64_t probity_config_integer_or(const char *pointer, int64_t fallback);
bool probity_config_bool_or(const char *pointer, bool fallback);
/** Milliseconds of "250ms", "15s", "10m", "2h", "7d". */
uint64_t probity_config_span_or(const char *pointer, uint64_t fallback_ms);
/** Bytes of 512, "64KiB", "32MiB", "5GiB", "5GB". */
uint64_t probity_config_size_or(const char *pointer, uint64_t fallback);
/** { warn = …, crit = … } at `pointer`; either may be absent. */
probity_threshold probity_config_at_most(const char *pointer, probity_quantity quantity);
probity_threshold probity_config_at_least(const char *pointer, probity_quantity quantity);
/** The whole table as JSON, for those who bring a parser. */
const char *probity_config(void);
/** Whether a getter found something that does not fit. */
bool probity_config_failed(void);

/* ---- Log, clock, run, state ---- */

typedef enum {
    PROBITY_LOG_TRACE,
    PROBITY_LOG_DEBUG,
    PROBITY_LOG_INFO,
    PROBITY_LOG_WARN,
    PROBITY_LOG_ERROR,
} probity_level;

/** Writes a record, kept with the check's result. */
void probity_log(probity_level level, const char *format, ...) PROBITY_FORMAT(2);
/** The same with fields. */
void probity_log_fields(probity_level level, const char *message, const probity_field *fields, size_t count);

/** Wall-clock time in milliseconds since 1970. */
uint64_t probity_now_unix_ms(void);
/** Nanoseconds since an arbitrary start; never goes back. */
uint64_t probity_monotonic_ns(void);
/** Sleeps without spending fuel. */
void probity_sleep_ms(uint32_t ms);

/** The name this check has in the host's configuration. */
const char *probity_check_id(void);
/** Unique per run (UUIDv7 text): use it to tag a dummy transaction. */
const char *probity_run_id(void);
/** The run's W3C trace context; NULL when tracing is off. */
const char *probity_traceparent(void);
/** Milliseconds until the host gives up on this run. */
uint32_t probity_remaining_ms(void);
/** How many runs failed in a row before this one. */
uint32_t probity_consecutive_failures(void);

/** What the previous run of this check concluded. */
typedef struct probity_previous_run {
    bool concluded;        /**< False when it reached no conclusion. */
    probity_status status; /**< Its judgement, if it has one. */
    const char *message;   /**< As shown by the host. */
    uint64_t at_unix_ms;   /**< When it started, in milliseconds since 1970. */
    double duration_ms;    /**< How long it took. */
} probity_previous_run;

/** What the previous run concluded. False on the first. */
bool probity_previous(probity_previous_run *previous);

/** Reads the value of `key` into `value`, whose data is NULL when there is none. False when the store failed. */
bool probity_state_get(const char *key, probity_bytes *value, probity_error *error);
/** Sets `key`, for good when `ttl_ms` is 0. */
bool probity_state_set(const char *key, const void *data, size_t length, uint64_t ttl_ms, probity_error *error);
/** Adds `delta` to the number at `key`, atomically; a missing key counts as 0. */
bool probity_state_increment(const char *key, int64_t delta, int64_t *sum, probity_error *error);
/** Removes `key`; nothing happens when there is none. */
bool probity_state_delete(const char *key, probity_error *error);
/** The keys that start with `prefix` (all for ""), in order. */
bool probity_state_keys(const char *prefix, probity_texts *keys, probity_error *error);

/* ---- JSON: enough to read an answer ---- */

/** The number of `key` in the table that `document` is. False when it is no table, or there is no such number. */
bool probity_json_number(probity_bytes document, const char *key, double *value);
/** The text of `key` in the table that `document` is, escapes undone; NULL when there is none. */
const char *probity_json_text(probity_bytes document, const char *key);

#ifdef __cplusplus
}
#endif

#endif
