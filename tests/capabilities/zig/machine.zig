//! `system`, `heartbeats` and `peers`.

const probity = @import("probity");
const Show = @import("show.zig").Show;
const Error = probity.Error;
const system = probity.system;

pub const acts = .{
    .{ "memory", memory },
    .{ "cpu", cpu },
    .{ "load", load },
    .{ "pressure", pressure },
    .{ "uptime", uptime },
    .{ "disk", disk },
    .{ "disks", disks },
    .{ "processes", processes },
    .{ "stat", stat },
    .{ "heartbeat", heartbeat },
    .{ "heartbeats", heartbeats },
    .{ "heartbeat-open", heartbeatOpen },
    .{ "peer", peer },
    .{ "peers", peers },
};

fn memory(show: Show) Error!void {
    show.record(try system.memory());
}

fn cpu(show: Show) Error!void {
    show.record(try system.cpu());
}

fn load(show: Show) Error!void {
    show.record(try system.load());
}

fn pressure(show: Show) Error!void {
    show.below("cpu-").record(try system.pressure(.cpu));
    show.below("memory-").record(try system.pressure(.memory));
    show.below("io-").record(try system.pressure(.io));
}

fn uptime(show: Show) Error!void {
    show.measure("uptime-ms", try system.uptimeMs());
}

fn disk(show: Show) Error!void {
    show.record(try system.disk("/var"));
}

fn disks(show: Show) Error!void {
    show.list("disks", try system.disks());
}

fn processes(show: Show) Error!void {
    show.list("processes", try system.processes("nginx"));
}

fn stat(show: Show) Error!void {
    show.record(try system.stat("/var/backup.dump"));
}

fn heartbeat(show: Show) Error!void {
    if (try probity.heartbeats.last("backup")) |beat| show.record(beat) else show.text("beat", null);
}

fn heartbeats(show: Show) Error!void {
    show.list("beats", try probity.heartbeats.recent("backup", 2));
}

fn heartbeatOpen(show: Show) Error!void {
    show.list("runs", try probity.heartbeats.open("backup"));
}

/// The name is that which was asked for.
fn peer(show: Show) Error!void {
    const found = try probity.peers.latest("shop");
    show.status("status", found.status);
    show.text("message", found.message);
    show.measure("at-unix-ms", found.at_unix_ms);
    show.measure("stale", found.stale);
}

fn peers(show: Show) Error!void {
    show.list("peers", try probity.peers.byTag("orders"));
}
