// Package system tells about the machine (or container) the host runs on. Each
// function has a grant of its own: memory, cpu, load, pressure, uptime, disks,
// disk:/path, process:pattern, file:/path. Sizes are in bytes, shares in
// percent; what the platform does not tell is nil.
package system

import (
	"time"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_system"
)

// Memory of the machine, and of the control group inside a container.
type Memory struct {
	Total, Available, SwapTotal, SwapFree uint64
	CgroupLimit, CgroupUsed               *uint64
}

// CPU has shares over all processors.
type CPU struct {
	Logical                                       uint32
	BusyPercent                                   float64
	IowaitPercent, StealPercent, ThrottledPercent *float64
}

// Load averages over one, five and fifteen minutes.
type Load struct{ One, Five, Fifteen float64 }

// Pressure is the share of the time in which some, or all, tasks stalled.
type Pressure struct {
	SomeAvg10, SomeAvg60 float64
	FullAvg10, FullAvg60 *float64
}

// Kind is what tasks stall on.
type Kind uint8

const (
	// OnCPU: processor time.
	OnCPU Kind = Kind(wit.PressureKind_Cpu)
	// OnMemory: memory.
	OnMemory Kind = Kind(wit.PressureKind_Memory)
	// OnIO: input and output.
	OnIO Kind = Kind(wit.PressureKind_Io)
)

// Disk is a mounted file system.
type Disk struct {
	MountPoint, FileSystem  string
	Total, Available        uint64
	InodesTotal, InodesFree *uint64
	ReadOnly                bool
}

// Process is one that runs.
type Process struct {
	PID        uint32
	Name       string
	Started    time.Time
	RSS        uint64
	CPUPercent float64
	Threads    *uint32
	OpenFiles  *uint32
}

// File is a file or directory.
type File struct {
	Size        uint64
	Modified    time.Time
	IsDirectory bool
}

// ReadMemory includes control-group limits.
func ReadMemory() (*Memory, error) {
	info, err := host.Result(wit.Memory())
	if err != nil {
		return nil, err
	}
	return &Memory{
		Total: info.Total, Available: info.Available, SwapTotal: info.SwapTotal, SwapFree: info.SwapFree,
		CgroupLimit: host.Pointer(info.CgroupLimit), CgroupUsed: host.Pointer(info.CgroupUsed),
	}, nil
}

// ReadCPU looks over a moment, which the call may wait for.
func ReadCPU() (*CPU, error) {
	info, err := host.Result(wit.Cpu())
	if err != nil {
		return nil, err
	}
	return &CPU{
		Logical: info.Logical, BusyPercent: info.BusyPercent, IowaitPercent: host.Pointer(info.IowaitPercent),
		StealPercent: host.Pointer(info.StealPercent), ThrottledPercent: host.Pointer(info.ThrottledPercent),
	}, nil
}

// ReadLoad has the load averages; unsupported on Windows.
func ReadLoad() (*Load, error) {
	load, err := host.Result(wit.Load())
	if err != nil {
		return nil, err
	}
	return &Load{load.One, load.Five, load.Fifteen}, nil
}

// ReadPressure has pressure stall information (Linux).
func ReadPressure(kind Kind) (*Pressure, error) {
	info, err := host.Result(wit.Pressure(uint8(kind)))
	if err != nil {
		return nil, err
	}
	return &Pressure{info.SomeAvg10, info.SomeAvg60, host.Pointer(info.FullAvg10), host.Pointer(info.FullAvg60)}, nil
}

// Uptime since the machine started.
func Uptime() (time.Duration, error) {
	ms, err := host.Result(wit.UptimeMs())
	return time.Duration(ms) * time.Millisecond, err
}

// ReadDisk has the file system that holds path.
func ReadDisk(path string) (*Disk, error) {
	info, err := host.Result(wit.Disk(path))
	if err != nil {
		return nil, err
	}
	made := disk(info)
	return &made, nil
}

// Disks are all file systems that hold data.
func Disks() ([]Disk, error) {
	found, err := host.Result(wit.Disks())
	disks := make([]Disk, 0, len(found))
	for _, info := range found {
		disks = append(disks, disk(info))
	}
	return disks, err
}

// Processes of exactly this name.
func Processes(name string) ([]Process, error) {
	found, err := host.Result(wit.Processes(name))
	processes := make([]Process, 0, len(found))
	for _, info := range found {
		processes = append(processes, Process{
			PID: info.Pid, Name: info.Name, Started: time.UnixMilli(int64(info.StartedUnixMs)), RSS: info.Rss,
			CPUPercent: info.CpuPercent, Threads: host.Pointer(info.Threads), OpenFiles: host.Pointer(info.OpenFiles),
		})
	}
	return processes, err
}

// Stat has size and age of a file.
func Stat(path string) (*File, error) {
	info, err := host.Result(wit.Stat(path))
	if err != nil {
		return nil, err
	}
	return &File{info.Size, time.UnixMilli(int64(info.ModifiedUnixMs)), info.IsDirectory}, nil
}

func disk(info wit.DiskInfo) Disk {
	return Disk{
		MountPoint: info.MountPoint, FileSystem: info.FileSystem, Total: info.Total, Available: info.Available,
		InodesTotal: host.Pointer(info.InodesTotal), InodesFree: host.Pointer(info.InodesFree), ReadOnly: info.ReadOnly,
	}
}
