/**
 * @file
 * HTTP through the host.
 */
#include "host.h"
#include "internal.h"

struct probity_response {
    probity_check_http_own_response_t handle;
};

static bool answered(bool ok, const probity_check_types_error_t *refused, probity_error *error) {
    if (!ok && error != NULL) *error = probity_error_of(refused);
    return ok;
}

static bool prepare(const probity_request *wanted, probity_check_http_borrow_request_t request, probity_error *error) {
    probity_check_types_error_t refused;
    if (wanted->endpoint != NULL) {
        guest_string_t name = probity_string(wanted->endpoint);
        bool ok = probity_check_http_method_request_use_endpoint(request, &name, &refused);
        if (!answered(ok, &refused, error)) return false;
    }
    for (size_t at = 0; at < wanted->header_count; at++) {
        guest_string_t name = probity_string(wanted->headers[at].name);
        guest_string_t text = probity_string(wanted->headers[at].value);
        guest_list_u8_t value = {text.ptr, text.len};
        bool ok = probity_check_http_method_request_set_header(request, &name, &value, &refused);
        if (!answered(ok, &refused, error)) return false;
    }
    if (wanted->body != NULL) {
        guest_list_u8_t body = probity_list(wanted->body, wanted->body_length);
        probity_check_http_method_request_set_body(request, &body);
    }
    if (wanted->timeout_ms != 0) probity_check_http_method_request_set_timeout_ms(request, wanted->timeout_ms);
    if (wanted->max_redirects != 0) probity_check_http_method_request_set_max_redirects(request, wanted->max_redirects);
    if (wanted->max_body_bytes != 0)
        probity_check_http_method_request_set_max_body_bytes(request, wanted->max_body_bytes);
    return true;
}

probity_response *probity_http_send(const probity_request *wanted, probity_error *error) {
    guest_string_t method = probity_string(wanted->method == NULL ? "GET" : wanted->method);
    guest_string_t url = probity_string(wanted->url);
    probity_check_http_own_request_t own = probity_check_http_constructor_request(&method, &url);
    probity_check_http_borrow_request_t request = probity_check_http_borrow_request(own);
    probity_response *response = NULL;
    if (prepare(wanted, request, error)) {
        probity_check_http_own_response_t handle;
        probity_check_types_error_t refused;
        bool ok = probity_check_http_method_request_send(request, &handle, &refused);
        if (answered(ok, &refused, error)) {
            response = probity_alloc(sizeof *response);
            response->handle = handle;
        }
    }
    probity_check_http_request_drop_own(own);
    return response;
}

probity_response *probity_http_get(const char *url, probity_error *error) {
    probity_request request = {.url = url};
    return probity_http_send(&request, error);
}

uint16_t probity_response_status(const probity_response *response) {
    return probity_check_http_method_response_status(probity_check_http_borrow_response(response->handle));
}

const char *probity_response_header(const probity_response *response, const char *name) {
    guest_string_t wanted = probity_string(name);
    guest_list_u8_t value;
    bool found = probity_check_http_method_response_header(probity_check_http_borrow_response(response->handle), &wanted, &value);
    return found ? (const char *)probity_bytes_of(value).data : NULL;
}

bool probity_response_body(const probity_response *response, probity_bytes *body, probity_error *error) {
    guest_list_u8_t bytes;
    probity_check_types_error_t refused;
    bool ok = probity_check_http_method_response_body(probity_check_http_borrow_response(response->handle), &bytes, &refused);
    *body = ok ? probity_bytes_of(bytes) : (probity_bytes){NULL, 0};
    return answered(ok, &refused, error);
}

double probity_response_total_ms(const probity_response *response) {
    probity_check_http_timing_t timing;
    probity_check_http_method_response_timing(probity_check_http_borrow_response(response->handle), &timing);
    return timing.total_ms;
}

void probity_response_free(probity_response *response) {
    if (response != NULL) probity_check_http_response_drop_own(response->handle);
}
