//! What the files of the kit have in common: errors, texts, and the records of the C kit as Zig has them.

const std = @import("std");

pub const c = @import("probity_c");

pub const Error = error{Capability};

pub const Status = enum(c_uint) { healthy = c.PROBITY_HEALTHY, degraded = c.PROBITY_DEGRADED, unhealthy = c.PROBITY_UNHEALTHY };

/// Why the last capability that failed did so.
pub var last_error: c.probity_error = .{};

/// What a function of the C kit did, which has written `last_error` if it failed.
pub fn done(ok: bool) Error!void {
    if (!ok) return error.Capability;
}

/// A text that ends in NUL and stays until the run ends.
pub fn keep(text: []const u8) [*:0]const u8 {
    return @ptrCast(c.probity_keep(text.ptr, text.len));
}

/// The same of one that may be absent.
pub fn maybe(text: ?[]const u8) [*c]const u8 {
    return if (text) |there| keep(there) else null;
}

/// A text of the C kit.
pub fn span(text: [*c]const u8) []const u8 {
    return std.mem.span(@as([*:0]const u8, @ptrCast(text)));
}

pub fn optional(text: [*c]const u8) ?[]const u8 {
    return if (text == null) null else span(text);
}

pub fn view(bytes: c.probity_bytes) []const u8 {
    return if (bytes.data == null) "" else bytes.data[0..bytes.length];
}

/// Room for some of a type until the run ends.
pub fn alloc(comptime T: type, count: usize) []T {
    const room: [*]T = @ptrCast(@alignCast(c.probity_alloc(count * @sizeOf(T)).?));
    return room[0..count];
}

/// A record of the C kit as one of Zig's, whose fields have the same names: texts and lists are slices, what may be absent
/// is an optional.
pub fn record(comptime T: type, raw: anytype) T {
    var made: T = undefined;
    inline for (comptime std.meta.fieldNames(T)) |name| {
        const Field = @FieldType(T, name);
        // The C kit says beside a status whether there is one.
        @field(made, name) = if (Field == ?Status)
            (if (raw.concluded) @as(Status, @enumFromInt(raw.status)) else null)
        else
            value(Field, @field(raw, name));
    }
    return made;
}

fn value(comptime T: type, raw: anytype) T {
    return switch (T) {
        []const u8 => if (@TypeOf(raw) == c.probity_bytes) view(raw) else span(raw),
        ?[]const u8 => optional(raw),
        // NaN stands for a number that is not there.
        ?f64 => if (std.math.isNan(raw)) null else raw,
        ?u64 => if (raw.is_some) raw.value else null,
        else => switch (@typeInfo(T)) {
            .pointer => |slice| list(slice.child, raw),
            .@"struct" => record(T, raw),
            else => raw,
        },
    };
}

/// A list of the C kit as a slice.
pub fn list(comptime T: type, raw: anytype) []const T {
    const items = alloc(T, raw.count);
    for (items, 0..) |*item, at| item.* = value(T, raw.items[at]);
    return items;
}
