/**
 * @file
 * Latest results of other checks. The grant lists their names, and groups as `tag:NAME`.
 */
#ifndef PROBITY_PEERS_H
#define PROBITY_PEERS_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What another check concluded last. */
typedef struct probity_peer {
    const char *name;      /**< The name of the check. */
    bool concluded;        /**< False while it is unknown. */
    probity_status status; /**< Its judgement, if it has one. */
    const char *message;   /**< Its one line. */
    uint64_t at_unix_ms;   /**< When its latest run started, in milliseconds since 1970. */
    bool stale;            /**< Whether that is longer ago than the check's own limit. */
} probity_peer;

PROBITY_LIST(probity_peers, probity_peer);

/** The latest result of a check. */
bool probity_peers_latest(const char *name, probity_peer *peer, probity_error *error);
/** The checks of a group, in order of names. */
bool probity_peers_by_tag(const char *tag, probity_peers *peers, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
