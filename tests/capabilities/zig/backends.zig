//! `sql`, `redis`, `queue` and `secrets`.

const probity = @import("probity");
const show_zig = @import("show.zig");
const Show = show_zig.Show;
const print = show_zig.print;
const Error = probity.Error;

pub const acts = .{
    .{ "sql", sql },
    .{ "sql-write", sqlWrite },
    .{ "redis", redis },
    .{ "queue", queue },
    .{ "queue-publish", queuePublish },
    .{ "secrets", secrets },
    .{ "reveal", reveal },
};

fn sql(show: Show) Error!void {
    const orders = try probity.sql.open("orders");
    const ping_ms = try orders.ping();
    const rows = try orders.query("SELECT $1, $2, $3, $4, $5, $6", &.{
        .null, .{ .boolean = true }, .{ .integer = 7 }, .{ .number = 1.5 }, .{ .text = "seven" }, .{ .bytes = "\x00\xff" },
    });
    show.text("engine", orders.engine());
    show.measure("ping-ms", ping_ms);
    var columns: []const u8 = "";
    for (rows.columns(), 0..) |column, at| {
        columns = print("{s}{s}{s} {s}", .{ columns, if (at == 0) "" else ", ", column.name, column.type_name });
    }
    show.text("columns", columns);
    show.measure("truncated", rows.truncated());
    show.measure("rows", rows.len());
    for (0..rows.len()) |row| {
        var fields: []const u8 = "";
        for (0..rows.columns().len) |at| {
            fields = print("{s}{s}{s}", .{ fields, if (at == 0) "" else ", ", field(rows.at(row, at)) });
        }
        show.text(print("row-{d}", .{row + 1}), fields);
    }
}

fn field(value: probity.sql.Value) []const u8 {
    return switch (value) {
        .null => "null",
        .boolean => |found| print("boolean {}", .{found}),
        .integer => |found| print("integer {d}", .{found}),
        .number => |found| print("float {d}", .{found}),
        .text => |found| print("text {s}", .{found}),
        .bytes => |found| print("bytes {x}", .{found}),
    };
}

fn sqlWrite(show: Show) Error!void {
    const orders = try probity.sql.open("orders");
    const updated = try orders.execute("UPDATE orders SET state = $1", &.{.{ .text = "paid" }});
    const probe = try orders.begin();
    const inserted = try probe.execute("INSERT INTO probes VALUES ($1)", &.{.{ .integer = 1 }});
    const rows = try probe.query("SELECT count(*) FROM probes", &.{});
    const counted = try rows.get(i64, 0, null);
    try probe.commit();
    const undone = try orders.begin();
    try undone.rollback();
    show.measure("updated", updated);
    show.measure("inserted", inserted);
    show.measure("counted", counted);
}

fn redis(show: Show) Error!void {
    const cache = try probity.redis.open("cache");
    const ping_ms = try cache.ping();
    const reply = try cache.command("HGETALL", &.{"orders"});
    show.measure("ping-ms", ping_ms);
    show.text("reply", flat(reply));
}

/// The parts of a reply in the order of the contract.
fn flat(reply: probity.redis.Reply) []const u8 {
    return switch (reply) {
        .nil => "nil",
        .integer => |found| print("integer {d}", .{found}),
        .number => |found| print("double {d}", .{found}),
        .boolean => |found| print("boolean {}", .{found}),
        .simple => |found| print("simple {s}", .{found}),
        .bulk => |found| print("bulk {x}", .{found}),
        .failed => |found| print("error {s}", .{found}),
        .array => |items| container(print("array {d}", .{items.len}), items),
        .map => |items| container(print("map {d}", .{items.len / 2}), items),
    };
}

fn container(announced: []const u8, items: []const probity.redis.Reply) []const u8 {
    var all = announced;
    for (items) |item| all = print("{s}, {s}", .{ all, flat(item) });
    return all;
}

fn queue(show: Show) Error!void {
    show.record(try probity.queue.inspect("jobs"));
}

fn queuePublish(_: Show) Error!void {
    try probity.queue.publish("jobs", "probe");
}

fn secrets(show: Show) Error!void {
    const digest = try probity.secrets.hmacSha256("webhook", "payload");
    show.bytes("hmac", &digest);
    show.measure("same", try probity.secrets.matches("webhook", "s3cret"));
    show.measure("other", try probity.secrets.matches("webhook", "secret"));
}

fn reveal(show: Show) Error!void {
    const value = try probity.secrets.reveal("webhook");
    show.measure("length", value.len);
    show.text("value", value);
}
