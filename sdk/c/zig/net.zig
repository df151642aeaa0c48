//! HTTP, TCP, UDP, TLS and DNS.

const host = @import("host.zig");
const c = host.c;
const Error = host.Error;
const keep = host.keep;

/// HTTP client. The grant lists URLs and names of endpoints.
pub const http = struct {
    /// What to send.
    pub const Request = struct {
        method: []const u8 = "GET",
        /// Absolute, or a path when there is an endpoint.
        url: []const u8,
        /// One of the host's configuration: base URL, credentials, proxy.
        endpoint: ?[]const u8 = null,
        /// Of one name the last counts.
        headers: []const Header = &.{},
        body: ?[]const u8 = null,
        /// For the whole exchange; 0 is what is left of the run.
        timeout_ms: u32 = 0,
        /// By default a redirect is returned.
        max_redirects: u32 = 0,
        /// The host's cap applies as well.
        max_body_bytes: u32 = 0,
        /// HTTP/2 or nothing, without TLS as well, as gRPC wants it.
        require_http2: bool = false,

        fn lower(self: Request) c.probity_request {
            const headers = host.alloc(c.probity_field, self.headers.len);
            for (self.headers, headers) |header, *field| {
                field.* = .{ .name = keep(header.name), .value = keep(header.value) };
            }
            return .{
                .method = keep(self.method),
                .url = keep(self.url),
                .endpoint = host.maybe(self.endpoint),
                .headers = headers.ptr,
                .header_count = headers.len,
                .body = if (self.body) |body| body.ptr else null,
                .body_length = if (self.body) |body| body.len else 0,
                .timeout_ms = self.timeout_ms,
                .max_redirects = self.max_redirects,
                .max_body_bytes = self.max_body_bytes,
                .require_http2 = self.require_http2,
            };
        }
    };

    pub const Header = struct { name: []const u8, value: []const u8 };

    /// Milliseconds per phase; null where the phase did not happen.
    pub const Timing = struct { dns_ms: ?f64, connect_ms: ?f64, tls_ms: ?f64, first_byte_ms: f64, total_ms: f64 };

    /// An answer, whatever its status, read completely by the host.
    pub const Response = struct {
        raw: *c.probity_response,

        pub fn status(self: Response) u16 {
            return c.probity_response_status(self.raw);
        }
        /// "1.1", "2"
        pub fn version(self: Response) []const u8 {
            return host.span(c.probity_response_version(self.raw));
        }
        /// The first header of this name, in any case.
        pub fn header(self: Response, name: []const u8) ?[]const u8 {
            return host.optional(c.probity_response_header(self.raw, keep(name)));
        }
        /// All headers in order, names in lower case.
        pub fn headers(self: Response) []const Header {
            return host.list(Header, c.probity_response_headers(self.raw));
        }
        /// What came after the body, in the same form.
        pub fn trailers(self: Response) []const Header {
            return host.list(Header, c.probity_response_trailers(self.raw));
        }
        /// The body; an error when it broke off, took too long, or was too large.
        pub fn body(self: Response) Error![]const u8 {
            var bytes: c.probity_bytes = .{};
            try host.done(c.probity_response_body(self.raw, &bytes, &host.last_error));
            return host.view(bytes);
        }
        /// The number of `key` in the table of JSON that the body is; the error names the address that was asked.
        pub fn number(self: Response, key: []const u8) Error!f64 {
            var value: f64 = 0;
            try host.done(c.probity_response_number(self.raw, keep(key), &value, &host.last_error));
            return value;
        }
        /// The text of `key` likewise.
        pub fn text(self: Response, key: []const u8) Error![]const u8 {
            const found = c.probity_response_text(self.raw, keep(key), &host.last_error);
            return host.optional(found) orelse error.Capability;
        }
        pub fn timing(self: Response) Timing {
            return host.record(Timing, c.probity_response_timing(self.raw));
        }
        pub fn totalMs(self: Response) f64 {
            return c.probity_response_total_ms(self.raw);
        }
        /// The TLS session; null for plain HTTP.
        pub fn tlsInfo(self: Response) ?tls.Info {
            var info: c.probity_tls_info = .{};
            return if (c.probity_response_tls(self.raw, &info)) host.record(tls.Info, info) else null;
        }
        /// The address that answered; null when the host cannot tell.
        pub fn remoteAddress(self: Response) ?[]const u8 {
            return host.optional(c.probity_response_remote_address(self.raw));
        }
        /// Gives the handle back to the host before the run ends.
        pub fn deinit(self: Response) void {
            c.probity_response_free(self.raw);
        }
    };

    /// Sends a GET with the defaults.
    pub fn get(url: []const u8) Error!Response {
        return send(.{ .url = url });
    }

    pub fn send(request: Request) Error!Response {
        const lowered = request.lower();
        return .{ .raw = c.probity_http_send(&lowered, &host.last_error) orelse return error.Capability };
    }

    /// What became of one of several requests.
    pub const Answer = struct {
        raw: c.probity_http_answer,

        /// The answer, or why there is none.
        pub fn get(self: Answer) Error!Response {
            const response = self.raw.response orelse {
                host.last_error = self.raw.@"error";
                return error.Capability;
            };
            return .{ .raw = response };
        }
    };

    /// Sends all side by side; answers in the same order.
    pub fn sendAll(requests: []const Request) []const Answer {
        const lowered = host.alloc(c.probity_request, requests.len);
        for (requests, lowered) |request, *raw| raw.* = request.lower();
        const received = host.alloc(c.probity_http_answer, requests.len);
        c.probity_http_send_all(lowered.ptr, lowered.len, received.ptr);
        const answers = host.alloc(Answer, requests.len);
        for (received, answers) |raw, *answer| answer.* = .{ .raw = raw };
        return answers;
    }
};

/// Raw connections: banners and line protocols. The grant lists `host:port` targets. A timeout of 0 is what is left of the
/// run.
pub const tcp = struct {
    /// An open connection.
    pub const Socket = struct {
        raw: *c.probity_socket,

        /// How long connecting took.
        pub fn connectMs(self: Socket) f64 {
            return c.probity_socket_connect_ms(self.raw);
        }
        /// The address that answered.
        pub fn remoteAddress(self: Socket) []const u8 {
            return host.span(c.probity_socket_remote_address(self.raw));
        }
        /// Writes all bytes.
        pub fn write(self: Socket, bytes: []const u8) Error!void {
            return host.done(c.probity_socket_write(self.raw, bytes.ptr, bytes.len, &host.last_error));
        }
        /// Reads at least one byte and at most `max`; none at the end of the stream.
        pub fn read(self: Socket, max: u32, timeout_ms: u32) Error![]const u8 {
            var bytes: c.probity_bytes = .{};
            try host.done(c.probity_socket_read(self.raw, max, timeout_ms, &bytes, &host.last_error));
            return host.view(bytes);
        }
        /// Reads through `delimiter`, which is part of what is read.
        pub fn readUntil(self: Socket, delimiter: []const u8, max: u32, timeout_ms: u32) Error![]const u8 {
            var bytes: c.probity_bytes = .{};
            const until: c.probity_bytes = .{ .data = delimiter.ptr, .length = delimiter.len };
            try host.done(c.probity_socket_read_until_bytes(self.raw, until, max, timeout_ms, &bytes, &host.last_error));
            return host.view(bytes);
        }
        /// What `startTls` is told; the host and what the system trusts when it is not.
        pub const TlsOptions = struct { server_name: ?[]const u8 = null, authority: ?[]const u8 = null, timeout_ms: u32 = 0 };
        /// Begins TLS on the way, once both sides agreed to (STARTTLS), or at once. A certificate that is not trusted is an
        /// answer: see `distrust`.
        pub fn startTls(self: Socket, options: TlsOptions) Error!tls.Info {
            var info: c.probity_tls_info = .{};
            const name = host.maybe(options.server_name);
            const authority = host.maybe(options.authority);
            const ms = options.timeout_ms;
            try host.done(c.probity_socket_start_tls(self.raw, name, authority, ms, &info, &host.last_error));
            return host.record(tls.Info, info);
        }
        /// Closes it before the run ends.
        pub fn deinit(self: Socket) void {
            c.probity_socket_free(self.raw);
        }
    };

    /// Resolves and connects.
    pub fn connect(hostname: []const u8, port: u16, timeout_ms: u32) Error!Socket {
        const socket = c.probity_tcp_connect(keep(hostname), port, timeout_ms, &host.last_error);
        return .{ .raw = socket orelse return error.Capability };
    }
};

pub const udp = struct {
    /// An answer: `elapsed_ms` from sending to receiving, `received_unix_ns` by the host's clock.
    pub const Reply = struct { payload: []const u8, remote_address: []const u8, elapsed_ms: f64, received_unix_ns: u64 };

    /// Sends one datagram of at most 1472 bytes and waits for one of at most `max_reply_bytes` from the same address.
    /// Nothing is sent again: a lost one is a timeout. A `timeout_ms` of 0 is what is left of the run.
    pub fn exchange(hostname: []const u8, port: u16, payload: []const u8, max_reply_bytes: u32, timeout_ms: u32) Error!Reply {
        var reply: c.probity_udp_reply = .{};
        const to = keep(hostname);
        try host.done(c.probity_udp_exchange(to, port, payload.ptr, payload.len, max_reply_bytes, timeout_ms, &reply, &host.last_error));
        return host.record(Reply, reply);
    }
};

/// Handshakes and stored certificates. A certificate that is not trusted is an answer: see `distrust`.
pub const tls = struct {
    pub const Certificate = struct {
        subject: []const u8,
        issuer: []const u8,
        /// In hexadecimal.
        serial: []const u8,
        /// Validity, in seconds since 1970.
        not_before_unix: i64,
        not_after_unix: i64,
        dns_names: []const []const u8,
        /// Of its DER bytes, in hexadecimal.
        sha256: []const u8,

        /// Days until it expires, negative afterwards.
        pub fn daysLeft(self: Certificate, now_unix_ms: u64) f64 {
            const raw: c.probity_certificate = .{ .not_after_unix = self.not_after_unix };
            return c.probity_certificate_days_left(&raw, now_unix_ms);
        }
    };

    /// A session.
    pub const Info = struct {
        protocol: []const u8,
        cipher: []const u8,
        /// What both sides agreed to speak.
        alpn: ?[]const u8,
        handshake_ms: f64,
        /// Those that lead to an authority, leaf first; all that were sent where none do.
        chain: []const Certificate,
        /// Why the chain is not trusted; null when it is.
        distrust: ?[]const u8,
    };

    /// Connects, shakes hands, hangs up. Without a `server_name` that is the host.
    pub fn inspect(hostname: []const u8, port: u16, server_name: ?[]const u8) Error!Info {
        var info: c.probity_tls_info = .{};
        try host.done(c.probity_tls_inspect(keep(hostname), port, host.maybe(server_name), &info, &host.last_error));
        return host.record(Info, info);
    }

    /// The same, trusting only the authorities in a file that the host's configuration declares.
    pub fn inspectTrusting(hostname: []const u8, port: u16, server_name: ?[]const u8, authority: []const u8) Error!Info {
        var info: c.probity_tls_info = .{};
        const name = host.maybe(server_name);
        try host.done(c.probity_tls_inspect_trusting(keep(hostname), port, name, keep(authority), &info, &host.last_error));
        return host.record(Info, info);
    }

    /// The certificates in a file that the host's configuration declares.
    pub fn inspectNamed(name: []const u8) Error![]const Certificate {
        var found: c.probity_certificates = .{};
        try host.done(c.probity_tls_inspect_named(keep(name), &found, &host.last_error));
        return host.list(Certificate, found);
    }
};

pub const dns = struct {
    /// One record: its data as a zone file writes it, and the seconds it may be kept.
    pub const Answer = struct { data: []const u8, ttl: u32 };

    /// The records of `name` of a type; `server` is a resolver of the host's configuration, without it the host's own. No
    /// records of the type are an empty list.
    pub fn resolve(name: []const u8, record_type: []const u8, server: ?[]const u8) Error![]const Answer {
        var answers: c.probity_dns_answers = .{};
        try host.done(c.probity_dns_resolve(keep(name), keep(record_type), host.maybe(server), &answers, &host.last_error));
        return host.list(Answer, answers);
    }
};
