/**
 * `system`, `heartbeats` and `peers`.
 * @module
 */

import type { Outcome } from "probity-check";
import * as heartbeats from "probity-check/heartbeats";
import * as peers from "probity-check/peers";
import * as system from "probity-check/system";

import { detail, each, measure, type Act } from "./show.js";

export const ACTS: Record<string, Act> = {
  memory(outcome) {
    const { total, available, swapTotal, swapFree, cgroupLimit, cgroupUsed } = system.memory();
    measure(outcome, "", { total, available, "swap-total": swapTotal, "swap-free": swapFree });
    measure(outcome, "", { "cgroup-limit": cgroupLimit, "cgroup-used": cgroupUsed });
  },

  cpu(outcome) {
    const { logical, busyPercent, iowaitPercent, stealPercent, throttledPercent } = system.cpu();
    measure(outcome, "", { logical, "busy-percent": busyPercent, "iowait-percent": iowaitPercent });
    measure(outcome, "", { "steal-percent": stealPercent, "throttled-percent": throttledPercent });
  },

  load(outcome) {
    const { one, five, fifteen } = system.load();
    measure(outcome, "", { one, five, fifteen });
  },

  pressure(outcome) {
    for (const kind of ["cpu", "memory", "io"] as const) {
      const { someAvg10, someAvg60, fullAvg10, fullAvg60 } = system.pressure(kind);
      measure(outcome, `${kind}-`, { "some-avg10": someAvg10, "some-avg60": someAvg60 });
      measure(outcome, `${kind}-`, { "full-avg10": fullAvg10, "full-avg60": fullAvg60 });
    }
  },

  uptime: (outcome) => measure(outcome, "", { "uptime-ms": system.uptimeMs() }),

  disk: (outcome) => fileSystem(outcome, "", system.disk("/var")),

  disks(outcome) {
    const disks = system.disks();
    measure(outcome, "", { disks: disks.length });
    each(outcome, "", disks, fileSystem);
  },

  processes(outcome) {
    const processes = system.processes("nginx");
    measure(outcome, "", { processes: processes.length });
    each(outcome, "", processes, process);
  },

  stat(outcome) {
    const { size, modifiedUnixMs, isDirectory } = system.stat("/var/backup.dump");
    measure(outcome, "", { size, "modified-unix-ms": modifiedUnixMs, "is-directory": isDirectory });
  },

  heartbeat(outcome) {
    const last = heartbeats.last("backup");
    if (last === null) detail(outcome, "", { beat: null });
    else beat(outcome, "", last);
  },

  heartbeats(outcome) {
    const recent = heartbeats.recent("backup", 2);
    measure(outcome, "", { beats: recent.length });
    each(outcome, "", recent, beat);
  },

  "heartbeat-open"(outcome) {
    const runs = heartbeats.open("backup");
    measure(outcome, "", { runs: runs.length });
    each(outcome, "", runs, openRun);
  },

  peer: (outcome) => snapshot(outcome, "", peers.latest("shop")),

  peers(outcome) {
    const found = peers.byTag("orders");
    measure(outcome, "", { peers: found.length });
    each(outcome, "", found, (outcome, prefix, [name, one]) => {
      detail(outcome, prefix, { name });
      snapshot(outcome, prefix, one);
    });
  },
};

function fileSystem(outcome: Outcome, prefix: string, disk: system.DiskInfo): void {
  const { mountPoint, fileSystem, total, available, inodesTotal, inodesFree, readOnly } = disk;
  detail(outcome, prefix, { "mount-point": mountPoint, "file-system": fileSystem });
  measure(outcome, prefix, { total, available, "inodes-total": inodesTotal, "inodes-free": inodesFree, "read-only": readOnly });
}

function process(outcome: Outcome, prefix: string, found: system.ProcessInfo): void {
  const { pid, name, startedUnixMs, rss, cpuPercent, threads, openFiles } = found;
  detail(outcome, prefix, { name });
  measure(outcome, prefix, { pid, "started-unix-ms": startedUnixMs, rss, "cpu-percent": cpuPercent, threads, "open-files": openFiles });
}

function beat(outcome: Outcome, prefix: string, found: heartbeats.Beat): void {
  const { atUnixMs, ageMs, ok, message, durationMs } = found;
  measure(outcome, prefix, { "at-unix-ms": atUnixMs, "age-ms": ageMs, ok, "duration-ms": durationMs });
  detail(outcome, prefix, { message });
}

function openRun(outcome: Outcome, prefix: string, { id, startedUnixMs, ageMs }: heartbeats.OpenRun): void {
  detail(outcome, prefix, { id });
  measure(outcome, prefix, { "started-unix-ms": startedUnixMs, "age-ms": ageMs });
}

function snapshot(outcome: Outcome, prefix: string, found: peers.Snapshot): void {
  const { status, message, atUnixMs, stale } = found;
  detail(outcome, prefix, { status, message });
  measure(outcome, prefix, { "at-unix-ms": atUnixMs, stale });
}
