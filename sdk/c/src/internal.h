/**
 * @file
 * What the parts of the kit know of each other.
 */
#ifndef PROBITY_INTERNAL_H
#define PROBITY_INTERNAL_H

#include <stdarg.h>

#include "probity.h"

/** The most of each that the contract takes. */
enum { MEASUREMENTS_MAX = 64, DETAILS_MAX = 64 };

typedef enum { FOUND_NUMBER, FOUND_INTEGER, FOUND_TEXT, FOUND_BOOL } found_kind;

typedef struct {
    const char *name;
    const char *unit;
    found_kind kind;
    union {
        double number;
        int64_t integer;
        const char *text;
        bool boolean;
    } value;
    bool judged;
    probity_status status;
} measurement;

typedef enum { IS_OUTCOME, IS_INVALID_CONFIG, IS_CAPABILITY, IS_OTHER } result_kind;

/** An outcome or, so that a check has one thing to return, a failure. */
struct probity_outcome {
    result_kind result;
    probity_status status;
    const char *message;
    probity_error error;
    measurement measurements[MEASUREMENTS_MAX];
    size_t measurement_count;
    probity_field details[DETAILS_MAX];
    size_t detail_count;
};

/** A handle of the host, in what stands for it. */
typedef struct probity_handle {
    struct probity_handle *next; /**< The one that was opened before. */
    int32_t number;              /**< 0, which no handle has, once it is dropped. */
    void (*drop)(int32_t number);
} probity_handle;

/** Notes a handle, so that it is dropped when the run ends. */
void probity_handle_keep(probity_handle *handle, int32_t number, void (*drop)(int32_t number));
/** Drops a handle now. NULL and one that is dropped already are left alone. */
void probity_handle_drop(probity_handle *handle);
/** Drops all that are left, the newest first: a transaction before its connection. */
void probity_handle_drop_all(void);

/** Frees all of that: an instance may serve several runs. */
void probity_free_all(void);
/** Forgets what did not fit in the run before. */
void probity_config_reset(void);
/** Says what the check did wrong, in a call that the host does not see. Returns false. */
bool probity_refuse(probity_error *error, probity_kind kind, const char *format, ...) PROBITY_FORMAT(3);
/** probity_format, for functions that take such arguments themselves. */
const char *probity_vformat(const char *format, va_list args);
probity_outcome *probity_new_outcome(result_kind result, probity_status status, const char *message);
/** "15s" → 15000; false when it is no such thing. */
bool probity_parse(const char *text, probity_quantity quantity, double *amount);
/** The failure of the first configuration value that did not fit; NULL when all did. */
probity_outcome *probity_config_failure(void);
/** The status of an integer, compared as one. */
probity_status probity_judge_whole(probity_threshold threshold, int64_t value);
/** probity_show, with all digits of an integer that a double does not hold. */
const char *probity_show_whole(int64_t value, probity_quantity quantity, const char *unit);
/** Whether a double holds this integer and both its neighbours. */
bool probity_is_small(int64_t value);
/** Whether the document is one value of JSON, as far as reading one takes. */
bool probity_json_is_whole(probity_bytes document);
/** Why bounds make no sense; NULL when they do. */
const char *probity_disorder(probity_threshold threshold);

#endif
