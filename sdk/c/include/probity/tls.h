/**
 * @file
 * TLS handshakes and stored certificates, to watch when they expire. The grant lists `host:port` targets and
 * `certificate:NAME`.
 */
#ifndef PROBITY_TLS_H
#define PROBITY_TLS_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One certificate of a chain. */
typedef struct probity_certificate {
    const char *subject; /**< A distinguished name as text: "CN=example.org, O=Example". */
    const char *issuer;
    const char *serial;      /**< In hexadecimal. */
    int64_t not_before_unix; /**< Validity, in seconds since 1970. */
    int64_t not_after_unix;
    probity_texts dns_names; /**< Subject alternative names. */
    const char *sha256;      /**< Of its DER bytes, in hexadecimal. */
} probity_certificate;

PROBITY_LIST(probity_certificates, probity_certificate);

/** A TLS session. */
typedef struct probity_tls_info {
    const char *protocol; /**< "TLSv1.3" */
    const char *cipher;   /**< "TLS13_AES_256_GCM_SHA384" */
    const char *alpn;     /**< What both sides agreed to speak ("h2"); NULL when nothing. */
    double handshake_ms;
    probity_certificates chain; /**< Those that lead to an authority, leaf first; all that were sent where none do. */
    const char *distrust;       /**< Why the chain is not trusted; NULL when it is. */
} probity_tls_info;

/** Days until it expires, negative afterwards; see probity_now_unix_ms. */
double probity_certificate_days_left(const probity_certificate *certificate, uint64_t now_unix_ms);

/**
 * Connects, shakes hands, hangs up. A certificate that is not trusted is an answer: see `distrust`. `server_name` is what
 * the server is asked for and its certificate is compared with; NULL is `host`.
 */
bool probity_tls_inspect(const char *host, uint16_t port, const char *server_name, probity_tls_info *info,
                         probity_error *error);
/** The same, trusting only the authorities in a file that the host's configuration declares. */
bool probity_tls_inspect_trusting(const char *host, uint16_t port, const char *server_name, const char *authority,
                                  probity_tls_info *info, probity_error *error);
/** The certificates in a file that the host's configuration declares. */
bool probity_tls_inspect_named(const char *name, probity_certificates *certificates, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
