//! How what a call returned is shown.

const std = @import("std");
const probity = @import("probity");

/// The outcome that what came back is added to, and what goes before its names.
pub const Show = struct {
    outcome: probity.Outcome,
    prefix: []const u8 = "",

    fn named(self: Show, name: []const u8) []const u8 {
        return print("{s}{s}", .{ self.prefix, name });
    }

    /// A whole number, a number or a truth value; null is absent.
    pub fn measure(self: Show, name: []const u8, value: anytype) void {
        if (@typeInfo(@TypeOf(value)) == .optional) {
            if (value) |there| self.measure(name, there) else self.text(name, null);
            return;
        }
        _ = self.outcome.measure(self.named(name), value, "");
    }

    pub fn text(self: Show, name: []const u8, value: ?[]const u8) void {
        _ = self.outcome.detail(self.named(name), value orelse "none");
    }

    /// In hexadecimal.
    pub fn bytes(self: Show, name: []const u8, value: []const u8) void {
        self.text(name, print("{x}", .{value}));
    }

    pub fn status(self: Show, name: []const u8, value: ?probity.Status) void {
        self.text(name, if (value) |there| @tagName(there) else null);
    }

    /// The same with more before the names.
    pub fn below(self: Show, prefix: []const u8) Show {
        return .{ .outcome = self.outcome, .prefix = self.named(prefix) };
    }

    /// The fields of a record under the names of the contract.
    pub fn record(self: Show, value: anytype) void {
        inline for (comptime std.meta.fieldNames(@TypeOf(value))) |field| {
            const name = comptime hyphenated(field);
            switch (@FieldType(@TypeOf(value), field)) {
                []const u8, ?[]const u8 => self.text(name, @field(value, field)),
                []const []const u8 => self.text(name, joined(@field(value, field))),
                ?probity.Status => self.status(name, @field(value, field)),
                else => self.measure(name, @field(value, field)),
            }
        }
    }

    /// Records, each with its number before its names.
    pub fn items(self: Show, values: anytype) void {
        for (values, 1..) |value, number| self.below(print("{d}-", .{number})).record(value);
    }

    /// The same, and how many there are.
    pub fn list(self: Show, name: []const u8, values: anytype) void {
        self.measure(name, values.len);
        self.items(values);
    }

    pub fn session(self: Show, info: probity.tls.Info) void {
        self.text("protocol", info.protocol);
        self.text("cipher", info.cipher);
        self.text("alpn", info.alpn);
        self.measure("handshake-ms", info.handshake_ms);
        self.text("verified", info.distrust orelse "yes");
        self.list("chain", info.chain);
    }

    pub fn answer(self: Show, response: probity.http.Response) probity.Error!void {
        self.measure("status", response.status());
        self.text("version", response.version());
        self.text("headers", lines(response.headers()));
        self.text("content-type", response.header("Content-Type"));
        self.text("x-absent", response.header("x-absent"));
        self.text("body", try response.body());
        self.text("trailers", lines(response.trailers()));
        self.record(response.timing());
        self.text("remote-address", response.remoteAddress());
        if (response.tlsInfo()) |info| self.below("tls-").session(info) else self.text("tls", null);
    }
};

fn hyphenated(comptime name: []const u8) []const u8 {
    comptime {
        var made = name[0..name.len].*;
        std.mem.replaceScalar(u8, &made, '_', '-');
        const kept = made;
        return &kept;
    }
}

fn lines(headers: []const probity.http.Header) []const u8 {
    var all: []const u8 = "";
    for (headers) |header| all = print("{s}{s}{s}: {s}", .{ all, if (all.len == 0) "" else ", ", header.name, header.value });
    return all;
}

pub fn joined(texts: []const []const u8) []const u8 {
    return std.mem.join(std.heap.c_allocator, ", ", texts) catch @trap();
}

/// A text that stays: one run has a few of them.
pub fn print(comptime format: []const u8, args: anytype) []const u8 {
    return std.fmt.allocPrint(std.heap.c_allocator, format, args) catch @trap();
}
