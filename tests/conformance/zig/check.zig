//! The reference check of the conformance suite, in Zig: see `tests/conformance/README.md`.

const std = @import("std");
const probity = @import("probity");

pub const panic = probity.panic;

comptime {
    probity.check(.{ .name = "reference", .description = "Does every language do the same?", .run = run });
}

const Act = enum { judge, integer, log, http, json, state, loop, allocate, word, nothing, throw, config };

fn run() probity.Error!probity.Outcome {
    const word = probity.config.text("/act");
    const act = std.meta.stringToEnum(Act, word) orelse return probity.failure("unknown act `{s}`", .{word});
    return switch (act) {
        .judge => judge(),
        .integer => judgeInteger(),
        .log => writeLines(),
        .http => fetch(),
        .json => lookUp(),
        .state => probity.healthy("counted", .{}).measure("runs", try probity.state.increment("runs", 1), ""),
        .loop => loop(),
        .allocate => allocate(),
        .word => said(),
        .nothing => probity.healthy("fine", .{}).judge("lag", std.math.nan(f64), "ms", probity.atMost(null, null)),
        .throw => @panic("boom"),
        .config => probity.healthy("value {d}", .{probity.config.number("/value")}),
    };
}

fn judge() probity.Outcome {
    const limits = probity.atMost(probity.config.optionalNumber("/warn"), probity.config.optionalNumber("/crit"));
    return probity.healthy("as it should be", .{}).judge("value", probity.config.number("/value"), "", limits);
}

fn judgeInteger() probity.Outcome {
    const most = probity.config.atMost("/most", .number);
    return probity.healthy("as it should be", .{}).judge("integer", probity.config.integer("/integer"), "", most);
}

fn writeLines() probity.Outcome {
    inline for (.{ .trace, .debug, .info, .warn, .@"error" }) |level| {
        probity.log.write(level, "line at " ++ @tagName(level), &.{.{ "n", "1" }});
    }
    return probity.healthy("logged", .{});
}

fn fetch() probity.Error!probity.Outcome {
    const response = probity.http.get(probity.config.text("/url")) catch |err| return probity.answer(err);
    return probity.healthy("status {d}", .{response.status()}).measure("status", response.status(), "");
}

fn lookUp() probity.Error!probity.Outcome {
    const response = try probity.http.get(probity.config.text("/url"));
    return probity.healthy("found", .{}).measure("value", try response.number("value"), "");
}

fn said() probity.Outcome {
    const named = probity.config.text("/word");
    const status = std.meta.stringToEnum(probity.Status, named) orelse
        return probity.failure("{s} is no status; there are healthy, degraded, unhealthy", .{named});
    return probity.healthy("fine", .{}).finding(status, "said");
}

fn loop() noreturn {
    var turns: u64 = 0;
    while (true) {
        turns +%= 1;
        std.mem.doNotOptimizeAway(turns);
    }
}

fn allocate() noreturn {
    while (true) {
        const block = std.heap.c_allocator.alloc(u8, 1 << 20) catch @panic("out of memory");
        var at: usize = 0;
        while (at < block.len) : (at += 4096) @as(*volatile u8, &block[at]).* = 1;
    }
}
