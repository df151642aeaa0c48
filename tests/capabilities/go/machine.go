// What the host knows: system, heartbeats and peers.
package main

import (
	"probity.dev/sdk"
	"probity.dev/sdk/heartbeats"
	"probity.dev/sdk/peers"
	"probity.dev/sdk/system"
)

func showMemory(outcome *probity.Outcome) error {
	memory, err := system.ReadMemory()
	if err != nil {
		return err
	}
	outcome.
		Measure("total", memory.Total, "").
		Measure("available", memory.Available, "").
		Measure("swap-total", memory.SwapTotal, "").
		Measure("swap-free", memory.SwapFree, "")
	optional(outcome, "cgroup-limit", memory.CgroupLimit)
	optional(outcome, "cgroup-used", memory.CgroupUsed)
	return nil
}

func showCPU(outcome *probity.Outcome) error {
	cpu, err := system.ReadCPU()
	if err != nil {
		return err
	}
	outcome.Measure("logical", cpu.Logical, "").Measure("busy-percent", cpu.BusyPercent, "")
	optional(outcome, "iowait-percent", cpu.IowaitPercent)
	optional(outcome, "steal-percent", cpu.StealPercent)
	optional(outcome, "throttled-percent", cpu.ThrottledPercent)
	return nil
}

func showLoad(outcome *probity.Outcome) error {
	load, err := system.ReadLoad()
	if err != nil {
		return err
	}
	outcome.Measure("one", load.One, "").Measure("five", load.Five, "").Measure("fifteen", load.Fifteen, "")
	return nil
}

func showPressure(outcome *probity.Outcome) error {
	for at, kind := range []system.Kind{system.OnCPU, system.OnMemory, system.OnIO} {
		found, err := system.ReadPressure(kind)
		if err != nil {
			return err
		}
		prefix := []string{"cpu-", "memory-", "io-"}[at]
		outcome.Measure(prefix+"some-avg10", found.SomeAvg10, "").Measure(prefix+"some-avg60", found.SomeAvg60, "")
		optional(outcome, prefix+"full-avg10", found.FullAvg10)
		optional(outcome, prefix+"full-avg60", found.FullAvg60)
	}
	return nil
}

func showUptime(outcome *probity.Outcome) error {
	uptime, err := system.Uptime()
	outcome.Measure("uptime-ms", uptime.Milliseconds(), "")
	return err
}

func showDisk(outcome *probity.Outcome) error {
	disk, err := system.ReadDisk("/var")
	if err != nil {
		return err
	}
	fileSystem(outcome, "", disk)
	return nil
}

func showDisks(outcome *probity.Outcome) error {
	found, err := system.Disks()
	outcome.Measure("disks", len(found), "")
	each(outcome, "", found, fileSystem)
	return err
}

func fileSystem(outcome *probity.Outcome, prefix string, disk *system.Disk) {
	outcome.
		Detail(prefix+"mount-point", disk.MountPoint).
		Detail(prefix+"file-system", disk.FileSystem).
		Measure(prefix+"total", disk.Total, "").
		Measure(prefix+"available", disk.Available, "").
		Measure(prefix+"read-only", disk.ReadOnly, "")
	optional(outcome, prefix+"inodes-total", disk.InodesTotal)
	optional(outcome, prefix+"inodes-free", disk.InodesFree)
}

func showProcesses(outcome *probity.Outcome) error {
	found, err := system.Processes("nginx")
	outcome.Measure("processes", len(found), "")
	each(outcome, "", found, func(outcome *probity.Outcome, prefix string, process *system.Process) {
		outcome.
			Measure(prefix+"pid", process.PID, "").
			Detail(prefix+"name", process.Name).
			Measure(prefix+"started-unix-ms", process.Started.UnixMilli(), "").
			Measure(prefix+"rss", process.RSS, "").
			Measure(prefix+"cpu-percent", process.CPUPercent, "")
		optional(outcome, prefix+"threads", process.Threads)
		optional(outcome, prefix+"open-files", process.OpenFiles)
	})
	return err
}

func showFile(outcome *probity.Outcome) error {
	file, err := system.Stat("/var/backup.dump")
	if err != nil {
		return err
	}
	outcome.
		Measure("size", file.Size, "").
		Measure("modified-unix-ms", file.Modified.UnixMilli(), "").
		Measure("is-directory", file.IsDirectory, "")
	return nil
}

func showLast(outcome *probity.Outcome) error {
	last, err := heartbeats.Last("backup")
	if err != nil {
		return err
	}
	if last == nil {
		outcome.Detail("beat", "none")
	} else {
		beat(outcome, "", last)
	}
	return nil
}

func showRecent(outcome *probity.Outcome) error {
	found, err := heartbeats.Recent("backup", 2)
	outcome.Measure("beats", len(found), "")
	each(outcome, "", found, beat)
	return err
}

func beat(outcome *probity.Outcome, prefix string, found *heartbeats.Beat) {
	outcome.
		Measure(prefix+"at-unix-ms", found.At.UnixMilli(), "").
		Measure(prefix+"age-ms", found.Age.Milliseconds(), "").
		Measure(prefix+"ok", found.OK, "").
		Detail(prefix+"message", found.Message)
	optional(outcome, prefix+"duration-ms", found.DurationMs)
}

func showOpen(outcome *probity.Outcome) error {
	found, err := heartbeats.Open("backup")
	outcome.Measure("runs", len(found), "")
	each(outcome, "", found, openRun)
	return err
}

func openRun(outcome *probity.Outcome, prefix string, found *heartbeats.OpenRun) {
	id := "none"
	if found.ID != nil {
		id = *found.ID
	}
	outcome.
		Detail(prefix+"id", id).
		Measure(prefix+"started-unix-ms", found.Started.UnixMilli(), "").
		Measure(prefix+"age-ms", found.Age.Milliseconds(), "")
}

func showPeer(outcome *probity.Outcome) error {
	found, err := peers.Latest("shop")
	if err != nil {
		return err
	}
	snapshot(outcome, "", found)
	return nil
}

func showPeers(outcome *probity.Outcome) error {
	found, err := peers.ByTag("orders")
	outcome.Measure("peers", len(found), "")
	each(outcome, "", found, func(outcome *probity.Outcome, prefix string, named *peers.Named) {
		snapshot(outcome.Detail(prefix+"name", named.Name), prefix, &named.Snapshot)
	})
	return err
}

func snapshot(outcome *probity.Outcome, prefix string, found *peers.Snapshot) {
	outcome.
		Detail(prefix+"status", status(found.Status)).
		Detail(prefix+"message", found.Message).
		Measure(prefix+"at-unix-ms", found.At.UnixMilli(), "").
		Measure(prefix+"stale", found.Stale, "")
}
