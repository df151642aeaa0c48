/**
 * @file
 * `system`, `heartbeats` and `peers`.
 */
#include "show.h"

bool memory(probity_outcome *outcome, probity_error *error) {
    probity_memory_info info;
    if (!probity_system_memory(&info, error)) return false;
    show_integer(outcome, "total", info.total);
    show_integer(outcome, "available", info.available);
    show_integer(outcome, "swap-total", info.swap_total);
    show_integer(outcome, "swap-free", info.swap_free);
    show_option(outcome, "cgroup-limit", info.cgroup_limit);
    show_option(outcome, "cgroup-used", info.cgroup_used);
    return true;
}

bool cpu(probity_outcome *outcome, probity_error *error) {
    probity_cpu_info info;
    if (!probity_system_cpu(&info, error)) return false;
    show_integer(outcome, "logical", info.logical);
    show_number(outcome, "busy-percent", info.busy_percent);
    show_optional(outcome, "iowait-percent", info.iowait_percent);
    show_optional(outcome, "steal-percent", info.steal_percent);
    show_optional(outcome, "throttled-percent", info.throttled_percent);
    return true;
}

bool load(probity_outcome *outcome, probity_error *error) {
    probity_load_average average;
    if (!probity_system_load(&average, error)) return false;
    show_number(outcome, "one", average.one);
    show_number(outcome, "five", average.five);
    show_number(outcome, "fifteen", average.fifteen);
    return true;
}

bool pressure(probity_outcome *outcome, probity_error *error) {
    static const char *const prefixes[] = {"cpu-", "memory-", "io-"};
    static const probity_pressure_kind kinds[] = {PROBITY_PRESSURE_CPU, PROBITY_PRESSURE_MEMORY, PROBITY_PRESSURE_IO};
    for (size_t at = 0; at < 3; at++) {
        probity_pressure_info info;
        if (!probity_system_pressure(kinds[at], &info, error)) return false;
        show_number(outcome, prefixed(prefixes[at], "some-avg10"), info.some_avg10);
        show_number(outcome, prefixed(prefixes[at], "some-avg60"), info.some_avg60);
        show_optional(outcome, prefixed(prefixes[at], "full-avg10"), info.full_avg10);
        show_optional(outcome, prefixed(prefixes[at], "full-avg60"), info.full_avg60);
    }
    return true;
}

bool uptime(probity_outcome *outcome, probity_error *error) {
    uint64_t ms;
    if (!probity_system_uptime_ms(&ms, error)) return false;
    show_integer(outcome, "uptime-ms", ms);
    return true;
}

static void show_disk(probity_outcome *outcome, const char *prefix, const probity_disk_info *info) {
    show_text(outcome, prefixed(prefix, "mount-point"), info->mount_point);
    show_text(outcome, prefixed(prefix, "file-system"), info->file_system);
    show_integer(outcome, prefixed(prefix, "total"), info->total);
    show_integer(outcome, prefixed(prefix, "available"), info->available);
    show_option(outcome, prefixed(prefix, "inodes-total"), info->inodes_total);
    show_option(outcome, prefixed(prefix, "inodes-free"), info->inodes_free);
    show_bool(outcome, prefixed(prefix, "read-only"), info->read_only);
}

bool disk(probity_outcome *outcome, probity_error *error) {
    probity_disk_info info;
    if (!probity_system_disk("/var", &info, error)) return false;
    show_disk(outcome, "", &info);
    return true;
}

bool disks(probity_outcome *outcome, probity_error *error) {
    probity_disks found;
    if (!probity_system_disks(&found, error)) return false;
    show_integer(outcome, "disks", found.count);
    for (size_t at = 0; at < found.count; at++) show_disk(outcome, numbered("", at), &found.items[at]);
    return true;
}

static void show_process(probity_outcome *outcome, const char *prefix, const probity_process_info *info) {
    show_integer(outcome, prefixed(prefix, "pid"), info->pid);
    show_text(outcome, prefixed(prefix, "name"), info->name);
    show_integer(outcome, prefixed(prefix, "started-unix-ms"), info->started_unix_ms);
    show_integer(outcome, prefixed(prefix, "rss"), info->rss);
    show_number(outcome, prefixed(prefix, "cpu-percent"), info->cpu_percent);
    show_option(outcome, prefixed(prefix, "threads"), info->threads);
    show_option(outcome, prefixed(prefix, "open-files"), info->open_files);
}

bool processes(probity_outcome *outcome, probity_error *error) {
    probity_processes found;
    if (!probity_system_processes("nginx", &found, error)) return false;
    show_integer(outcome, "processes", found.count);
    for (size_t at = 0; at < found.count; at++) show_process(outcome, numbered("", at), &found.items[at]);
    return true;
}

bool file(probity_outcome *outcome, probity_error *error) {
    probity_file_info info;
    if (!probity_system_stat("/var/backup.dump", &info, error)) return false;
    show_integer(outcome, "size", info.size);
    show_integer(outcome, "modified-unix-ms", info.modified_unix_ms);
    show_bool(outcome, "is-directory", info.is_directory);
    return true;
}

static void show_beat(probity_outcome *outcome, const char *prefix, const probity_beat *beat) {
    show_integer(outcome, prefixed(prefix, "at-unix-ms"), beat->at_unix_ms);
    show_integer(outcome, prefixed(prefix, "age-ms"), beat->age_ms);
    show_bool(outcome, prefixed(prefix, "ok"), beat->ok);
    show_text(outcome, prefixed(prefix, "message"), beat->message);
    show_optional(outcome, prefixed(prefix, "duration-ms"), beat->duration_ms);
}

bool heartbeat(probity_outcome *outcome, probity_error *error) {
    probity_beat beat;
    bool there;
    if (!probity_heartbeats_last("backup", &beat, &there, error)) return false;
    if (there)
        show_beat(outcome, "", &beat);
    else
        show_text(outcome, "beat", NULL);
    return true;
}

bool heartbeats(probity_outcome *outcome, probity_error *error) {
    probity_beats beats;
    if (!probity_heartbeats_recent("backup", 2, &beats, error)) return false;
    show_integer(outcome, "beats", beats.count);
    for (size_t at = 0; at < beats.count; at++) show_beat(outcome, numbered("", at), &beats.items[at]);
    return true;
}

bool heartbeat_open(probity_outcome *outcome, probity_error *error) {
    probity_open_runs runs;
    if (!probity_heartbeats_open("backup", &runs, error)) return false;
    show_integer(outcome, "runs", runs.count);
    for (size_t at = 0; at < runs.count; at++) {
        const char *prefix = numbered("", at);
        show_text(outcome, prefixed(prefix, "id"), runs.items[at].id);
        show_integer(outcome, prefixed(prefix, "started-unix-ms"), runs.items[at].started_unix_ms);
        show_integer(outcome, prefixed(prefix, "age-ms"), runs.items[at].age_ms);
    }
    return true;
}

static void show_peer(probity_outcome *outcome, const char *prefix, const probity_peer *peer) {
    show_status(outcome, prefixed(prefix, "status"), peer->concluded, peer->status);
    show_text(outcome, prefixed(prefix, "message"), peer->message);
    show_integer(outcome, prefixed(prefix, "at-unix-ms"), peer->at_unix_ms);
    show_bool(outcome, prefixed(prefix, "stale"), peer->stale);
}

bool peer(probity_outcome *outcome, probity_error *error) {
    probity_peer found;
    if (!probity_peers_latest("shop", &found, error)) return false;
    show_peer(outcome, "", &found);
    return true;
}

bool peers(probity_outcome *outcome, probity_error *error) {
    probity_peers found;
    if (!probity_peers_by_tag("orders", &found, error)) return false;
    show_integer(outcome, "peers", found.count);
    for (size_t at = 0; at < found.count; at++) {
        show_text(outcome, prefixed(numbered("", at), "name"), found.items[at].name);
        show_peer(outcome, numbered("", at), &found.items[at]);
    }
    return true;
}
