//! `context`, `clock` and `state`.

const probity = @import("probity");
const show_zig = @import("show.zig");
const Show = show_zig.Show;
const Error = probity.Error;

pub const acts = .{ .{ "context", context }, .{ "clock", clock }, .{ "state", state }, .{ "state-large", stateLarge }, .{ "state-key", stateKey } };

fn context(show: Show) Error!void {
    show.text("check-id", probity.context.checkId());
    show.text("run-id", probity.context.runId());
    show.text("traceparent", probity.context.traceparent());
    show.measure("remaining-ms", probity.context.remainingMs());
    show.measure("consecutive-failures", probity.context.consecutiveFailures());
    if (probity.context.previous()) |previous| show.below("previous-").record(previous) else show.text("previous", null);
}

fn clock(show: Show) Error!void {
    const wall = probity.clock.nowUnixMs();
    const monotonic = probity.clock.monotonicNs();
    probity.clock.sleepMs(250);
    show.measure("now-unix-ms", wall);
    show.measure("wall-ms", probity.clock.nowUnixMs() - wall);
    show.measure("monotonic-ms", (probity.clock.monotonicNs() - monotonic) / 1_000_000);
}

fn state(show: Show) Error!void {
    try probity.state.set("text", "kept", 0);
    try probity.state.set("brief", "x", 1);
    const first = try probity.state.increment("count", 5);
    const second = try probity.state.increment("count", -7);
    probity.clock.sleepMs(20);
    show.measure("first", first);
    show.measure("second", second);
    for ([_][]const u8{ "text", "brief", "never" }) |key| show.text(key, try probity.state.get(key));
    try probity.state.set("gone", "x", 0);
    try probity.state.delete("gone");
    show.text("all", show_zig.joined(try probity.state.keys("")));
    show.text("some", show_zig.joined(try probity.state.keys("te")));
}

fn stateLarge(show: Show) Error!void {
    const letters: [40_000]u8 = @splat('x');
    try probity.state.set("large", &letters, 0);
    var sum: usize = 0;
    for (0..300) |_| sum += if (try probity.state.get("large")) |value| value.len else 0;
    show.measure("bytes", sum);
}

fn stateKey(_: Show) Error!void {
    try probity.state.set("", "x", 0);
}
