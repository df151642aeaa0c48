//! Databases, Redis, queues and secrets.

const std = @import("std");
const host = @import("host.zig");
const c = host.c;
const Error = host.Error;
const keep = host.keep;

/// SQL through a declared connection. The grant lists connections; read-only unless it says NAME:write.
pub const sql = struct {
    /// A parameter or a field. What has no case of its own (numeric, dates, uuid, json) is a text.
    pub const Value = union(enum) {
        null,
        boolean: bool,
        integer: i64,
        number: f64,
        text: []const u8,
        bytes: []const u8,

        fn lower(self: Value) c.probity_sql_value {
            return switch (self) {
                .null => c.probity_sql_null(),
                .boolean => |value| c.probity_sql_boolean(value),
                .integer => |value| c.probity_sql_integer(value),
                .number => |value| c.probity_sql_number(value),
                .text => |value| text: {
                    var made = c.probity_sql_bytes(value.ptr, value.len);
                    made.kind = c.PROBITY_SQL_TEXT;
                    break :text made;
                },
                .bytes => |value| c.probity_sql_bytes(value.ptr, value.len),
            };
        }

        fn lift(raw: c.probity_sql_value) Value {
            return switch (raw.kind) {
                c.PROBITY_SQL_BOOLEAN => .{ .boolean = raw.as.boolean },
                c.PROBITY_SQL_INTEGER => .{ .integer = raw.as.integer },
                c.PROBITY_SQL_NUMBER => .{ .number = raw.as.number },
                c.PROBITY_SQL_TEXT => .{ .text = host.view(raw.as.bytes) },
                c.PROBITY_SQL_BYTES => .{ .bytes = host.view(raw.as.bytes) },
                else => .null,
            };
        }
    };

    fn lowered(params: []const Value) []const c.probity_sql_value {
        const raw = host.alloc(c.probity_sql_value, params.len);
        for (params, raw) |param, *value| value.* = param.lower();
        return raw;
    }

    pub const Column = struct { name: []const u8, type_name: []const u8 };

    /// What a query gave.
    pub const Rows = struct {
        raw: c.probity_sql_rows,

        pub fn len(self: Rows) usize {
            return self.raw.row_count;
        }
        pub fn columns(self: Rows) []const Column {
            return host.list(Column, .{ .items = self.raw.columns, .count = self.raw.column_count });
        }
        /// There are more rows than the host returns.
        pub fn truncated(self: Rows) bool {
            return self.raw.truncated;
        }
        /// A field by place; both must be less than their number.
        pub fn at(self: Rows, row: usize, column: usize) Value {
            return .lift(self.raw.values[row * self.raw.column_count + column]);
        }
        /// A field as bool, i64, f64 or []const u8, or an optional of those where it may be null; invalid-argument when it is
        /// something else. Without a `column` it is the first.
        pub fn get(self: Rows, comptime T: type, row: usize, column: ?[]const u8) Error!T {
            const name = host.maybe(column);
            if (@typeInfo(T) == .optional) {
                const field = c.probity_sql_field(&self.raw, row, name, &host.last_error);
                if (field == null) return error.Capability;
                if (field.*.kind == c.PROBITY_SQL_NULL) return null;
                return try self.get(@typeInfo(T).optional.child, row, column);
            }
            if (T == []const u8) {
                var text: [*c]const u8 = null;
                try host.done(c.probity_sql_get_text(&self.raw, row, name, &text, &host.last_error));
                return host.view(c.probity_sql_field(&self.raw, row, name, null).*.as.bytes);
            }
            var value: T = undefined;
            try host.done(switch (T) {
                bool => c.probity_sql_get_boolean(&self.raw, row, name, &value, &host.last_error),
                i64 => c.probity_sql_get_integer(&self.raw, row, name, &value, &host.last_error),
                f64 => c.probity_sql_get_number(&self.raw, row, name, &value, &host.last_error),
                else => @compileError("a field is bool, i64, f64, []const u8 or an optional of those"),
            });
            return value;
        }
    };

    /// A database, with a session that the host keeps for this run.
    pub const Connection = struct {
        raw: *c.probity_sql,

        /// "postgres", "mysql" (MariaDB as well), "sqlite"
        pub fn engine(self: Connection) []const u8 {
            return host.span(c.probity_sql_engine(self.raw));
        }
        /// One round trip, in milliseconds.
        pub fn ping(self: Connection) Error!f64 {
            var ms: f64 = 0;
            try host.done(c.probity_sql_ping(self.raw, &ms, &host.last_error));
            return ms;
        }
        /// One statement and its rows. Placeholders are the engine's own: $1, ?.
        pub fn query(self: Connection, statement: []const u8, params: []const Value) Error!Rows {
            var rows: Rows = .{ .raw = .{} };
            const raw = lowered(params);
            try host.done(c.probity_sql_query(self.raw, keep(statement), raw.ptr, raw.len, &rows.raw, &host.last_error));
            return rows;
        }
        /// The first field of the first row.
        pub fn scalar(self: Connection, comptime T: type, statement: []const u8, params: []const Value) Error!T {
            return (try self.query(statement, params)).get(T, 0, null);
        }
        /// One statement; the number of rows it changed. Needs NAME:write.
        pub fn execute(self: Connection, statement: []const u8, params: []const Value) Error!u64 {
            var changed: u64 = 0;
            const raw = lowered(params);
            try host.done(c.probity_sql_execute(self.raw, keep(statement), raw.ptr, raw.len, &changed, &host.last_error));
            return changed;
        }
        /// Begins a transaction. Needs NAME:write.
        pub fn begin(self: Connection) Error!Transaction {
            return .{ .raw = c.probity_sql_begin(self.raw, &host.last_error) orelse return error.Capability };
        }
        /// Gives the session back before the run ends.
        pub fn deinit(self: Connection) void {
            c.probity_sql_free(self.raw);
        }
    };

    /// Rolled back when it is not committed: the shape of a dummy payment.
    pub const Transaction = struct {
        raw: *c.probity_sql_transaction,

        pub fn query(self: Transaction, statement: []const u8, params: []const Value) Error!Rows {
            var rows: Rows = .{ .raw = .{} };
            const raw = lowered(params);
            try host.done(c.probity_sql_transaction_query(self.raw, keep(statement), raw.ptr, raw.len, &rows.raw, &host.last_error));
            return rows;
        }
        pub fn execute(self: Transaction, statement: []const u8, params: []const Value) Error!u64 {
            var changed: u64 = 0;
            const raw = lowered(params);
            try host.done(c.probity_sql_transaction_execute(self.raw, keep(statement), raw.ptr, raw.len, &changed, &host.last_error));
            return changed;
        }
        /// Keeps what was done.
        pub fn commit(self: Transaction) Error!void {
            return host.done(c.probity_sql_transaction_commit(self.raw, &host.last_error));
        }
        /// Undoes what was done.
        pub fn rollback(self: Transaction) Error!void {
            return host.done(c.probity_sql_transaction_rollback(self.raw, &host.last_error));
        }
        /// Undoes what was not committed, before the run ends.
        pub fn deinit(self: Transaction) void {
            c.probity_sql_transaction_free(self.raw);
        }
    };

    /// Takes a session from the host's pool, or connects.
    pub fn open(name: []const u8) Error!Connection {
        return .{ .raw = c.probity_sql_open(keep(name), &host.last_error) orelse return error.Capability };
    }
};

/// Redis or Valkey through a declared connection. Without a further grant only commands that read are allowed.
pub const redis = struct {
    /// What a server answered.
    pub const Reply = union(enum) {
        nil,
        integer: i64,
        number: f64,
        boolean: bool,
        /// A word of the protocol: "OK".
        simple: []const u8,
        bulk: []const u8,
        /// Inside a container; in place of the reply it is an error of the command.
        failed: []const u8,
        array: []const Reply,
        /// Keys and values by turns.
        map: []const Reply,

        fn lift(raw: c.probity_reply) Reply {
            return switch (raw.kind) {
                c.PROBITY_REPLY_INTEGER => .{ .integer = raw.as.integer },
                c.PROBITY_REPLY_NUMBER => .{ .number = raw.as.number },
                c.PROBITY_REPLY_BOOLEAN => .{ .boolean = raw.as.boolean },
                c.PROBITY_REPLY_SIMPLE => .{ .simple = host.view(raw.as.bytes) },
                c.PROBITY_REPLY_BULK => .{ .bulk = host.view(raw.as.bytes) },
                c.PROBITY_REPLY_ERROR => .{ .failed = host.view(raw.as.bytes) },
                c.PROBITY_REPLY_ARRAY => .{ .array = items(raw) },
                c.PROBITY_REPLY_MAP => .{ .map = items(raw) },
                else => .nil,
            };
        }

        fn items(raw: c.probity_reply) []const Reply {
            const made = host.alloc(Reply, raw.as.list.count);
            for (made, 0..) |*item, at| item.* = .lift(raw.as.list.items[at]);
            return made;
        }

        /// The text of a word or of bytes.
        pub fn asText(self: Reply) ?[]const u8 {
            return switch (self) {
                .simple, .bulk => |bytes| bytes,
                else => null,
            };
        }
        /// A whole number, also one that came as text.
        pub fn asInteger(self: Reply) ?i64 {
            if (self == .integer) return self.integer;
            return std.fmt.parseInt(i64, std.mem.trim(u8, self.asText() orelse return null, " \t\r\n"), 10) catch null;
        }
        /// The value of `key` in a map, also of one that came as an array in which keys and values take turns.
        pub fn get(self: Reply, key: []const u8) ?Reply {
            const turns = switch (self) {
                .array, .map => |turns| turns,
                else => return null,
            };
            var at: usize = 0;
            while (at + 1 < turns.len) : (at += 2) {
                if (std.mem.eql(u8, turns[at].asText() orelse continue, key)) return turns[at + 1];
            }
            return null;
        }
    };

    pub const Connection = struct {
        raw: *c.probity_redis,

        /// The time of one PING, in milliseconds.
        pub fn ping(self: Connection) Error!f64 {
            var ms: f64 = 0;
            try host.done(c.probity_redis_ping(self.raw, &ms, &host.last_error));
            return ms;
        }
        /// Sends a command: command("HGET", &.{ "orders", "open" }).
        pub fn command(self: Connection, name: []const u8, args: []const []const u8) Error!Reply {
            const raw = host.alloc(c.probity_bytes, args.len);
            for (args, raw) |arg, *bytes| bytes.* = .{ .data = arg.ptr, .length = arg.len };
            const reply = c.probity_redis_command_bytes(self.raw, keep(name), raw.ptr, raw.len, &host.last_error);
            if (reply == null) return error.Capability;
            return .lift(reply.*);
        }
        /// Gives the connection back before the run ends.
        pub fn deinit(self: Connection) void {
            c.probity_redis_free(self.raw);
        }
    };

    pub fn open(name: []const u8) Error!Connection {
        return .{ .raw = c.probity_redis_open(keep(name), &host.last_error) orelse return error.Capability };
    }
};

/// Queue and stream depth, whatever the broker behind the name.
pub const queue = struct {
    /// What a broker says about a queue; null where it does not tell.
    pub const Stats = struct {
        /// Messages waiting to be delivered.
        depth: ?u64,
        /// Delivered, not yet acknowledged.
        in_flight: ?u64,
        consumers: ?u64,
        /// How long the oldest waiting message has waited.
        oldest_age_ms: ?u64,
        /// How far the consumers are behind, for logs.
        lag: ?u64,
    };

    /// Looks at a queue.
    pub fn inspect(name: []const u8) Error!Stats {
        var stats: c.probity_queue_stats = .{};
        try host.done(c.probity_queue_inspect(keep(name), &stats, &host.last_error));
        return host.record(Stats, stats);
    }

    /// Sends a probe message and waits until the broker has it. Needs NAME:publish.
    pub fn publish(name: []const u8, payload: []const u8) Error!void {
        return host.done(c.probity_queue_publish(keep(name), payload.ptr, payload.len, &host.last_error));
    }
};

/// Secrets that stay in the host.
pub const secrets = struct {
    /// HMAC-SHA256 of `data` with a secret.
    pub fn hmacSha256(name: []const u8, data: []const u8) Error![32]u8 {
        var digest: [32]u8 = undefined;
        try host.done(c.probity_secrets_hmac_sha256(keep(name), data.ptr, data.len, &digest, &host.last_error));
        return digest;
    }

    /// Whether `candidate` is the secret, compared in constant time.
    pub fn matches(name: []const u8, candidate: []const u8) Error!bool {
        var same = false;
        try host.done(c.probity_secrets_matches(keep(name), candidate.ptr, candidate.len, &same, &host.last_error));
        return same;
    }

    /// The value itself; needs NAME:reveal. The host takes it out again of whatever the check says.
    pub fn reveal(name: []const u8) Error![]const u8 {
        return host.optional(c.probity_secrets_reveal(keep(name), &host.last_error)) orelse error.Capability;
    }
};
