/**
 * @file
 * The machine (or container) the host runs on. Each function has a grant of its own: "memory", "cpu", "load", "pressure",
 * "uptime", "disks", "disk:/path", "process:pattern", "file:/path". Sizes are in bytes, shares in percent.
 * PROBITY_UNSUPPORTED where the platform does not tell.
 */
#ifndef PROBITY_SYSTEM_H
#define PROBITY_SYSTEM_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Memory of the machine, and of the control group inside a container. */
typedef struct probity_memory_info {
    uint64_t total;
    uint64_t available; /**< Can be had without swapping. */
    uint64_t swap_total;
    uint64_t swap_free;
    probity_option cgroup_limit;
    probity_option cgroup_used;
} probity_memory_info;

/** Shares over all processors; NAN for what the platform does not tell. */
typedef struct probity_cpu_info {
    uint32_t logical; /**< Processors as the scheduler counts them. */
    double busy_percent;
    double iowait_percent;
    double steal_percent;
    double throttled_percent; /**< Of the periods, those in which the container was throttled. */
} probity_cpu_info;

/** Over one, five and fifteen minutes; not divided by processors. */
typedef struct probity_load_average {
    double one;
    double five;
    double fifteen;
} probity_load_average;

/** What tasks wait for. */
typedef enum { PROBITY_PRESSURE_CPU, PROBITY_PRESSURE_MEMORY, PROBITY_PRESSURE_IO } probity_pressure_kind;

/** Share of the last 10 and 60 seconds in which some, or all, tasks stalled; NAN where the kernel does not tell. */
typedef struct probity_pressure_info {
    double some_avg10;
    double some_avg60;
    double full_avg10;
    double full_avg60;
} probity_pressure_info;

/** A mounted file system. */
typedef struct probity_disk_info {
    const char *mount_point;
    const char *file_system;
    uint64_t total; /**< Used and available, as `df` counts. */
    uint64_t available; /**< What an unprivileged user can still write. */
    probity_option inodes_total;
    probity_option inodes_free;
    bool read_only;
} probity_disk_info;

PROBITY_LIST(probity_disks, probity_disk_info);

/** A process. */
typedef struct probity_process_info {
    uint32_t pid;
    const char *name;
    uint64_t started_unix_ms; /**< In milliseconds since 1970. */
    uint64_t rss;             /**< Resident bytes. */
    double cpu_percent;       /**< Of one processor, so it can exceed 100. */
    probity_option threads;
    probity_option open_files;
} probity_process_info;

PROBITY_LIST(probity_processes, probity_process_info);

/** A file or directory. */
typedef struct probity_file_info {
    uint64_t size;
    uint64_t modified_unix_ms; /**< In milliseconds since 1970. */
    bool is_directory;
} probity_file_info;

bool probity_system_memory(probity_memory_info *info, probity_error *error);
/** Looks over a moment, which the call may wait for (about 0.1 s). */
bool probity_system_cpu(probity_cpu_info *info, probity_error *error);
bool probity_system_load(probity_load_average *load, probity_error *error);
/** Pressure stall information (Linux). */
bool probity_system_pressure(probity_pressure_kind kind, probity_pressure_info *info, probity_error *error);
/** Milliseconds since the machine started. */
bool probity_system_uptime_ms(uint64_t *ms, probity_error *error);
/** The file system that holds `path`. */
bool probity_system_disk(const char *path, probity_disk_info *info, probity_error *error);
/** All file systems that hold data. */
bool probity_system_disks(probity_disks *disks, probity_error *error);
/** Processes of exactly this name; none running is an empty list. */
bool probity_system_processes(const char *name, probity_processes *processes, probity_error *error);
/** Size and age of a file; of the newest that matches where the last name holds `*` or `?`. */
bool probity_system_stat(const char *path, probity_file_info *info, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
