/**
 * @file
 * Raw TCP: banners and line protocols. The grant lists `host:port` targets.
 *
 * `timeout_ms` is for one call; 0 is what is left of the run.
 */
#ifndef PROBITY_TCP_H
#define PROBITY_TCP_H

#include "tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An open connection. */
typedef struct probity_socket probity_socket;

/** Resolves and connects. NULL, and `error` set, when there is no connection. */
probity_socket *probity_tcp_connect(const char *host, uint16_t port, uint32_t timeout_ms, probity_error *error);
/** How long connecting took, in milliseconds. */
double probity_socket_connect_ms(const probity_socket *socket);
/** The address that answered: "192.0.2.7:25" */
const char *probity_socket_remote_address(const probity_socket *socket);
/** Writes all bytes. */
bool probity_socket_write(probity_socket *socket, const void *data, size_t length, probity_error *error);
/** Reads at least one byte and at most `max`; none at the end of the stream. */
bool probity_socket_read(probity_socket *socket, uint32_t max, uint32_t timeout_ms, probity_bytes *read,
                         probity_error *error);
/** Reads through `delimiter`, which is part of what is read; PROBITY_TOO_LARGE when it is not within `max` bytes. */
bool probity_socket_read_until(probity_socket *socket, const char *delimiter, uint32_t max, uint32_t timeout_ms,
                               probity_bytes *read, probity_error *error);
/** The same for a delimiter that is no text. */
bool probity_socket_read_until_bytes(probity_socket *socket, probity_bytes delimiter, uint32_t max, uint32_t timeout_ms,
                                     probity_bytes *read, probity_error *error);
/**
 * Begins TLS on the way, once both sides agreed to (STARTTLS), or at once. A certificate that is not trusted is an
 * answer: see `distrust` before saying what not everybody may hear. `server_name` NULL is the host; `authority` NULL is
 * what the system trusts, another one is a file that the host's configuration declares, and needs the grant
 * tls = ["certificate:NAME"].
 */
bool probity_socket_start_tls(probity_socket *socket, const char *server_name, const char *authority,
                              uint32_t timeout_ms, probity_tls_info *info, probity_error *error);
/** Closes it before the run ends. */
void probity_socket_free(probity_socket *socket);

#ifdef __cplusplus
}
#endif

#endif
