/**
 * @file
 * The contract's entry points, what stands between the host's values and the kit's, log, clock and context.
 */
#include <stdlib.h>
#include <string.h>

#include "calls.h"

/** The document of this run. */
static const char *document = "{}";

guest_string_t probity_string(const char *text) { return (guest_string_t){(uint8_t *)text, strlen(text)}; }

guest_list_u8_t probity_list(const void *data, size_t length) { return (guest_list_u8_t){(uint8_t *)data, length}; }

probity_bytes probity_bytes_of(guest_list_u8_t bytes) {
    uint8_t *copy = probity_alloc(bytes.len + 1);
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
        free(bytes.ptr);
    }
    return (probity_bytes){copy, bytes.len};
}

const char *probity_text(guest_string_t text) {
    return (const char *)probity_bytes_of((guest_list_u8_t){text.ptr, text.len}).data;
}

probity_error probity_error_of(const probity_check_types_error_t *error) {
    const char *code = error->code.is_some ? probity_text(error->code.val) : NULL;
    return (probity_error){(probity_kind)error->kind, probity_text(error->message), code};
}

bool probity_answered(bool ok, const probity_check_types_error_t *refused, probity_error *error) {
    if (!ok) {
        // Taken over in any case: nobody else frees it.
        probity_error taken = probity_error_of(refused);
        if (error != NULL) *error = taken;
    }
    return ok;
}

/* ---- Entry points ---- */

static guest_string_t text_or(const char *text, const char *fallback) {
    return probity_string(text == NULL ? fallback : text);
}

static guest_option_string_t optional(const char *text) {
    return (guest_option_string_t){.is_some = text != NULL && *text != '\0', .val = text_or(text, "")};
}

static guest_option_u32_t optional_ms(uint32_t ms) { return (guest_option_u32_t){.is_some = ms != 0, .val = ms}; }

/** Memory that the bindings free after the call. */
static void *owned(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL && size > 0) __builtin_trap();
    return memory;
}

static guest_string_t given(guest_string_t text) {
    uint8_t *copy = owned(text.len);
    if (text.len > 0) memcpy(copy, text.ptr, text.len);
    return (guest_string_t){copy, text.len};
}

static guest_option_string_t given_option(guest_option_string_t text) {
    if (text.is_some) text.val = given(text.val);
    return text;
}

void exports_probity_check_checker_describe(exports_probity_check_checker_metadata_t *ret) {
    const probity_metadata *said = &probity_check;
    *ret = (exports_probity_check_checker_metadata_t){
        .name = given(text_or(said->name, "")),
        .version = given(text_or(said->version, "0.1.0")),
        .description = given(text_or(said->description, "")),
        .probes = (uint8_t)said->probes,
        .default_interval_ms = optional_ms(said->every_ms),
        .default_timeout_ms = optional_ms(said->timeout_ms),
        .config_schema = given_option(optional(said->config_schema)),
        .config_example = given_option(optional(said->config_example)),
    };
}

static void put_measurement(const measurement *found, probity_check_types_measurement_t *ret) {
    *ret = (probity_check_types_measurement_t){
        .name = given(probity_string(found->name)),
        .unit = given_option(optional(found->unit)),
        .status = {.is_some = found->judged, .val = (uint8_t)found->status},
    };
    switch (found->kind) {
    case FOUND_NUMBER:
        ret->value.tag = PROBITY_CHECK_TYPES_OBSERVED_NUMBER;
        ret->value.val.number = found->value.number;
        break;
    case FOUND_INTEGER:
        ret->value.tag = PROBITY_CHECK_TYPES_OBSERVED_INTEGER;
        ret->value.val.integer = found->value.integer;
        break;
    case FOUND_TEXT:
        ret->value.tag = PROBITY_CHECK_TYPES_OBSERVED_TEXT;
        ret->value.val.text = given(probity_string(found->value.text));
        break;
    case FOUND_BOOL:
        ret->value.tag = PROBITY_CHECK_TYPES_OBSERVED_BOOLEAN;
        ret->value.val.boolean = found->value.boolean;
        break;
    }
}

static void put_outcome(const probity_outcome *outcome, exports_probity_check_checker_outcome_t *ret) {
    *ret = (exports_probity_check_checker_outcome_t){
        .status = (uint8_t)outcome->status,
        .message = given(probity_string(outcome->message)),
    };
    ret->measurements.len = outcome->measurement_count;
    ret->measurements.ptr = owned(outcome->measurement_count * sizeof *ret->measurements.ptr);
    for (size_t at = 0; at < outcome->measurement_count; at++)
        put_measurement(&outcome->measurements[at], &ret->measurements.ptr[at]);
    ret->details.len = outcome->detail_count;
    ret->details.ptr = owned(outcome->detail_count * sizeof *ret->details.ptr);
    for (size_t at = 0; at < outcome->detail_count; at++) {
        ret->details.ptr[at].f0 = given(probity_string(outcome->details[at].name));
        ret->details.ptr[at].f1 = given(probity_string(outcome->details[at].value));
    }
}

static void put_failure(const probity_outcome *failure, exports_probity_check_checker_failure_t *ret) {
    switch (failure->result) {
    case IS_CAPABILITY:
        ret->tag = PROBITY_CHECK_TYPES_FAILURE_CAPABILITY;
        ret->val.capability = (probity_check_types_error_t){
            .kind = (uint8_t)failure->error.kind,
            .message = given(text_or(failure->error.message, "")),
            .code = given_option(optional(failure->error.code)),
        };
        return;
    case IS_INVALID_CONFIG:
        ret->tag = PROBITY_CHECK_TYPES_FAILURE_INVALID_CONFIG;
        ret->val.invalid_config = given(probity_string(failure->message));
        return;
    default:
        ret->tag = PROBITY_CHECK_TYPES_FAILURE_OTHER;
        ret->val.other = given(probity_string(failure->message));
    }
}

bool exports_probity_check_checker_run(guest_string_t *config, exports_probity_check_checker_outcome_t *ret,
                                       exports_probity_check_checker_failure_t *err) {
    probity_free_all();
    probity_config_reset();
    document = probity_text(*config);
    const probity_outcome *outcome = probity_run();
    probity_handle_drop_all();
    if (probity_config_failure() != NULL) outcome = probity_config_failure();
    if (outcome == NULL) probity_panic("probity_run returned NULL, expected an outcome or a failure");
    if (outcome->result == IS_OUTCOME) {
        put_outcome(outcome, ret);
        return true;
    }
    put_failure(outcome, err);
    return false;
}

const char *probity_config(void) { return document; }

/* ---- Log ---- */

void probity_log_fields(probity_level level, const char *message, const probity_field *fields, size_t count) {
    guest_string_t text = probity_string(message);
    guest_list_tuple2_string_string_t list = {.len = count};
    list.ptr = probity_alloc(count * sizeof *list.ptr);
    for (size_t at = 0; at < count; at++) {
        list.ptr[at].f0 = probity_string(fields[at].name);
        list.ptr[at].f1 = probity_string(fields[at].value);
    }
    probity_check_log_write((probity_check_log_level_t)level, &text, &list);
}

void probity_log(probity_level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    probity_log_fields(level, probity_vformat(format, args), NULL, 0);
    va_end(args);
}

void probity_panic(const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *message = probity_vformat(format, args);
    va_end(args);
    probity_log(PROBITY_LOG_ERROR, "uncaught panic: %s", message);
    __builtin_trap();
}

/* ---- Clock and context ---- */

uint64_t probity_now_unix_ms(void) { return probity_check_clock_now_unix_ms(); }

uint64_t probity_monotonic_ns(void) { return probity_check_clock_monotonic_ns(); }

void probity_sleep_ms(uint32_t ms) { probity_check_clock_sleep_ms(ms); }

const char *probity_check_id(void) {
    guest_string_t text;
    probity_check_context_check_id(&text);
    return probity_text(text);
}

const char *probity_run_id(void) {
    guest_string_t text;
    probity_check_context_run_id(&text);
    return probity_text(text);
}

const char *probity_traceparent(void) {
    guest_string_t text;
    return probity_check_context_traceparent(&text) ? probity_text(text) : NULL;
}

uint32_t probity_remaining_ms(void) { return probity_check_context_remaining_ms(); }

uint32_t probity_consecutive_failures(void) { return probity_check_context_consecutive_failures(); }

bool probity_previous(probity_previous_run *previous) {
    probity_check_context_previous_run_t found;
    if (!probity_check_context_previous(&found)) return false;
    *previous = (probity_previous_run){
        .concluded = found.status.is_some,
        .status = found.status.is_some ? (probity_status)found.status.val : PROBITY_HEALTHY,
        .message = probity_text(found.message),
        .at_unix_ms = found.at_unix_ms,
        .duration_ms = found.duration_ms,
    };
    return true;
}
