/**
 * @file
 * How what a call returned is shown: each adds to an outcome, and returns it.
 */
#ifndef SHOW_H
#define SHOW_H

#include <probity.h>

/** `field` with `prefix` before it. */
const char *prefixed(const char *prefix, const char *field);
/** "1-", "2-" … after `prefix`, for the item at this place. */
const char *numbered(const char *prefix, size_t at);

void show_integer(probity_outcome *outcome, const char *name, int64_t value);
void show_number(probity_outcome *outcome, const char *name, double value);
/** NAN is absent. */
void show_optional(probity_outcome *outcome, const char *name, double value);
void show_option(probity_outcome *outcome, const char *name, probity_option value);
void show_bool(probity_outcome *outcome, const char *name, bool value);
/** NULL is absent. */
void show_text(probity_outcome *outcome, const char *name, const char *value);
/** In hexadecimal. */
void show_bytes(probity_outcome *outcome, const char *name, probity_bytes value);
void show_status(probity_outcome *outcome, const char *name, bool concluded, probity_status status);
void show_session(probity_outcome *outcome, const char *prefix, const probity_tls_info *info);
void show_certificate(probity_outcome *outcome, const char *prefix, const probity_certificate *certificate);
bool show_answer(probity_outcome *outcome, const char *prefix, const probity_response *response, probity_error *error);

const char *joined(probity_texts texts);
const char *hex(probity_bytes bytes);

/** An act calls something and adds what came back. False, and `error` set, when a capability failed. */
typedef bool act(probity_outcome *outcome, probity_error *error);

act show_context, show_clock, show_kept, show_state_large, show_state_key;
act http_get, http_tls, http_send, http_all, tcp, starttls, tls, tls_trusting, tls_named, udp, dns, dns_at;
act sql, sql_write, redis, queue, queue_publish, secrets, reveal;
act memory, cpu, load, pressure, uptime, disk, disks, processes, file, heartbeat, heartbeats, heartbeat_open, peer, peers;

#endif
