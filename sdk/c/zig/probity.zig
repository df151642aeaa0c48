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
//! Memory: texts that go into an outcome are copied, and freed before the next run of the instance, if there is one.

const std = @import("std");

/// The C kit, for all that has no Zig form here.
pub const c = @import("probity_c");

/// What a check may fail with: a capability refused, and `lastError` has why.
pub const Error = error{Capability};

pub const Status = enum(c_uint) { healthy = c.PROBITY_HEALTHY, degraded = c.PROBITY_DEGRADED, unhealthy = c.PROBITY_UNHEALTHY };
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
    /// JSON Schema (2020-12) of the configuration.
    config_schema: ?[:0]const u8 = null,
    /// A configuration that works, as JSON.
    config_example: ?[:0]const u8 = null,
    /// One run, in a fresh instance.
    run: *const fn () Error!Outcome,
};

/// Makes it the check of this component; call it once, in a `comptime` block of the root file.
pub fn check(comptime said: Check) void {
    const Exported = struct {
        const metadata: c.probity_metadata = .{
            .name = said.name.ptr,
            .version = said.version.ptr,
            .description = said.description.ptr,
            .config_schema = if (said.config_schema) |text| text.ptr else null,
            .config_example = if (said.config_example) |text| text.ptr else null,
        };
        fn run() callconv(.c) ?*c.probity_outcome {
            const outcome = said.run() catch return c.probity_failure(&last_error);
            return outcome.raw;
        }
    };
    @export(&Exported.metadata, .{ .name = "probity_check" });
    @export(&Exported.run, .{ .name = "probity_run" });
}

var last_error: c.probity_error = .{};

/// Why the last capability that failed did so.
pub fn lastError() *const c.probity_error {
    return &last_error;
}

/// What a check of the target says to an error: unhealthy when it is about the target, else the error.
pub fn answer(err: Error) Error!Outcome {
    if (!c.probity_is_about_the_target(last_error.kind)) return err;
    return unhealthy("no answer: {s}", .{std.mem.span(c.probity_kind_name(last_error.kind))});
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

    /// Adds a value and judges it: past a threshold the status worsens and the message says by how much.
    pub fn judge(self: Outcome, name: []const u8, value: f64, unit: []const u8, threshold: Threshold) Outcome {
        _ = c.probity_judge(self.raw, keep(name), value, keep(unit), threshold);
        return self;
    }

    /// Adds a finding: the worst comes first in the message.
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
        var pairs: [16]c.probity_field = undefined;
        const count = @min(fields.len, pairs.len);
        for (fields[0..count], pairs[0..count]) |field, *pair| {
            pair.* = .{ .name = field[0].ptr, .value = field[1].ptr };
        }
        c.probity_log_fields(@intFromEnum(level), keep(message), &pairs, count);
    }
};

pub const state = struct {
    /// Adds to the number at `key`, atomically.
    pub fn increment(key: [:0]const u8, delta: i64) Error!i64 {
        var sum: i64 = 0;
        if (!c.probity_state_increment(key.ptr, delta, &sum, &last_error)) return error.Capability;
        return sum;
    }
};

pub const http = struct {
    /// An answer, whatever its status.
    pub const Response = struct {
        raw: *c.probity_response,

        pub fn status(self: Response) u16 {
            return c.probity_response_status(self.raw);
        }
        pub fn body(self: Response) Error![]const u8 {
            var bytes: c.probity_bytes = .{};
            if (!c.probity_response_body(self.raw, &bytes, &last_error)) return error.Capability;
            return bytes.data[0..bytes.length];
        }
        pub fn totalMs(self: Response) f64 {
            return c.probity_response_total_ms(self.raw);
        }
    };

    /// Sends a GET with the defaults.
    pub fn get(url: []const u8) Error!Response {
        const response = c.probity_http_get(keep(url), &last_error) orelse return error.Capability;
        return .{ .raw = response };
    }
};

/// For the root file, `pub const panic = probity.panic;`: the message is logged before the run ends as a trap.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(message: []const u8, _: ?usize) noreturn {
    c.probity_panic("%s", keep(message));
    unreachable;
}

/// A text that ends in NUL and stays until the run ends.
fn keep(text: []const u8) [*:0]const u8 {
    return @ptrCast(c.probity_keep(text.ptr, text.len));
}

fn print(comptime format: []const u8, args: anytype) [*:0]const u8 {
    const text = std.fmt.allocPrint(std.heap.c_allocator, format, args) catch @trap();
    defer std.heap.c_allocator.free(text);
    return keep(text);
}
