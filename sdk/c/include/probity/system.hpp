/**
 * @file
 * The machine, heartbeats and other checks in C++.
 */
#ifndef PROBITY_SYSTEM_HPP
#define PROBITY_SYSTEM_HPP

#include "check.hpp"
#include "heartbeats.h"
#include "peers.h"
#include "system.h"

namespace probity {

/** The machine (or container) the host runs on; see `system.h` for grants and units. */
namespace system {
/** Includes control-group limits. */
inline Result<probity_memory_info> memory() {
    probity_error error = {};
    probity_memory_info info = {};
    bool ok = probity_system_memory(&info, &error);
    return given(ok, info, error);
}
/** Looks over a moment, which the call may wait for. */
inline Result<probity_cpu_info> cpu() {
    probity_error error = {};
    probity_cpu_info info = {};
    bool ok = probity_system_cpu(&info, &error);
    return given(ok, info, error);
}
inline Result<probity_load_average> load() {
    probity_error error = {};
    probity_load_average load = {};
    bool ok = probity_system_load(&load, &error);
    return given(ok, load, error);
}
/** Pressure stall information (Linux). */
inline Result<probity_pressure_info> pressure(probity_pressure_kind kind) {
    probity_error error = {};
    probity_pressure_info info = {};
    bool ok = probity_system_pressure(kind, &info, &error);
    return given(ok, info, error);
}
/** Milliseconds since the machine started. */
inline Result<std::uint64_t> uptime_ms() {
    probity_error error = {};
    std::uint64_t ms = 0;
    bool ok = probity_system_uptime_ms(&ms, &error);
    return given(ok, ms, error);
}
/** The file system that holds `path`. */
inline Result<probity_disk_info> disk(std::string_view path) {
    probity_error error = {};
    probity_disk_info info = {};
    bool ok = probity_system_disk(keep(path), &info, &error);
    return given(ok, info, error);
}
/** All file systems that hold data. */
inline Result<probity_disks> disks() {
    probity_error error = {};
    probity_disks found = {};
    bool ok = probity_system_disks(&found, &error);
    return given(ok, found, error);
}
/** Processes of exactly this name. */
inline Result<probity_processes> processes(std::string_view name) {
    probity_error error = {};
    probity_processes found = {};
    bool ok = probity_system_processes(keep(name), &found, &error);
    return given(ok, found, error);
}
/** Size and age of a file; of the newest that matches where the last name holds `*` or `?`. */
inline Result<probity_file_info> stat(std::string_view path) {
    probity_error error = {};
    probity_file_info info = {};
    bool ok = probity_system_stat(keep(path), &info, &error);
    return given(ok, info, error);
}
} // namespace system

/** What jobs reported to the host. */
namespace heartbeats {
/** The latest beat; nothing when there was none yet. */
inline Result<std::optional<probity_beat>> last(std::string_view name) {
    probity_error error = {};
    probity_beat beat = {};
    bool there = false;
    bool ok = probity_heartbeats_last(keep(name), &beat, &there, &error);
    return given(ok, there ? std::optional(beat) : std::nullopt, error);
}
/** The latest beats, newest first, at most `max`. */
inline Result<probity_beats> recent(std::string_view name, std::uint32_t max) {
    probity_error error = {};
    probity_beats beats = {};
    bool ok = probity_heartbeats_recent(keep(name), max, &beats, &error);
    return given(ok, beats, error);
}
/** Runs that were said to start and have not ended, the oldest first. */
inline Result<probity_open_runs> open(std::string_view name) {
    probity_error error = {};
    probity_open_runs runs = {};
    bool ok = probity_heartbeats_open(keep(name), &runs, &error);
    return given(ok, runs, error);
}
} // namespace heartbeats

/** Latest results of other checks. */
namespace peers {
/** The latest result of a check. */
inline Result<probity_peer> latest(std::string_view name) {
    probity_error error = {};
    probity_peer peer = {};
    bool ok = probity_peers_latest(keep(name), &peer, &error);
    return given(ok, peer, error);
}
/** The checks of a group, in order of names. */
inline Result<probity_peers> by_tag(std::string_view tag) {
    probity_error error = {};
    probity_peers found = {};
    bool ok = probity_peers_by_tag(keep(tag), &found, &error);
    return given(ok, found, error);
}
} // namespace peers

} // namespace probity

#endif
