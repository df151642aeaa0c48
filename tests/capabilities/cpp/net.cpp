/**
 * @file
 * `http`, `tcp`, `tls`, `udp` and `dns`.
 */
#include "show.hpp"

using probity::Result;

constexpr std::uint32_t HALF_A_SECOND = 500;

static Result<void> answer(Show show, const Result<probity::http::Response> &response) {
    if (!response) return response.error();
    auto body = response->body();
    if (!body) return body.error();
    probity_timing timing = response->timing();
    auto type = response->header("Content-Type"), absent = response->header("x-absent");
    auto address = response->remote_address();
    show.integer("status", response->status())
        .text("version", response->version())
        .fields("headers", response->headers())
        .text("content-type", type.empty() ? "none" : type)
        .text("x-absent", absent.empty() ? "none" : absent)
        .text("body", *body)
        .fields("trailers", response->trailers())
        .optional("dns-ms", timing.dns_ms)
        .optional("connect-ms", timing.connect_ms)
        .optional("tls-ms", timing.tls_ms)
        .number("first-byte-ms", timing.first_byte_ms)
        .number("total-ms", timing.total_ms)
        .text("remote-address", address.empty() ? "none" : address);
    if (auto session = response->tls())
        show.below("tls-").session(*session);
    else
        show.none("tls");
    return {};
}

Result<void> http_get(Show show) { return answer(show, probity::http::get("http://shop.test/stats")); }

Result<void> http_tls(Show show) { return answer(show, probity::http::get("https://shop.test/")); }

Result<void> http_send(Show show) {
    auto request = probity::http::Request("POST", "/orders")
                       .endpoint("shop")
                       .header("content-type", "application/json")
                       .header("x-trace", "7")
                       .body(R"({"dry-run":true})")
                       .timeout_ms(250)
                       .max_redirects(2)
                       .max_body_bytes(64)
                       .require_http2();
    return answer(show, request.send());
}

Result<void> http_all(Show show) {
    auto answers = probity::http::send_all({{"GET", "http://a.test/"}, {"HEAD", "http://b.test/"}});
    for (std::size_t at = 0; at < answers.size(); at++) {
        if (!answers[at])
            show.item(at).text("error", probity_kind_name(answers[at].error().kind()));
        else if (auto shown = answer(show.item(at), answers[at]); !shown)
            return shown;
    }
    return {};
}

Result<void> tcp(Show show) {
    auto socket = probity::tcp::connect("mail.test", 25, HALF_A_SECOND);
    if (!socket) return socket.error();
    auto line = socket->read_until("\n", 64);
    if (!line) return line.error();
    if (auto written = socket->write("EHLO probity\r\n"); !written) return written;
    show.number("connect-ms", socket->connect_ms()).text("remote-address", socket->remote_address()).bytes("line", *line);
    const std::pair<const char *, std::uint32_t> reads[] = {{"some", 3}, {"rest", 64}, {"end", 64}};
    for (auto [name, max] : reads) {
        auto read = socket->read(max);
        if (!read) return read.error();
        show.bytes(name, *read);
    }
    return {};
}

Result<void> starttls(Show show) {
    auto socket = probity::tcp::connect("mail.test", 25);
    if (!socket) return socket.error();
    if (auto line = socket->read_until("\n", 64); !line) return line.error();
    if (auto written = socket->write("STARTTLS\r\n"); !written) return written;
    if (auto line = socket->read_until("\n", 64); !line) return line.error();
    auto session = socket->start_tls("mail.example.org", "office", HALF_A_SECOND);
    if (!session) return session.error();
    if (auto written = socket->write("QUIT\r\n"); !written) return written;
    auto inside = socket->read(64);
    if (!inside) return inside.error();
    show.session(*session).bytes("inside", *inside);
    return {};
}

static Result<void> handshake(Show show, const Result<probity_tls_info> &session) {
    if (!session) return session.error();
    show.session(*session);
    return {};
}

Result<void> tls(Show show) { return handshake(show, probity::tls::inspect("shop.test", 443, "www.shop.test")); }

Result<void> tls_trusting(Show show) {
    return handshake(show, probity::tls::inspect_trusting("shop.test", 443, "", "office"));
}

Result<void> tls_named(Show show) {
    auto found = probity::tls::inspect_named("office");
    if (!found) return found.error();
    show.integer("certificates", found->size());
    for (std::size_t at = 0; at < found->size(); at++) show.item(at).certificate((*found)[at]);
    return {};
}

Result<void> udp(Show show) {
    auto reply = probity::udp::exchange("time.test", 123, std::string_view("\x1b\x00\xff", 3), 4, HALF_A_SECOND);
    if (!reply) return reply.error();
    show.bytes("payload", probity::view(reply->payload))
        .text("remote-address", reply->remote_address)
        .number("elapsed-ms", reply->elapsed_ms)
        .integer("received-unix-ms", reply->received_unix_ns / 1'000'000);
    return {};
}

static Result<void> records(Show show, const Result<probity_dns_answers> &answers) {
    if (!answers) return answers.error();
    show.integer("answers", answers->size());
    for (std::size_t at = 0; at < answers->size(); at++)
        show.item(at).text("data", (*answers)[at].data).integer("ttl", (*answers)[at].ttl);
    return {};
}

Result<void> dns(Show show) { return records(show, probity::dns::resolve("shop.test", "A")); }

Result<void> dns_at(Show show) { return records(show, probity::dns::resolve("shop.test", "MX", "inside")); }
