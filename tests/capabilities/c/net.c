/**
 * @file
 * `http`, `tcp`, `tls`, `udp` and `dns`.
 */
#include "show.h"

#include <string.h>

enum { HALF_A_SECOND = 500 };

static bool got(probity_outcome *outcome, const char *url, probity_error *error) {
    probity_response *response = probity_http_get(url, error);
    return response != NULL && show_answer(outcome, "", response, error);
}

bool http_get(probity_outcome *outcome, probity_error *error) { return got(outcome, "http://shop.test/stats", error); }

bool http_tls(probity_outcome *outcome, probity_error *error) { return got(outcome, "https://shop.test/", error); }

bool http_send(probity_outcome *outcome, probity_error *error) {
    static const probity_field headers[] = {{"content-type", "application/json"}, {"x-trace", "7"}};
    static const char body[] = "{\"dry-run\":true}";
    probity_request request = {
        .method = "POST",
        .url = "/orders",
        .endpoint = "shop",
        .headers = headers,
        .header_count = 2,
        .body = body,
        .body_length = strlen(body),
        .timeout_ms = 250,
        .max_redirects = 2,
        .max_body_bytes = 64,
        .require_http2 = true,
    };
    probity_response *response = probity_http_send(&request, error);
    return response != NULL && show_answer(outcome, "", response, error);
}

bool http_all(probity_outcome *outcome, probity_error *error) {
    static const probity_request requests[] = {{.url = "http://a.test/"}, {.method = "HEAD", .url = "http://b.test/"}};
    probity_http_answer answers[2];
    probity_http_send_all(requests, 2, answers);
    for (size_t at = 0; at < 2; at++) {
        const char *prefix = numbered("", at);
        if (answers[at].response == NULL)
            show_text(outcome, prefixed(prefix, "error"), probity_kind_name(answers[at].error.kind));
        else if (!show_answer(outcome, prefix, answers[at].response, error))
            return false;
    }
    return true;
}

static bool say(probity_socket *socket, const char *text, probity_error *error) {
    return probity_socket_write(socket, text, strlen(text), error);
}

static bool show_read(probity_outcome *outcome, const char *name, probity_socket *socket, uint32_t max,
                      probity_error *error) {
    probity_bytes read;
    if (!probity_socket_read(socket, max, 0, &read, error)) return false;
    show_bytes(outcome, name, read);
    return true;
}

bool tcp(probity_outcome *outcome, probity_error *error) {
    probity_bytes line;
    probity_socket *socket = probity_tcp_connect("mail.test", 25, HALF_A_SECOND, error);
    if (socket == NULL || !probity_socket_read_until(socket, "\n", 64, 0, &line, error)) return false;
    if (!say(socket, "EHLO probity\r\n", error)) return false;
    show_number(outcome, "connect-ms", probity_socket_connect_ms(socket));
    show_text(outcome, "remote-address", probity_socket_remote_address(socket));
    show_bytes(outcome, "line", line);
    return show_read(outcome, "some", socket, 3, error) && show_read(outcome, "rest", socket, 64, error) &&
           show_read(outcome, "end", socket, 64, error);
}

bool starttls(probity_outcome *outcome, probity_error *error) {
    probity_bytes line;
    probity_tls_info session;
    probity_socket *socket = probity_tcp_connect("mail.test", 25, 0, error);
    if (socket == NULL || !probity_socket_read_until(socket, "\n", 64, 0, &line, error)) return false;
    if (!say(socket, "STARTTLS\r\n", error) || !probity_socket_read_until(socket, "\n", 64, 0, &line, error)) return false;
    if (!probity_socket_start_tls(socket, "mail.example.org", "office", HALF_A_SECOND, &session, error)) return false;
    if (!say(socket, "QUIT\r\n", error)) return false;
    show_session(outcome, "", &session);
    return show_read(outcome, "inside", socket, 64, error);
}

bool tls(probity_outcome *outcome, probity_error *error) {
    probity_tls_info session;
    if (!probity_tls_inspect("shop.test", 443, "www.shop.test", &session, error)) return false;
    show_session(outcome, "", &session);
    return true;
}

bool tls_trusting(probity_outcome *outcome, probity_error *error) {
    probity_tls_info session;
    if (!probity_tls_inspect_trusting("shop.test", 443, NULL, "office", &session, error)) return false;
    show_session(outcome, "", &session);
    return true;
}

bool tls_named(probity_outcome *outcome, probity_error *error) {
    probity_certificates found;
    if (!probity_tls_inspect_named("office", &found, error)) return false;
    show_integer(outcome, "certificates", found.count);
    for (size_t at = 0; at < found.count; at++) show_certificate(outcome, numbered("", at), &found.items[at]);
    return true;
}

bool udp(probity_outcome *outcome, probity_error *error) {
    static const uint8_t payload[] = {0x1b, 0x00, 0xff};
    probity_udp_reply reply;
    if (!probity_udp_exchange("time.test", 123, payload, sizeof payload, 4, HALF_A_SECOND, &reply, error)) return false;
    show_bytes(outcome, "payload", reply.payload);
    show_text(outcome, "remote-address", reply.remote_address);
    show_number(outcome, "elapsed-ms", reply.elapsed_ms);
    show_integer(outcome, "received-unix-ms", reply.received_unix_ns / 1000000);
    return true;
}

static bool resolve(probity_outcome *outcome, const char *type, const char *server, probity_error *error) {
    probity_dns_answers answers;
    if (!probity_dns_resolve("shop.test", type, server, &answers, error)) return false;
    show_integer(outcome, "answers", answers.count);
    for (size_t at = 0; at < answers.count; at++) {
        show_text(outcome, prefixed(numbered("", at), "data"), answers.items[at].data);
        show_integer(outcome, prefixed(numbered("", at), "ttl"), answers.items[at].ttl);
    }
    return true;
}

bool dns(probity_outcome *outcome, probity_error *error) { return resolve(outcome, "A", NULL, error); }

bool dns_at(probity_outcome *outcome, probity_error *error) { return resolve(outcome, "MX", "inside", error); }
