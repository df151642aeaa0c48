/**
 * @file
 * One datagram and its answer: NTP and the like. The grant lists `host:port` targets.
 */
#ifndef PROBITY_UDP_H
#define PROBITY_UDP_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An answer. */
typedef struct probity_udp_reply {
    probity_bytes payload;
    const char *remote_address; /**< Who sent it, which is who was asked: "192.0.2.7:123" */
    double elapsed_ms;          /**< From sending to receiving. */
    uint64_t received_unix_ns;  /**< When it came, by the host's clock, in nanoseconds since 1970. */
} probity_udp_reply;

/**
 * Sends one datagram of at most 1472 bytes and waits for one of at most `max_reply_bytes` from the same address. Nothing
 * is sent again: a lost one is a timeout. A `timeout_ms` of 0 is what is left of the run.
 */
bool probity_udp_exchange(const char *host, uint16_t port, const void *payload, size_t length, uint32_t max_reply_bytes,
                          uint32_t timeout_ms, probity_udp_reply *reply, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
