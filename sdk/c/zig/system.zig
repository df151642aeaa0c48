//! The machine, heartbeats and other checks.

const host = @import("host.zig");
const c = host.c;
const Error = host.Error;
const keep = host.keep;

/// The machine (or container) the host runs on. Each function has a grant of its own: "memory", "cpu", "load", "pressure",
/// "uptime", "disks", "disk:/path", "process:pattern", "file:/path". Sizes are in bytes, shares in percent; null is what
/// the platform does not tell.
pub const system = struct {
    /// Of the machine, and of the control group inside a container.
    pub const Memory = struct {
        total: u64,
        /// Can be had without swapping.
        available: u64,
        swap_total: u64,
        swap_free: u64,
        cgroup_limit: ?u64,
        cgroup_used: ?u64,
    };

    /// Shares over all processors.
    pub const Cpu = struct {
        logical: u32,
        busy_percent: f64,
        iowait_percent: ?f64,
        steal_percent: ?f64,
        throttled_percent: ?f64,
    };

    /// Over one, five and fifteen minutes; not divided by processors.
    pub const Load = struct { one: f64, five: f64, fifteen: f64 };

    /// What tasks wait for.
    pub const Kind = enum(c_uint) { cpu = c.PROBITY_PRESSURE_CPU, memory = c.PROBITY_PRESSURE_MEMORY, io = c.PROBITY_PRESSURE_IO };

    /// Share of the last 10 and 60 seconds in which some, or all, tasks stalled.
    pub const Pressure = struct { some_avg10: f64, some_avg60: f64, full_avg10: ?f64, full_avg60: ?f64 };

    /// A mounted file system.
    pub const Disk = struct {
        mount_point: []const u8,
        file_system: []const u8,
        /// Used and available, as `df` counts.
        total: u64,
        /// What an unprivileged user can still write.
        available: u64,
        inodes_total: ?u64,
        inodes_free: ?u64,
        read_only: bool,
    };

    pub const Process = struct {
        pid: u32,
        name: []const u8,
        started_unix_ms: u64,
        /// Resident bytes.
        rss: u64,
        /// Of one processor, so it can exceed 100.
        cpu_percent: f64,
        threads: ?u64,
        open_files: ?u64,
    };

    /// A file or directory.
    pub const File = struct { size: u64, modified_unix_ms: u64, is_directory: bool };

    pub fn memory() Error!Memory {
        var info: c.probity_memory_info = .{};
        try host.done(c.probity_system_memory(&info, &host.last_error));
        return host.record(Memory, info);
    }

    /// Looks over a moment, which the call may wait for (about 0.1 s).
    pub fn cpu() Error!Cpu {
        var info: c.probity_cpu_info = .{};
        try host.done(c.probity_system_cpu(&info, &host.last_error));
        return host.record(Cpu, info);
    }

    pub fn load() Error!Load {
        var found: c.probity_load_average = .{};
        try host.done(c.probity_system_load(&found, &host.last_error));
        return host.record(Load, found);
    }

    /// Pressure stall information (Linux).
    pub fn pressure(kind: Kind) Error!Pressure {
        var info: c.probity_pressure_info = .{};
        try host.done(c.probity_system_pressure(@intFromEnum(kind), &info, &host.last_error));
        return host.record(Pressure, info);
    }

    /// Milliseconds since the machine started.
    pub fn uptimeMs() Error!u64 {
        var ms: u64 = 0;
        try host.done(c.probity_system_uptime_ms(&ms, &host.last_error));
        return ms;
    }

    /// The file system that holds `path`.
    pub fn disk(path: []const u8) Error!Disk {
        var info: c.probity_disk_info = .{};
        try host.done(c.probity_system_disk(keep(path), &info, &host.last_error));
        return host.record(Disk, info);
    }

    /// All file systems that hold data.
    pub fn disks() Error![]const Disk {
        var found: c.probity_disks = .{};
        try host.done(c.probity_system_disks(&found, &host.last_error));
        return host.list(Disk, found);
    }

    /// Processes of exactly this name; none running is an empty list.
    pub fn processes(name: []const u8) Error![]const Process {
        var found: c.probity_processes = .{};
        try host.done(c.probity_system_processes(keep(name), &found, &host.last_error));
        return host.list(Process, found);
    }

    /// Size and age of a file; of the newest that matches where the last name holds `*` or `?`.
    pub fn stat(path: []const u8) Error!File {
        var info: c.probity_file_info = .{};
        try host.done(c.probity_system_stat(keep(path), &info, &host.last_error));
        return host.record(File, info);
    }
};

/// What jobs reported to the host. The grant lists the names.
pub const heartbeats = struct {
    /// One end of a job.
    pub const Beat = struct {
        at_unix_ms: u64,
        age_ms: u64,
        /// False after `/fail`.
        ok: bool,
        message: []const u8,
        /// Since the `/start` before it; null when there was none.
        duration_ms: ?f64,
    };

    /// The latest beat; null when there was none yet.
    pub fn last(name: []const u8) Error!?Beat {
        var beat: c.probity_beat = .{};
        var there = false;
        try host.done(c.probity_heartbeats_last(keep(name), &beat, &there, &host.last_error));
        return if (there) host.record(Beat, beat) else null;
    }

    /// The latest beats, newest first, at most `max`.
    pub fn recent(name: []const u8, max: u32) Error![]const Beat {
        var beats: c.probity_beats = .{};
        try host.done(c.probity_heartbeats_recent(keep(name), max, &beats, &host.last_error));
        return host.list(Beat, beats);
    }

    /// A run that was said to start and has not ended.
    pub const OpenRun = struct {
        /// What the job calls it; null for a job that does not tell its runs apart.
        id: ?[]const u8,
        started_unix_ms: u64,
        age_ms: u64,
    };

    /// Runs that were said to start and have not ended, the oldest first.
    pub fn open(name: []const u8) Error![]const OpenRun {
        var runs: c.probity_open_runs = .{};
        try host.done(c.probity_heartbeats_open(keep(name), &runs, &host.last_error));
        return host.list(OpenRun, runs);
    }
};

/// Latest results of other checks. The grant lists their names, and groups.
pub const peers = struct {
    /// What another check concluded last.
    pub const Peer = struct {
        name: []const u8,
        /// Null while it is unknown.
        status: ?host.Status,
        message: []const u8,
        /// When its latest run started.
        at_unix_ms: u64,
        /// Whether that is longer ago than the check's own limit.
        stale: bool,
    };

    /// The latest result of a check.
    pub fn latest(name: []const u8) Error!Peer {
        var peer: c.probity_peer = .{};
        try host.done(c.probity_peers_latest(keep(name), &peer, &host.last_error));
        return host.record(Peer, peer);
    }

    /// The checks of a group, in order of names.
    pub fn byTag(tag: []const u8) Error![]const Peer {
        var found: c.probity_peers = .{};
        try host.done(c.probity_peers_by_tag(keep(tag), &found, &host.last_error));
        return host.list(Peer, found);
    }
};
