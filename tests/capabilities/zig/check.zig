//! The check of the capability suite, in Zig: see `tests/capabilities/README.md`.

const std = @import("std");
const probity = @import("probity");
const Show = @import("show.zig").Show;

pub const panic = probity.panic;

comptime {
    probity.check(.{
        .name = "capabilities",
        .description = "Does every capability arrive in every language?",
        .run = run,
    });
}

/// Files of acts: words and functions.
const ACTS = .{
    @import("run.zig").acts,
    @import("net.zig").acts,
    @import("backends.zig").acts,
    @import("machine.zig").acts,
};

fn run() probity.Error!probity.Outcome {
    const word = probity.config.text("/act");
    const catches = probity.config.boolean("/catch", false);
    inline for (ACTS) |acts| {
        inline for (acts) |act| {
            if (std.mem.eql(u8, word, act[0])) return concluded(word, act[1], catches);
        }
    }
    return probity.failure("unknown act `{s}`", .{word});
}

fn concluded(word: []const u8, act: *const fn (Show) probity.Error!void, catches: bool) probity.Error!probity.Outcome {
    const outcome = probity.healthy("{s}", .{word});
    act(.{ .outcome = outcome }) catch |err| {
        if (!catches) return err;
        const why = probity.lastError();
        const kind = std.mem.span(probity.c.probity_kind_name(why.kind));
        const code: []const u8 = if (why.code == null) "none" else std.mem.span(why.code);
        return probity.unhealthy("{s}: {s}", .{ kind, std.mem.span(why.message) }).detail("code", code);
    };
    return outcome;
}
