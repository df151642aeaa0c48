//! Rows and replies read as types, for the test of the kit: see `tests/tests/all/kits.rs`.

const std = @import("std");
const probity = @import("probity");

pub const panic = probity.panic;

comptime {
    probity.check(.{ .name = "reads", .run = run });
}

fn run() probity.Error!probity.Outcome {
    const orders = try probity.sql.open("orders");
    defer orders.deinit();
    const state = try orders.scalar([]const u8, "SELECT state FROM shop", &.{});
    const count = try orders.scalar(i64, "SELECT count(*) FROM orders WHERE at > $1", &.{.{ .text = "2026-11-20" }});
    const sum = try orders.scalar(f64, "SELECT sum(price) FROM orders", &.{});
    const rows = try orders.query("SELECT * FROM orders", &.{});
    const name = try rows.get([]const u8, 1, "name");
    const paid: []const u8 = if (try rows.get(bool, 1, "paid")) "paid" else "not paid";
    const note: []const u8 = if (try rows.get(?[]const u8, 1, "note") == null) "no note" else "a note";

    const cache = try probity.redis.open("cache");
    const reply = try cache.command("HGETALL", &.{"orders"});
    const found = reply.get("lag") orelse return probity.failure("no lag", .{});
    const lag = found.asInteger() orelse return probity.failure("the lag is no number", .{});

    if (rows.get(i64, 1, "name")) |_| return probity.failure("a name is no number", .{}) else |_| {}
    const wrong = std.mem.span(probity.lastError().message);
    return probity.healthy("{s}: {d} orders of {d}, the last of {s} is {s}, {s}, lag {d}; {s}", .{
        state, count, sum, name, paid, note, lag, wrong,
    });
}
