/**
 * @file
 * What jobs reported to the host on `POST /heartbeats/NAME`. The grant lists the names.
 */
#ifndef PROBITY_HEARTBEATS_H
#define PROBITY_HEARTBEATS_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One end of a job. */
typedef struct probity_beat {
    uint64_t at_unix_ms; /**< When it came in, in milliseconds since 1970. */
    uint64_t age_ms;     /**< How long ago that is. */
    bool ok;             /**< False after `/fail`. */
    const char *message; /**< What the job said, in one line. */
    double duration_ms;  /**< Since the `/start` before it; NAN when there was none. */
} probity_beat;

PROBITY_LIST(probity_beats, probity_beat);

/** A run that was said to start and has not ended. */
typedef struct probity_open_run {
    const char *id;           /**< What the job calls it; NULL for a job that does not tell its runs apart. */
    uint64_t started_unix_ms; /**< When the start came in, in milliseconds since 1970. */
    uint64_t age_ms;          /**< How long ago that is. */
} probity_open_run;

PROBITY_LIST(probity_open_runs, probity_open_run);

/** The latest beat; `there` is false when there was none yet. */
bool probity_heartbeats_last(const char *name, probity_beat *beat, bool *there, probity_error *error);
/** The latest beats, newest first, at most `max`. */
bool probity_heartbeats_recent(const char *name, uint32_t max, probity_beats *beats, probity_error *error);
/** Runs that were said to start and have not ended, the oldest first. */
bool probity_heartbeats_open(const char *name, probity_open_runs *runs, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
