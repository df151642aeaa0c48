/**
 * @file
 * How what a call returned is shown.
 */
#include "show.h"

#include <math.h>

const char *prefixed(const char *prefix, const char *field) { return probity_format("%s%s", prefix, field); }

const char *numbered(const char *prefix, size_t at) { return probity_format("%s%zu-", prefix, at + 1); }

void show_integer(probity_outcome *outcome, const char *name, int64_t value) {
    probity_measure_integer(outcome, name, value, "");
}

void show_number(probity_outcome *outcome, const char *name, double value) { probity_measure(outcome, name, value, ""); }

void show_optional(probity_outcome *outcome, const char *name, double value) {
    if (isnan(value))
        probity_detail(outcome, name, "none");
    else
        show_number(outcome, name, value);
}

void show_option(probity_outcome *outcome, const char *name, probity_option value) {
    if (value.is_some)
        show_integer(outcome, name, value.value);
    else
        probity_detail(outcome, name, "none");
}

void show_bool(probity_outcome *outcome, const char *name, bool value) { probity_measure_bool(outcome, name, value); }

void show_text(probity_outcome *outcome, const char *name, const char *value) {
    probity_detail(outcome, name, value == NULL ? "none" : value);
}

const char *hex(probity_bytes bytes) {
    const char *text = "";
    for (size_t at = 0; at < bytes.length; at++) text = probity_format("%s%02x", text, bytes.data[at]);
    return text;
}

void show_bytes(probity_outcome *outcome, const char *name, probity_bytes value) {
    probity_detail(outcome, name, hex(value));
}

void show_status(probity_outcome *outcome, const char *name, bool concluded, probity_status status) {
    show_text(outcome, name, concluded ? probity_status_name(status) : NULL);
}

const char *joined(probity_texts texts) {
    const char *all = "";
    for (size_t at = 0; at < texts.count; at++) all = probity_format("%s%s%s", all, at == 0 ? "" : ", ", texts.items[at]);
    return all;
}

void show_certificate(probity_outcome *outcome, const char *prefix, const probity_certificate *certificate) {
    show_text(outcome, prefixed(prefix, "subject"), certificate->subject);
    show_text(outcome, prefixed(prefix, "issuer"), certificate->issuer);
    show_text(outcome, prefixed(prefix, "serial"), certificate->serial);
    show_integer(outcome, prefixed(prefix, "not-before-unix"), certificate->not_before_unix);
    show_integer(outcome, prefixed(prefix, "not-after-unix"), certificate->not_after_unix);
    show_text(outcome, prefixed(prefix, "dns-names"), joined(certificate->dns_names));
    show_text(outcome, prefixed(prefix, "sha256"), certificate->sha256);
}

void show_session(probity_outcome *outcome, const char *prefix, const probity_tls_info *info) {
    show_text(outcome, prefixed(prefix, "protocol"), info->protocol);
    show_text(outcome, prefixed(prefix, "cipher"), info->cipher);
    show_text(outcome, prefixed(prefix, "alpn"), info->alpn);
    show_number(outcome, prefixed(prefix, "handshake-ms"), info->handshake_ms);
    show_text(outcome, prefixed(prefix, "verified"), info->distrust == NULL ? "yes" : info->distrust);
    show_integer(outcome, prefixed(prefix, "chain"), info->chain.count);
    for (size_t at = 0; at < info->chain.count; at++)
        show_certificate(outcome, numbered(prefix, at), &info->chain.items[at]);
}

static const char *lines(probity_fields fields) {
    const char *all = "";
    for (size_t at = 0; at < fields.count; at++) {
        const char *between = at == 0 ? "" : ", ";
        all = probity_format("%s%s%s: %s", all, between, fields.items[at].name, fields.items[at].value);
    }
    return all;
}

bool show_answer(probity_outcome *outcome, const char *prefix, const probity_response *response, probity_error *error) {
    probity_bytes body;
    if (!probity_response_body(response, &body, error)) return false;
    probity_timing timing = probity_response_timing(response);
    show_integer(outcome, prefixed(prefix, "status"), probity_response_status(response));
    show_text(outcome, prefixed(prefix, "version"), probity_response_version(response));
    show_text(outcome, prefixed(prefix, "headers"), lines(probity_response_headers(response)));
    show_text(outcome, prefixed(prefix, "content-type"), probity_response_header(response, "Content-Type"));
    show_text(outcome, prefixed(prefix, "x-absent"), probity_response_header(response, "x-absent"));
    show_text(outcome, prefixed(prefix, "body"), (const char *)body.data);
    show_text(outcome, prefixed(prefix, "trailers"), lines(probity_response_trailers(response)));
    show_optional(outcome, prefixed(prefix, "dns-ms"), timing.dns_ms);
    show_optional(outcome, prefixed(prefix, "connect-ms"), timing.connect_ms);
    show_optional(outcome, prefixed(prefix, "tls-ms"), timing.tls_ms);
    show_number(outcome, prefixed(prefix, "first-byte-ms"), timing.first_byte_ms);
    show_number(outcome, prefixed(prefix, "total-ms"), timing.total_ms);
    show_text(outcome, prefixed(prefix, "remote-address"), probity_response_remote_address(response));
    probity_tls_info session;
    if (probity_response_tls(response, &session))
        show_session(outcome, prefixed(prefix, "tls-"), &session);
    else
        show_text(outcome, prefixed(prefix, "tls"), NULL);
    return true;
}
