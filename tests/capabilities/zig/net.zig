//! `http`, `tcp`, `tls`, `udp` and `dns`.

const std = @import("std");
const probity = @import("probity");
const show_zig = @import("show.zig");
const Show = show_zig.Show;
const Error = probity.Error;

const half_a_second = 500;

pub const acts = .{
    .{ "http-get", httpGet },
    .{ "http-tls", httpTls },
    .{ "http-send", httpSend },
    .{ "http-all", httpAll },
    .{ "tcp", tcp },
    .{ "starttls", starttls },
    .{ "tls", tls },
    .{ "tls-trusting", tlsTrusting },
    .{ "tls-named", tlsNamed },
    .{ "udp", udp },
    .{ "dns", dns },
    .{ "dns-at", dnsAt },
};

fn httpGet(show: Show) Error!void {
    try show.answer(try probity.http.get("http://shop.test/stats"));
}

fn httpTls(show: Show) Error!void {
    try show.answer(try probity.http.get("https://shop.test/"));
}

fn httpSend(show: Show) Error!void {
    const response = try probity.http.send(.{
        .method = "POST",
        .url = "/orders",
        .endpoint = "shop",
        .headers = &.{ .{ .name = "content-type", .value = "application/json" }, .{ .name = "x-trace", .value = "7" } },
        .body = "{\"dry-run\":true}",
        .timeout_ms = 250,
        .max_redirects = 2,
        .max_body_bytes = 64,
        .require_http2 = true,
    });
    try show.answer(response);
}

fn httpAll(show: Show) Error!void {
    const answers = probity.http.sendAll(&.{ .{ .url = "http://a.test/" }, .{ .method = "HEAD", .url = "http://b.test/" } });
    for (answers, 1..) |answer, number| {
        const item = show.below(show_zig.print("{d}-", .{number}));
        if (answer.get()) |response| {
            try item.answer(response);
        } else |_| {
            item.text("error", std.mem.span(probity.c.probity_kind_name(probity.lastError().kind)));
        }
    }
}

fn tcp(show: Show) Error!void {
    const socket = try probity.tcp.connect("mail.test", 25, half_a_second);
    const line = try socket.readUntil("\n", 64, 0);
    try socket.write("EHLO probity\r\n");
    show.measure("connect-ms", socket.connectMs());
    show.text("remote-address", socket.remoteAddress());
    show.bytes("line", line);
    show.bytes("some", try socket.read(3, 0));
    show.bytes("rest", try socket.read(64, 0));
    show.bytes("end", try socket.read(64, 0));
}

fn starttls(show: Show) Error!void {
    const socket = try probity.tcp.connect("mail.test", 25, 0);
    _ = try socket.readUntil("\n", 64, 0);
    try socket.write("STARTTLS\r\n");
    _ = try socket.readUntil("\n", 64, 0);
    const info = try socket.startTls(.{
        .server_name = "mail.example.org",
        .authority = "office",
        .timeout_ms = half_a_second,
    });
    try socket.write("QUIT\r\n");
    show.session(info);
    show.bytes("inside", try socket.read(64, 0));
}

fn tls(show: Show) Error!void {
    show.session(try probity.tls.inspect("shop.test", 443, "www.shop.test"));
}

fn tlsTrusting(show: Show) Error!void {
    show.session(try probity.tls.inspectTrusting("shop.test", 443, null, "office"));
}

fn tlsNamed(show: Show) Error!void {
    show.list("certificates", try probity.tls.inspectNamed("office"));
}

fn udp(show: Show) Error!void {
    const reply = try probity.udp.exchange("time.test", 123, "\x1b\x00\xff", 4, half_a_second);
    show.bytes("payload", reply.payload);
    show.text("remote-address", reply.remote_address);
    show.measure("elapsed-ms", reply.elapsed_ms);
    show.measure("received-unix-ms", reply.received_unix_ns / 1_000_000);
}

fn dns(show: Show) Error!void {
    show.list("answers", try probity.dns.resolve("shop.test", "A", null));
}

fn dnsAt(show: Show) Error!void {
    show.list("answers", try probity.dns.resolve("shop.test", "MX", "inside"));
}
