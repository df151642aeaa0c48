/**
 * @file
 * `system`, `heartbeats` and `peers`.
 */
#include "show.hpp"

using probity::Result;

Result<void> memory(Show show) {
    auto info = probity::system::memory();
    if (!info) return info.error();
    show.integer("total", info->total)
        .integer("available", info->available)
        .integer("swap-total", info->swap_total)
        .integer("swap-free", info->swap_free)
        .optional("cgroup-limit", info->cgroup_limit)
        .optional("cgroup-used", info->cgroup_used);
    return {};
}

Result<void> cpu(Show show) {
    auto info = probity::system::cpu();
    if (!info) return info.error();
    show.integer("logical", info->logical)
        .number("busy-percent", info->busy_percent)
        .optional("iowait-percent", info->iowait_percent)
        .optional("steal-percent", info->steal_percent)
        .optional("throttled-percent", info->throttled_percent);
    return {};
}

Result<void> load(Show show) {
    auto average = probity::system::load();
    if (!average) return average.error();
    show.number("one", average->one).number("five", average->five).number("fifteen", average->fifteen);
    return {};
}

Result<void> pressure(Show show) {
    const std::pair<const char *, probity_pressure_kind> kinds[] = {
        {"cpu-", PROBITY_PRESSURE_CPU}, {"memory-", PROBITY_PRESSURE_MEMORY}, {"io-", PROBITY_PRESSURE_IO}};
    for (auto [prefix, kind] : kinds) {
        auto info = probity::system::pressure(kind);
        if (!info) return info.error();
        show.below(prefix)
            .number("some-avg10", info->some_avg10)
            .number("some-avg60", info->some_avg60)
            .optional("full-avg10", info->full_avg10)
            .optional("full-avg60", info->full_avg60);
    }
    return {};
}

Result<void> uptime(Show show) {
    auto ms = probity::system::uptime_ms();
    if (!ms) return ms.error();
    show.integer("uptime-ms", *ms);
    return {};
}

static void show_disk(Show show, const probity_disk_info &info) {
    show.text("mount-point", info.mount_point)
        .text("file-system", info.file_system)
        .integer("total", info.total)
        .integer("available", info.available)
        .optional("inodes-total", info.inodes_total)
        .optional("inodes-free", info.inodes_free)
        .boolean("read-only", info.read_only);
}

Result<void> disk(Show show) {
    auto info = probity::system::disk("/var");
    if (!info) return info.error();
    show_disk(show, *info);
    return {};
}

Result<void> disks(Show show) {
    auto found = probity::system::disks();
    if (!found) return found.error();
    show.integer("disks", found->size());
    for (std::size_t at = 0; at < found->size(); at++) show_disk(show.item(at), (*found)[at]);
    return {};
}

Result<void> processes(Show show) {
    auto found = probity::system::processes("nginx");
    if (!found) return found.error();
    show.integer("processes", found->size());
    for (std::size_t at = 0; at < found->size(); at++) {
        const probity_process_info &info = (*found)[at];
        show.item(at)
            .integer("pid", info.pid)
            .text("name", info.name)
            .integer("started-unix-ms", info.started_unix_ms)
            .integer("rss", info.rss)
            .number("cpu-percent", info.cpu_percent)
            .optional("threads", info.threads)
            .optional("open-files", info.open_files);
    }
    return {};
}

Result<void> file(Show show) {
    auto info = probity::system::stat("/var/backup.dump");
    if (!info) return info.error();
    show.integer("size", info->size)
        .integer("modified-unix-ms", info->modified_unix_ms)
        .boolean("is-directory", info->is_directory);
    return {};
}

static void show_beat(Show show, const probity_beat &beat) {
    show.integer("at-unix-ms", beat.at_unix_ms)
        .integer("age-ms", beat.age_ms)
        .boolean("ok", beat.ok)
        .text("message", beat.message)
        .optional("duration-ms", beat.duration_ms);
}

Result<void> heartbeat(Show show) {
    auto last = probity::heartbeats::last("backup");
    if (!last) return last.error();
    if (*last)
        show_beat(show, **last);
    else
        show.none("beat");
    return {};
}

Result<void> heartbeats(Show show) {
    auto beats = probity::heartbeats::recent("backup", 2);
    if (!beats) return beats.error();
    show.integer("beats", beats->size());
    for (std::size_t at = 0; at < beats->size(); at++) show_beat(show.item(at), (*beats)[at]);
    return {};
}

Result<void> heartbeat_open(Show show) {
    auto runs = probity::heartbeats::open("backup");
    if (!runs) return runs.error();
    show.integer("runs", runs->size());
    for (std::size_t at = 0; at < runs->size(); at++) {
        const probity_open_run &run = (*runs)[at];
        show.item(at).optional_text("id", run.id).integer("started-unix-ms", run.started_unix_ms).integer("age-ms", run.age_ms);
    }
    return {};
}

static void show_peer(Show show, const probity_peer &peer) {
    show.status("status", peer.concluded, peer.status)
        .text("message", peer.message)
        .integer("at-unix-ms", peer.at_unix_ms)
        .boolean("stale", peer.stale);
}

Result<void> peer(Show show) {
    auto found = probity::peers::latest("shop");
    if (!found) return found.error();
    show_peer(show, *found);
    return {};
}

Result<void> peers(Show show) {
    auto found = probity::peers::by_tag("orders");
    if (!found) return found.error();
    show.integer("peers", found->size());
    for (std::size_t at = 0; at < found->size(); at++) {
        show.item(at).text("name", (*found)[at].name);
        show_peer(show.item(at), (*found)[at]);
    }
    return {};
}
