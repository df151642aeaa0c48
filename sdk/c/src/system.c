/**
 * @file
 * The machine the host runs on.
 */
#include "calls.h"

bool probity_system_memory(probity_memory_info *info, probity_error *error) {
    probity_check_system_memory_info_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_system_memory(&found, &refused), &refused, error)) return false;
    *info = (probity_memory_info){
        .total = found.total,
        .available = found.available,
        .swap_total = found.swap_total,
        .swap_free = found.swap_free,
        .cgroup_limit = probity_option_of(found.cgroup_limit),
        .cgroup_used = probity_option_of(found.cgroup_used),
    };
    return true;
}

bool probity_system_cpu(probity_cpu_info *info, probity_error *error) {
    probity_check_system_cpu_info_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_system_cpu(&found, &refused), &refused, error)) return false;
    *info = (probity_cpu_info){
        .logical = found.logical,
        .busy_percent = found.busy_percent,
        .iowait_percent = probity_number_of(found.iowait_percent),
        .steal_percent = probity_number_of(found.steal_percent),
        .throttled_percent = probity_number_of(found.throttled_percent),
    };
    return true;
}

bool probity_system_load(probity_load_average *load, probity_error *error) {
    probity_check_system_load_average_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_system_load(&found, &refused), &refused, error)) return false;
    *load = (probity_load_average){found.one, found.five, found.fifteen};
    return true;
}

bool probity_system_pressure(probity_pressure_kind kind, probity_pressure_info *info, probity_error *error) {
    probity_check_system_pressure_info_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_system_pressure((probity_check_system_pressure_kind_t)kind, &found, &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    *info = (probity_pressure_info){
        .some_avg10 = found.some_avg10,
        .some_avg60 = found.some_avg60,
        .full_avg10 = probity_number_of(found.full_avg10),
        .full_avg60 = probity_number_of(found.full_avg60),
    };
    return true;
}

bool probity_system_uptime_ms(uint64_t *ms, probity_error *error) {
    probity_check_types_error_t refused;
    return probity_answered(probity_check_system_uptime_ms(ms, &refused), &refused, error);
}

static probity_disk_info disk_of(const probity_check_system_disk_info_t *found) {
    return (probity_disk_info){
        .mount_point = probity_text(found->mount_point),
        .file_system = probity_text(found->file_system),
        .total = found->total,
        .available = found->available,
        .inodes_total = probity_option_of(found->inodes_total),
        .inodes_free = probity_option_of(found->inodes_free),
        .read_only = found->read_only,
    };
}

bool probity_system_disk(const char *path, probity_disk_info *info, probity_error *error) {
    guest_string_t wanted = probity_string(path);
    probity_check_system_disk_info_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_system_disk(&wanted, &found, &refused), &refused, error)) return false;
    *info = disk_of(&found);
    return true;
}

bool probity_system_disks(probity_disks *disks, probity_error *error) {
    probity_check_system_list_disk_info_t found;
    probity_check_types_error_t refused;
    *disks = (probity_disks){0};
    if (!probity_answered(probity_check_system_disks(&found, &refused), &refused, error)) return false;
    probity_disk_info *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++) items[at] = disk_of(&found.ptr[at]);
    probity_list_free(found.ptr, found.len);
    *disks = (probity_disks){items, found.len};
    return true;
}

static probity_process_info process_of(const probity_check_system_process_info_t *found) {
    return (probity_process_info){
        .pid = found->pid,
        .name = probity_text(found->name),
        .started_unix_ms = found->started_unix_ms,
        .rss = found->rss,
        .cpu_percent = found->cpu_percent,
        .threads = probity_option_of_u32(found->threads),
        .open_files = probity_option_of_u32(found->open_files),
    };
}

bool probity_system_processes(const char *name, probity_processes *processes, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_system_list_process_info_t found;
    probity_check_types_error_t refused;
    *processes = (probity_processes){0};
    if (!probity_answered(probity_check_system_processes(&wanted, &found, &refused), &refused, error)) return false;
    probity_process_info *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++) items[at] = process_of(&found.ptr[at]);
    probity_list_free(found.ptr, found.len);
    *processes = (probity_processes){items, found.len};
    return true;
}

bool probity_system_stat(const char *path, probity_file_info *info, probity_error *error) {
    guest_string_t wanted = probity_string(path);
    probity_check_system_file_info_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_system_stat(&wanted, &found, &refused), &refused, error)) return false;
    *info = (probity_file_info){found.size, found.modified_unix_ms, found.is_directory};
    return true;
}
