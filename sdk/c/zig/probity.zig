//! Author kit for Probity checks in Zig, over the C kit, which is `c`.
//!
//!     const probity = @import("probity");
//!
//!     pub const panic = probity.panic;
//!     comptime { probity.check(.{ .name = "orders-backlog", .run = run }); }
//!
//!     fn run() probity.Error!probity.Outcome {
//!         const response = probity.http.get(probity.config.text("/url")) catch |err| return probity.answer(err);
//!         return probity.healthy("status {d}", .{response.status()})
//!             .judge("latency", response.totalMs(), "ms", probity.config.atMost("/latency", .span));
//!     }
//!
//! Memory: what these functions return, and the copies of texts that go into an outcome, stay until the run ends. Handles
//! (responses, connections, transactions, sockets) go back to the host then; `deinit` gives one back before.

const std = @import("std");
const host = @import("host.zig");

/// The C kit, for all that has no Zig form here.
pub const c = host.c;

/// What a check may fail with: a capability refused, and `lastError` has why.
pub const Error = host.Error;

pub const Status = host.Status;

pub const http = @import("net.zig").http;
pub const tcp = @import("net.zig").tcp;
pub const udp = @import("net.zig").udp;
pub const tls = @import("net.zig").tls;
pub const dns = @import("net.zig").dns;
pub const sql = @import("backends.zig").sql;
pub const redis = @import("backends.zig").redis;
pub const queue = @import("backends.zig").queue;
pub const secrets = @import("backends.zig").secrets;
pub const system = @import("system.zig").system;
pub const heartbeats = @import("system.zig").heartbeats;
pub const peers = @import("system.zig").peers;

pub const Level = enum(c_uint) { trace, debug, info, warn, @"error" };
/// What a threshold is given in: a number, milliseconds ("10m"), or bytes ("32MiB").
pub const Quantity = enum(c_uint) { number = c.PROBITY_NUMBER, span = c.PROBITY_SPAN, size = c.PROBITY_SIZE };

/// Bounds: the last values that are still allowed; NaN for one that is absent.
pub const Threshold = c.probity_threshold;

/// More than `warn` is degraded, more than `crit` unhealthy.
pub fn atMost(warn: ?f64, crit: ?f64) Threshold {
    return c.probity_at_most(warn orelse std.math.nan(f64), crit orelse std.math.nan(f64));
}

/// Less than `warn` is degraded, less than `crit` unhealthy.
pub fn atLeast(warn: ?f64, crit: ?f64) Threshold {
    return c.probity_at_least(warn orelse std.math.nan(f64), crit orelse std.math.nan(f64));
}

/// What a check says about itself. Only name and run are needed.
pub const Check = struct {
    name: [:0]const u8,
    version: [:0]const u8 = "0.1.0",
    /// One sentence: the question this check answers.
    description: [:0]const u8 = "",
    /// Probes that it is meant for: a hint to the operator, who decides.
    probes: struct { live: bool = false, ready: bool = false, startup: bool = false } = .{},
    /// Between runs when the operator does not say; 0 leaves it to the host.
    every_ms: u32 = 0,
    /// A run may take when the operator does not say; 0 leaves it to the host.
    timeout_ms: u32 = 0,
    /// JSON Schema (2020-12) of the configuration.
    config_schema: ?[:0]const u8 = null,
    /// A configuration that works, as JSON.
    config_example: ?[:0]const u8 = null,
    /// One run, in a fresh instance by default; an operator may let one serve several runs (`runs-per-instance`), so keep
    /// nothing in globals.
    run: *const fn () Error!Outcome,
};

/// Makes it the check of this component; call it once, in a `comptime` block of the root file.
pub fn check(comptime said: Check) void {
    const Exported = struct {
        const metadata: c.probity_metadata = .{
            .name = said.name.ptr,
            .version = said.version.ptr,
            .description = said.description.ptr,
            .probes = (if (said.probes.live) c.PROBITY_LIVE else 0) | (if (said.probes.ready) c.PROBITY_READY else 0) |
                (if (said.probes.startup) c.PROBITY_STARTUP else 0),
            .every_ms = said.every_ms,
            .timeout_ms = said.timeout_ms,
            .config_schema = if (said.config_schema) |text| text.ptr else null,
            .config_example = if (said.config_example) |text| text.ptr else null,
        };
        fn run() callconv(.c) ?*c.probity_outcome {
            const outcome = said.run() catch return c.probity_failure(&host.last_error);
            return outcome.raw;
        }
    };
    @export(&Exported.metadata, .{ .name = "probity_check" });
    @export(&Exported.run, .{ .name = "probity_run" });
}

/// Why the last capability that failed did so.
pub fn lastError() *const c.probity_error {
    return &host.last_error;
}

/// What a check of the target says to an error: unhealthy when it is about the target, else the error.
pub fn answer(err: Error) Error!Outcome {
    if (!c.probity_is_about_the_target(host.last_error.kind)) return err;
    return unhealthy("no answer: {s}", .{std.mem.span(c.probity_kind_name(host.last_error.kind))});
}

/// What a run concluded.
pub const Outcome = struct {
    raw: *c.probity_outcome,

    /// Adds a value without judging it: a number, a bool or a text. `unit` is a UCUM code, or empty.
    pub fn measure(self: Outcome, name: []const u8, value: anytype, unit: []const u8) Outcome {
        const named = keep(name);
        _ = switch (@typeInfo(@TypeOf(value))) {
            .int, .comptime_int => c.probity_measure_integer(self.raw, named, @intCast(value), keep(unit)),
            .float, .comptime_float => c.probity_measure(self.raw, named, value, keep(unit)),
            .bool => c.probity_measure_bool(self.raw, named, value),
            else => c.probity_measure_text(self.raw, named, keep(value)),
        };
        return self;
    }

    /// Adds a number and judges it: past a threshold the status worsens and the message says by how much. An integer is
    /// compared as one. NaN is neither good nor bad: the outcome becomes a failure that names it.
    pub fn judge(self: Outcome, name: []const u8, value: anytype, unit: []const u8, threshold: Threshold) Outcome {
        const whole: ?i64 = switch (@typeInfo(@TypeOf(value))) {
            .int, .comptime_int => std.math.cast(i64, value),
            else => null,
        };
        if (whole) |integer| {
            _ = c.probity_judge_integer(self.raw, keep(name), integer, keep(unit), threshold);
        } else {
            _ = c.probity_judge(self.raw, keep(name), std.math.lossyCast(f64, value), keep(unit), threshold);
        }
        return self;
    }

    /// Adds a finding: the worst comes first in the message. `std.meta.stringToEnum(Status, word)` reads a word.
    pub fn finding(self: Outcome, status: Status, text: []const u8) Outcome {
        _ = c.probity_finding(self.raw, @intFromEnum(status), "%s", keep(text));
        return self;
    }

    /// Adds a fact for the person who looks.
    pub fn detail(self: Outcome, name: []const u8, value: []const u8) Outcome {
        _ = c.probity_detail(self.raw, keep(name), keep(value));
        return self;
    }
};

/// As it should be. Later findings replace the message.
pub fn healthy(comptime format: []const u8, args: anytype) Outcome {
    return .{ .raw = c.probity_healthy("%s", print(format, args)).? };
}

/// Works, and someone should look.
pub fn degraded(comptime format: []const u8, args: anytype) Outcome {
    return .{ .raw = c.probity_degraded("%s", print(format, args)).? };
}

/// Does not work.
pub fn unhealthy(comptime format: []const u8, args: anytype) Outcome {
    return .{ .raw = c.probity_unhealthy("%s", print(format, args)).? };
}

/// No judgement was possible.
pub fn failure(comptime format: []const u8, args: anytype) Outcome {
    return .{ .raw = c.probity_failure_other("%s", print(format, args)).? };
}

/// Scalars of `[check.config]` by JSON pointer; see `probity.h` for what happens to those that do not fit.
pub const config = struct {
    pub fn has(pointer: [:0]const u8) bool {
        return c.probity_config_has(pointer.ptr);
    }
    pub fn text(pointer: [:0]const u8) []const u8 {
        return std.mem.span(c.probity_config_text(pointer.ptr));
    }
    pub fn number(pointer: [:0]const u8) f64 {
        return c.probity_config_number(pointer.ptr);
    }
    pub fn optionalNumber(pointer: [:0]const u8) ?f64 {
        return if (has(pointer)) c.probity_config_number(pointer.ptr) else null;
    }
    pub fn integer(pointer: [:0]const u8) i64 {
        return c.probity_config_integer(pointer.ptr);
    }
    pub fn boolean(pointer: [:0]const u8, fallback: bool) bool {
        return c.probity_config_bool_or(pointer.ptr, fallback);
    }
    /// Milliseconds of "250ms", "15s", "10m", "2h", "7d".
    pub fn span(pointer: [:0]const u8, fallback_ms: u64) u64 {
        return c.probity_config_span_or(pointer.ptr, fallback_ms);
    }
    /// Bytes of 512, "64KiB", "32MiB", "5GiB", "5GB".
    pub fn size(pointer: [:0]const u8, fallback: u64) u64 {
        return c.probity_config_size_or(pointer.ptr, fallback);
    }
    pub fn atMost(pointer: [:0]const u8, quantity: Quantity) Threshold {
        return c.probity_config_at_most(pointer.ptr, @intFromEnum(quantity));
    }
    pub fn atLeast(pointer: [:0]const u8, quantity: Quantity) Threshold {
        return c.probity_config_at_least(pointer.ptr, @intFromEnum(quantity));
    }
};

/// Enough to read an answer; for more, `std.json`.
pub const json = struct {
    /// The number of `key` in the table that `document` is.
    pub fn number(document: []const u8, key: []const u8) ?f64 {
        var value: f64 = 0;
        const bytes: c.probity_bytes = .{ .data = @ptrCast(keep(document)), .length = document.len };
        return if (c.probity_json_number(bytes, keep(key), &value)) value else null;
    }
};

pub const log = struct {
    /// Writes a record with fields: `.{ .{ "n", "1" } }`.
    pub fn write(level: Level, message: []const u8, fields: []const [2][:0]const u8) void {
        const pairs = host.alloc(c.probity_field, fields.len);
        for (fields, pairs) |field, *pair| {
            pair.* = .{ .name = field[0].ptr, .value = field[1].ptr };
        }
        c.probity_log_fields(@intFromEnum(level), keep(message), pairs.ptr, pairs.len);
    }
};

pub const clock = struct {
    /// Wall-clock time in milliseconds since 1970.
    pub fn nowUnixMs() u64 {
        return c.probity_now_unix_ms();
    }
    /// Nanoseconds since an arbitrary start; never goes back.
    pub fn monotonicNs() u64 {
        return c.probity_monotonic_ns();
    }
    /// Sleeps without spending fuel.
    pub fn sleepMs(ms: u32) void {
        c.probity_sleep_ms(ms);
    }
};

/// Facts about this run.
pub const context = struct {
    /// What the previous run concluded.
    pub const PreviousRun = struct {
        /// Null when it reached no conclusion.
        status: ?Status,
        /// As shown by the host.
        message: []const u8,
        /// When it started, in milliseconds since 1970.
        at_unix_ms: u64,
        duration_ms: f64,
    };

    pub fn checkId() []const u8 {
        return host.span(c.probity_check_id());
    }
    /// Unique per run: use it to tag a dummy transaction.
    pub fn runId() []const u8 {
        return host.span(c.probity_run_id());
    }
    /// The run's W3C trace context; null when tracing is off.
    pub fn traceparent() ?[]const u8 {
        return host.optional(c.probity_traceparent());
    }
    /// Milliseconds until the host gives up on this run.
    pub fn remainingMs() u32 {
        return c.probity_remaining_ms();
    }
    /// How many runs failed in a row before this one.
    pub fn consecutiveFailures() u32 {
        return c.probity_consecutive_failures();
    }
    /// What the previous run concluded; null on the first.
    pub fn previous() ?PreviousRun {
        var run: c.probity_previous_run = .{};
        return if (c.probity_previous(&run)) host.record(PreviousRun, run) else null;
    }
};

/// A few bytes between runs.
pub const state = struct {
    /// The value of `key`; null when there is none.
    pub fn get(key: []const u8) Error!?[]const u8 {
        var value: c.probity_bytes = .{};
        try host.done(c.probity_state_get(keep(key), &value, &host.last_error));
        return if (value.data == null) null else host.view(value);
    }
    /// Sets `key`, for good when `ttl_ms` is 0.
    pub fn set(key: []const u8, value: []const u8, ttl_ms: u64) Error!void {
        return host.done(c.probity_state_set(keep(key), value.ptr, value.len, ttl_ms, &host.last_error));
    }
    /// Adds to the number at `key`, atomically.
    pub fn increment(key: []const u8, delta: i64) Error!i64 {
        var sum: i64 = 0;
        try host.done(c.probity_state_increment(keep(key), delta, &sum, &host.last_error));
        return sum;
    }
    /// Removes `key`; nothing happens when there is none.
    pub fn delete(key: []const u8) Error!void {
        return host.done(c.probity_state_delete(keep(key), &host.last_error));
    }
    /// The keys that start with `prefix`, in order.
    pub fn keys(prefix: []const u8) Error![]const []const u8 {
        var found: c.probity_texts = .{};
        try host.done(c.probity_state_keys(keep(prefix), &found, &host.last_error));
        return host.list([]const u8, found);
    }
};

/// For the root file, `pub const panic = probity.panic;`: the message is logged before the run ends as a trap.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(message: []const u8, _: ?usize) noreturn {
    c.probity_panic("%s", keep(message));
    unreachable;
}

const keep = host.keep;

fn print(comptime format: []const u8, args: anytype) [*:0]const u8 {
    const text = std.fmt.allocPrint(std.heap.c_allocator, format, args) catch @trap();
    defer std.heap.c_allocator.free(text);
    return keep(text);
}
