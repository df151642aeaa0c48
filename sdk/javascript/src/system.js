/**
 * The machine (or container) the host runs on. Each function has a grant of its own: `memory`, `cpu`, `load`, `pressure`,
 * `uptime`, `disks`, `disk:/path`, `process:pattern`, `file:/path`. Sizes are in bytes, shares in percent.
 * @module
 */

import system from "probity:check/system@0.1.0";

import { ask } from "./error.js";
import { optionalU32, u32 } from "./numbers.js";

/** @typedef {{ total: number, available: number, swapTotal: number, swapFree: number, cgroupLimit: number | null, cgroupUsed: number | null }} MemoryInfo */
/** @typedef {{ logical: number, busyPercent: number, iowaitPercent: number | null, stealPercent: number | null, throttledPercent: number | null }} CpuInfo */
/** @typedef {{ one: number, five: number, fifteen: number }} LoadAverage */
/** @typedef {{ someAvg10: number, someAvg60: number, fullAvg10: number | null, fullAvg60: number | null }} PressureInfo */
/** @typedef {{ mountPoint: string, fileSystem: string, total: number, available: number, inodesTotal: number | null, inodesFree: number | null, readOnly: boolean }} DiskInfo */
/** @typedef {{ pid: number, name: string, startedUnixMs: number, rss: number, cpuPercent: number, threads: number | null, openFiles: number | null }} ProcessInfo */
/** @typedef {{ size: number, modifiedUnixMs: number, isDirectory: boolean }} FileInfo */

/** Memory, control-group limits included. @returns {MemoryInfo} */
export const memory = () => ask(() => system.memory());
/** Processors, over a moment that the call may wait for. @returns {CpuInfo} */
export function cpu() {
  const found = ask(() => system.cpu());
  return { ...found, logical: u32(found.logical) };
}
/** Load averages over one, five and fifteen minutes. @returns {LoadAverage} */
export const load = () => ask(() => system.load());
/** Pressure stall information (Linux). @param {"cpu" | "memory" | "io"} kind @returns {PressureInfo} */
export const pressure = (kind) => ask(() => system.pressure(kind));
/** Milliseconds since the machine started. @returns {number} */
export const uptimeMs = () => Number(ask(() => system.uptimeMs()));
/** The file system that holds `path`. @param {string} path @returns {DiskInfo} */
export const disk = (path) => ask(() => system.disk(path));
/** All file systems that hold data. @returns {DiskInfo[]} */
export const disks = () => ask(() => system.disks());
/** Processes of exactly this name. @param {string} name @returns {ProcessInfo[]} */
export function processes(name) {
  return ask(() => system.processes(name)).map((/** @type {ProcessInfo} */ found) => ({
    ...found, pid: u32(found.pid), threads: optionalU32(found.threads), openFiles: optionalU32(found.openFiles),
  }));
}
/** Size and age of a file; of the newest that matches where the last name holds `*` or `?`. @param {string} path @returns {FileInfo} */
export const stat = (path) => ask(() => system.stat(path));
