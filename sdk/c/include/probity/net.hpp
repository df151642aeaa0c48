/**
 * @file
 * HTTP, TCP, UDP, TLS and DNS in C++.
 */
#ifndef PROBITY_NET_HPP
#define PROBITY_NET_HPP

#include <vector>

#include "check.hpp"
#include "dns.h"
#include "http.h"
#include "tcp.h"
#include "tls.h"
#include "udp.h"

namespace probity {

/** HTTP client. The grant lists URLs and names of endpoints. */
namespace http {
/** An answer, read completely by the host; its handle goes back there with it. */
class Response {
public:
    Response() = default;
    explicit Response(probity_response *raw) : handle_(raw) {}

    int status() const { return probity_response_status(raw()); }
    /** "1.1", "2" */
    std::string_view version() const { return probity_response_version(raw()); }
    /** The first header of this name, in any case; empty when there is none. */
    std::string_view header(std::string_view name) const {
        const char *value = probity_response_header(raw(), keep(name));
        return value == nullptr ? "" : value;
    }
    /** All headers in order, names in lower case. */
    probity_fields headers() const { return probity_response_headers(raw()); }
    /** What came after the body, in the same form. */
    probity_fields trailers() const { return probity_response_trailers(raw()); }
    /** The body, or that it broke off, took too long, or was too large. */
    Result<std::string_view> body() const {
        probity_bytes body = {};
        probity_error error = {};
        bool ok = probity_response_body(raw(), &body, &error);
        return given(ok, view(body), error);
    }
    /** The number of `key` in the table of JSON that the body is; the error names the address that was asked. */
    Result<double> number(std::string_view key) const {
        double value = 0;
        probity_error error = {};
        bool ok = probity_response_number(raw(), keep(key), &value, &error);
        return given(ok, value, error);
    }
    /** The text of `key` likewise. */
    Result<std::string_view> text(std::string_view key) const {
        probity_error error = {};
        const char *found = probity_response_text(raw(), keep(key), &error);
        return given(found != nullptr, std::string_view(found == nullptr ? "" : found), error);
    }
    /** Milliseconds per phase. */
    probity_timing timing() const { return probity_response_timing(raw()); }
    double total_ms() const { return probity_response_total_ms(raw()); }
    /** The TLS session; nothing for plain HTTP. */
    std::optional<probity_tls_info> tls() const {
        probity_tls_info info = {};
        return probity_response_tls(raw(), &info) ? std::optional(info) : std::nullopt;
    }
    /** The address that answered; empty when the host cannot tell. */
    std::string_view remote_address() const {
        const char *address = probity_response_remote_address(raw());
        return address == nullptr ? "" : address;
    }
    probity_response *raw() const { return handle_.raw(); }

private:
    Handle<probity_response, probity_response_free> handle_;
};

inline Result<Response> send(const probity_request &request) {
    probity_error error = {};
    probity_response *response = probity_http_send(&request, &error);
    if (response == nullptr) return Error(error);
    return Response(response);
}

inline Result<Response> get(std::string_view url) {
    probity_request request = {};
    request.url = keep(url);
    return send(request);
}

/** A request: Request("POST", "/orders").endpoint("shop").body("{}").send() */
class Request {
public:
    /** `url` is absolute, or a path when there is an endpoint. */
    Request(std::string_view method, std::string_view url) {
        raw_.method = keep(method);
        raw_.url = keep(url);
    }
    /** One of the host's configuration: base URL, credentials, proxy. */
    Request &endpoint(std::string_view name) {
        raw_.endpoint = keep(name);
        return *this;
    }
    /** Of one name the last counts. */
    Request &header(std::string_view name, std::string_view value) {
        headers_.push_back({keep(name), keep(value)});
        return *this;
    }
    Request &body(std::string_view bytes) {
        raw_.body = keep(bytes);
        raw_.body_length = bytes.size();
        return *this;
    }
    /** For the whole exchange. */
    Request &timeout_ms(std::uint32_t ms) {
        raw_.timeout_ms = ms;
        return *this;
    }
    /** By default a redirect is returned. */
    Request &max_redirects(std::uint32_t max) {
        raw_.max_redirects = max;
        return *this;
    }
    /** The host's cap applies as well. */
    Request &max_body_bytes(std::uint32_t max) {
        raw_.max_body_bytes = max;
        return *this;
    }
    /** HTTP/2 or nothing, without TLS as well, as gRPC wants it. */
    Request &require_http2() {
        raw_.require_http2 = true;
        return *this;
    }
    /** What the C kit sends; it looks into this. */
    probity_request raw() const {
        probity_request request = raw_;
        request.headers = headers_.data();
        request.header_count = headers_.size();
        return request;
    }
    Result<Response> send() const { return http::send(raw()); }

private:
    probity_request raw_ = {};
    std::vector<probity_field> headers_;
};

/** Sends all side by side; answers in the same order, each with its own error. */
inline std::vector<Result<Response>> send_all(const std::vector<Request> &requests) {
    std::vector<probity_request> raw;
    for (const Request &request : requests) raw.push_back(request.raw());
    std::vector<probity_http_answer> answers(raw.size());
    probity_http_send_all(raw.data(), raw.size(), answers.data());
    std::vector<Result<Response>> results;
    for (const probity_http_answer &answer : answers) {
        if (answer.response == nullptr)
            results.push_back(Error(answer.error));
        else
            results.push_back(Response(answer.response));
    }
    return results;
}
} // namespace http

/** Raw connections: banners and line protocols. The grant lists `host:port` targets. A timeout of 0 is what is left of
 * the run. */
namespace tcp {
/** An open connection; closed with this. */
class Socket {
public:
    Socket() = default;
    explicit Socket(probity_socket *raw) : handle_(raw) {}

    /** How long connecting took, in milliseconds. */
    double connect_ms() const { return probity_socket_connect_ms(raw()); }
    /** The address that answered. */
    std::string_view remote_address() const { return probity_socket_remote_address(raw()); }
    /** Writes all bytes. */
    Result<void> write(std::string_view bytes) {
        probity_error error = {};
        return done(probity_socket_write(raw(), bytes.data(), bytes.size(), &error), error);
    }
    /** Reads at least one byte and at most `max`; none at the end of the stream. */
    Result<std::string_view> read(std::uint32_t max, std::uint32_t timeout_ms = 0) {
        probity_error error = {};
        probity_bytes bytes = {};
        bool ok = probity_socket_read(raw(), max, timeout_ms, &bytes, &error);
        return given(ok, view(bytes), error);
    }
    /** Reads through `delimiter`, which is part of what is read. */
    Result<std::string_view> read_until(std::string_view delimiter, std::uint32_t max, std::uint32_t timeout_ms = 0) {
        probity_error error = {};
        probity_bytes bytes = {};
        probity_bytes until = {reinterpret_cast<const std::uint8_t *>(delimiter.data()), delimiter.size()};
        bool ok = probity_socket_read_until_bytes(raw(), until, max, timeout_ms, &bytes, &error);
        return given(ok, view(bytes), error);
    }
    /** Begins TLS on the way, once both sides agreed to (STARTTLS), or at once: see probity_socket_start_tls. */
    Result<probity_tls_info> start_tls(std::string_view server_name = "", std::string_view authority = "",
                                       std::uint32_t timeout_ms = 0) {
        probity_error error = {};
        probity_tls_info info = {};
        bool ok = probity_socket_start_tls(raw(), keep(server_name), keep(authority), timeout_ms, &info, &error);
        return given(ok, info, error);
    }
    probity_socket *raw() const { return handle_.raw(); }

private:
    Handle<probity_socket, probity_socket_free> handle_;
};

/** Resolves and connects. */
inline Result<Socket> connect(std::string_view host, std::uint16_t port, std::uint32_t timeout_ms = 0) {
    probity_error error = {};
    probity_socket *socket = probity_tcp_connect(keep(host), port, timeout_ms, &error);
    if (socket == nullptr) return Error(error);
    return Socket(socket);
}
} // namespace tcp

namespace udp {
/** Sends one datagram and waits for its answer: see probity_udp_exchange. */
inline Result<probity_udp_reply> exchange(std::string_view host, std::uint16_t port, std::string_view payload,
                                          std::uint32_t max_reply_bytes, std::uint32_t timeout_ms = 0) {
    probity_error error = {};
    probity_udp_reply reply = {};
    bool ok = probity_udp_exchange(keep(host), port, payload.data(), payload.size(), max_reply_bytes, timeout_ms, &reply,
                                   &error);
    return given(ok, reply, error);
}
} // namespace udp

/** Handshakes and stored certificates. A certificate that is not trusted is an answer: see `distrust`. */
namespace tls {
/** Connects, shakes hands, hangs up. An empty `server_name` is the host. */
inline Result<probity_tls_info> inspect(std::string_view host, std::uint16_t port, std::string_view server_name = "") {
    probity_error error = {};
    probity_tls_info info = {};
    bool ok = probity_tls_inspect(keep(host), port, keep(server_name), &info, &error);
    return given(ok, info, error);
}
/** The same, trusting only the authorities in a file that the host's configuration declares. */
inline Result<probity_tls_info> inspect_trusting(std::string_view host, std::uint16_t port, std::string_view server_name,
                                                 std::string_view authority) {
    probity_error error = {};
    probity_tls_info info = {};
    bool ok = probity_tls_inspect_trusting(keep(host), port, keep(server_name), keep(authority), &info, &error);
    return given(ok, info, error);
}
/** The certificates in a file that the host's configuration declares. */
inline Result<probity_certificates> inspect_named(std::string_view name) {
    probity_error error = {};
    probity_certificates found = {};
    bool ok = probity_tls_inspect_named(keep(name), &found, &error);
    return given(ok, found, error);
}
/** Days until it expires, negative afterwards. */
inline double days_left(const probity_certificate &certificate, std::uint64_t now_unix_ms) {
    return probity_certificate_days_left(&certificate, now_unix_ms);
}
} // namespace tls

namespace dns {
/** The records of `name` of a type: see probity_dns_resolve. An empty `server` is the host's own. */
inline Result<probity_dns_answers> resolve(std::string_view name, std::string_view record_type,
                                           std::string_view server = "") {
    probity_error error = {};
    probity_dns_answers answers = {};
    bool ok = probity_dns_resolve(keep(name), keep(record_type), keep(server), &answers, &error);
    return given(ok, answers, error);
}
} // namespace dns

} // namespace probity

#endif
