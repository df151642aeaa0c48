/**
 * @file
 * HTTP through the host.
 */
#include <string.h>

#include "calls.h"

struct probity_response {
    probity_handle handle;
    const char *asked; /**< Its address, for messages. */
};

static void drop(int32_t number) { probity_check_http_response_drop_own((probity_check_http_own_response_t){number}); }

static probity_check_http_borrow_response_t borrow(const probity_response *response) {
    return (probity_check_http_borrow_response_t){response->handle.number};
}

/** An address for messages: without what may be secret in it. */
static const char *name_of(const char *url) {
    if (url == NULL) return "";
    size_t length = strcspn(url, "?#"), start = 0;
    const char *scheme = strstr(url, "://");
    if (scheme != NULL && scheme < url + length) {
        start = (size_t)(scheme - url) + 3;
        size_t end = start + strcspn(url + start, "/?#"), host = start;
        for (size_t at = start; at < end; at++)
            if (url[at] == '@') host = at + 1;
        return probity_format("%.*s%.*s", (int)start, url, (int)(length - host), url + host);
    }
    return probity_format("%.*s", (int)length, url);
}

static probity_response *response_of(probity_check_http_own_response_t own, const char *url) {
    probity_response *response = probity_alloc(sizeof *response);
    response->asked = name_of(url);
    probity_handle_keep(&response->handle, own.__handle, drop);
    return response;
}

/** What is not text of a request. False when the host does not take it. */
static bool prepare(const probity_request *wanted, probity_check_http_borrow_request_t request, probity_error *error) {
    probity_check_types_error_t refused;
    if (wanted->endpoint != NULL) {
        guest_string_t name = probity_string(wanted->endpoint);
        bool ok = probity_check_http_method_request_use_endpoint(request, &name, &refused);
        if (!probity_answered(ok, &refused, error)) return false;
    }
    for (size_t at = 0; at < wanted->header_count; at++) {
        guest_string_t name = probity_string(wanted->headers[at].name);
        guest_string_t text = probity_string(wanted->headers[at].value);
        guest_list_u8_t value = {text.ptr, text.len};
        bool ok = probity_check_http_method_request_set_header(request, &name, &value, &refused);
        if (!probity_answered(ok, &refused, error)) return false;
    }
    if (wanted->body != NULL) {
        guest_list_u8_t body = probity_list(wanted->body, wanted->body_length);
        probity_check_http_method_request_set_body(request, &body);
    }
    if (wanted->timeout_ms != 0) probity_check_http_method_request_set_timeout_ms(request, wanted->timeout_ms);
    if (wanted->max_redirects != 0) probity_check_http_method_request_set_max_redirects(request, wanted->max_redirects);
    if (wanted->max_body_bytes != 0)
        probity_check_http_method_request_set_max_body_bytes(request, wanted->max_body_bytes);
    if (wanted->require_http2) probity_check_http_method_request_require_http2(request);
    return true;
}

/** A request of the host's. False, with none, when it does not take what is wanted. */
static bool make(const probity_request *wanted, probity_check_http_own_request_t *made, probity_error *error) {
    guest_string_t method = probity_string(wanted->method == NULL ? "GET" : wanted->method);
    guest_string_t url = probity_string(wanted->url == NULL ? "" : wanted->url);
    *made = probity_check_http_constructor_request(&method, &url);
    if (prepare(wanted, probity_check_http_borrow_request(*made), error)) return true;
    probity_check_http_request_drop_own(*made);
    return false;
}

probity_response *probity_http_send(const probity_request *wanted, probity_error *error) {
    probity_check_http_own_request_t request;
    if (!make(wanted, &request, error)) return NULL;
    probity_check_http_own_response_t own;
    probity_check_types_error_t refused;
    bool ok = probity_check_http_method_request_send(probity_check_http_borrow_request(request), &own, &refused);
    probity_check_http_request_drop_own(request);
    return probity_answered(ok, &refused, error) ? response_of(own, wanted->url) : NULL;
}

probity_response *probity_http_get(const char *url, probity_error *error) {
    probity_request request = {.url = url};
    return probity_http_send(&request, error);
}

void probity_http_send_all(const probity_request *requests, size_t count, probity_http_answer *answers) {
    probity_check_http_list_own_request_t sent = {.ptr = probity_alloc(count * sizeof *sent.ptr)};
    // Which answer each of the sent is.
    size_t *places = probity_alloc(count * sizeof *places);
    for (size_t at = 0; at < count; at++) {
        answers[at] = (probity_http_answer){0};
        if (make(&requests[at], &sent.ptr[sent.len], &answers[at].error)) places[sent.len++] = at;
    }
    probity_check_http_list_result_own_response_error_t received;
    probity_check_http_send_all(&sent, &received);
    for (size_t at = 0; at < received.len; at++) {
        probity_check_http_result_own_response_error_t *result = &received.ptr[at];
        probity_http_answer *answer = &answers[places[at]];
        if (probity_answered(!result->is_err, &result->val.err, &answer->error))
            answer->response = response_of(result->val.ok, requests[places[at]].url);
    }
    probity_list_free(received.ptr, received.len);
}

uint16_t probity_response_status(const probity_response *response) {
    return probity_check_http_method_response_status(borrow(response));
}

const char *probity_response_version(const probity_response *response) {
    guest_string_t version;
    probity_check_http_method_response_version(borrow(response), &version);
    return probity_text(version);
}

const char *probity_response_header(const probity_response *response, const char *name) {
    guest_string_t wanted = probity_string(name);
    guest_list_u8_t value;
    bool found = probity_check_http_method_response_header(borrow(response), &wanted, &value);
    return found ? (const char *)probity_bytes_of(value).data : NULL;
}

static probity_fields fields_of(probity_check_http_headers_t found) {
    probity_field *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++) {
        items[at].name = probity_text(found.ptr[at].f0);
        items[at].value = (const char *)probity_bytes_of(found.ptr[at].f1).data;
    }
    probity_list_free(found.ptr, found.len);
    return (probity_fields){items, found.len};
}

probity_fields probity_response_headers(const probity_response *response) {
    probity_check_http_headers_t found;
    probity_check_http_method_response_headers(borrow(response), &found);
    return fields_of(found);
}

probity_fields probity_response_trailers(const probity_response *response) {
    probity_check_http_headers_t found;
    probity_check_http_method_response_trailers(borrow(response), &found);
    return fields_of(found);
}

bool probity_response_body(const probity_response *response, probity_bytes *body, probity_error *error) {
    guest_list_u8_t bytes;
    probity_check_types_error_t refused;
    bool ok = probity_check_http_method_response_body(borrow(response), &bytes, &refused);
    *body = ok ? probity_bytes_of(bytes) : (probity_bytes){0};
    return probity_answered(ok, &refused, error);
}

/** The body as JSON. False when it is none. */
static bool document_of(const probity_response *response, probity_bytes *body, probity_error *error) {
    if (!probity_response_body(response, body, error)) return false;
    return probity_json_is_whole(*body) || probity_refuse(error, PROBITY_PROTOCOL, "body of %s is no JSON", response->asked);
}

bool probity_response_number(const probity_response *response, const char *key, double *value, probity_error *error) {
    probity_bytes body;
    if (!document_of(response, &body, error)) return false;
    if (probity_json_number(body, key, value)) return true;
    return probity_refuse(error, PROBITY_PROTOCOL, "body of %s: no number `%s`", response->asked, key);
}

const char *probity_response_text(const probity_response *response, const char *key, probity_error *error) {
    probity_bytes body;
    if (!document_of(response, &body, error)) return NULL;
    const char *text = probity_json_text(body, key);
    if (text == NULL) probity_refuse(error, PROBITY_PROTOCOL, "body of %s: no text `%s`", response->asked, key);
    return text;
}

probity_timing probity_response_timing(const probity_response *response) {
    probity_check_http_timing_t timing;
    probity_check_http_method_response_timing(borrow(response), &timing);
    return (probity_timing){
        .dns_ms = probity_number_of(timing.dns_ms),
        .connect_ms = probity_number_of(timing.connect_ms),
        .tls_ms = probity_number_of(timing.tls_ms),
        .first_byte_ms = timing.first_byte_ms,
        .total_ms = timing.total_ms,
    };
}

double probity_response_total_ms(const probity_response *response) { return probity_response_timing(response).total_ms; }

bool probity_response_tls(const probity_response *response, probity_tls_info *info) {
    probity_check_types_tls_info_t found;
    if (!probity_check_http_method_response_tls(borrow(response), &found)) return false;
    *info = probity_tls_info_of(&found);
    return true;
}

const char *probity_response_remote_address(const probity_response *response) {
    guest_string_t address;
    bool found = probity_check_http_method_response_remote_address(borrow(response), &address);
    return found ? probity_text(address) : NULL;
}

void probity_response_free(probity_response *response) {
    if (response != NULL) probity_handle_drop(&response->handle);
}
