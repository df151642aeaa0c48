/**
 * @file
 * HTTP client. The grant lists URLs, such as http = ["https://api.internal/orders"], and names of endpoints.
 */
#ifndef PROBITY_HTTP_H
#define PROBITY_HTTP_H

#include "tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A request; NULL and 0 leave a member at its default. */
typedef struct probity_request {
    const char *method;           /**< "GET" when NULL. */
    const char *url;              /**< Absolute, or a path when there is an endpoint. */
    const char *endpoint;         /**< One of the host's configuration: base URL, credentials, proxy. */
    const probity_field *headers; /**< Of one name the last counts. */
    size_t header_count;
    const void *body;
    size_t body_length;
    uint32_t timeout_ms;     /**< For the whole exchange. */
    uint32_t max_redirects;  /**< By default a redirect is returned. */
    uint32_t max_body_bytes; /**< The host's cap applies as well. */
    bool require_http2;      /**< HTTP/2 or nothing, without TLS as well, as gRPC wants it. */
} probity_request;

/** An answer, read completely by the host. */
typedef struct probity_response probity_response;

/** Sends a GET with the defaults. NULL, and `error` set, when there is no answer; any status is an answer. */
probity_response *probity_http_get(const char *url, probity_error *error);
/** Sends a request. */
probity_response *probity_http_send(const probity_request *request, probity_error *error);

/** What became of one of several requests. */
typedef struct probity_http_answer {
    probity_response *response; /**< NULL when there is none; then `error` has why. */
    probity_error error;
} probity_http_answer;

/** Sends all side by side; `answers` has room for one each, in the same order. */
void probity_http_send_all(const probity_request *requests, size_t count, probity_http_answer *answers);

uint16_t probity_response_status(const probity_response *response);
/** "1.1", "2" */
const char *probity_response_version(const probity_response *response);
/** The first header of this name, in any case; NULL when there is none. */
const char *probity_response_header(const probity_response *response, const char *name);
/** All headers in order, names in lower case. */
probity_fields probity_response_headers(const probity_response *response);
/** What came after the body, in the same form. */
probity_fields probity_response_trailers(const probity_response *response);
/** The value of the first field of this name, in any case; NULL when there is none. */
const char *probity_fields_get(probity_fields fields, const char *name);
/** The body, with its content-encoding undone and text in UTF-8. False when it broke off, took too long, or was too large. */
bool probity_response_body(const probity_response *response, probity_bytes *body, probity_error *error);

/**
 * The number of `key` in the table of JSON that the body is. False when there is none: `error` names the address that was
 * asked, and says whether the body is no JSON or has no such number.
 */
bool probity_response_number(const probity_response *response, const char *key, double *value, probity_error *error);
/** The text of `key` likewise; NULL when there is none. */
const char *probity_response_text(const probity_response *response, const char *key, probity_error *error);

/** Milliseconds per phase; NAN where the phase did not happen. */
typedef struct probity_timing {
    double dns_ms;
    double connect_ms;
    double tls_ms;
    double first_byte_ms; /**< From the connection being ready until the head of the answer was there. */
    double total_ms;      /**< From the start until the whole body was there, all redirects included. */
} probity_timing;

probity_timing probity_response_timing(const probity_response *response);
/** From the start until the whole body was there, in milliseconds. */
double probity_response_total_ms(const probity_response *response);
/** The TLS session. False for plain HTTP. */
bool probity_response_tls(const probity_response *response, probity_tls_info *info);
/** The address that answered ("192.0.2.7:443"); NULL when the host cannot tell. */
const char *probity_response_remote_address(const probity_response *response);
/** Gives the handle back to the host before the run ends. */
void probity_response_free(probity_response *response);

#ifdef __cplusplus
}
#endif

#endif
