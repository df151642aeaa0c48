/**
 * @file
 * Queue and stream depth, whatever the broker behind the name. The grant lists queues; NAME:publish also sends.
 */
#ifndef PROBITY_QUEUE_H
#define PROBITY_QUEUE_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a broker says about a queue, as far as it does. */
typedef struct probity_queue_stats {
    probity_option depth;         /**< Messages waiting to be delivered. */
    probity_option in_flight;     /**< Delivered, not yet acknowledged. */
    probity_option consumers;     /**< Who take messages from it. */
    probity_option oldest_age_ms; /**< How long the oldest waiting message has waited. */
    probity_option lag;           /**< How far the consumers are behind, for logs. */
} probity_queue_stats;

/** Looks at a queue. */
bool probity_queue_inspect(const char *name, probity_queue_stats *stats, probity_error *error);
/** Sends a probe message and waits until the broker has it. Needs NAME:publish. */
bool probity_queue_publish(const char *name, const void *payload, size_t length, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
