package system

import (
	"time"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_system"
)

func readMemory() (*Memory, error) {
	info, err := host.Result(wit.Memory())
	if err != nil {
		return nil, err
	}
	return &Memory{
		Total: info.Total, Available: info.Available, SwapTotal: info.SwapTotal, SwapFree: info.SwapFree,
		CgroupLimit: host.Pointer(info.CgroupLimit), CgroupUsed: host.Pointer(info.CgroupUsed),
	}, nil
}

func readCPU() (*CPU, error) {
	info, err := host.Result(wit.Cpu())
	if err != nil {
		return nil, err
	}
	return &CPU{
		Logical: info.Logical, BusyPercent: info.BusyPercent, IowaitPercent: host.Pointer(info.IowaitPercent),
		StealPercent: host.Pointer(info.StealPercent), ThrottledPercent: host.Pointer(info.ThrottledPercent),
	}, nil
}

func readLoad() (*Load, error) {
	load, err := host.Result(wit.Load())
	if err != nil {
		return nil, err
	}
	return &Load{load.One, load.Five, load.Fifteen}, nil
}

func readPressure(kind Kind) (*Pressure, error) {
	info, err := host.Result(wit.Pressure(uint8(kind)))
	if err != nil {
		return nil, err
	}
	return &Pressure{info.SomeAvg10, info.SomeAvg60, host.Pointer(info.FullAvg10), host.Pointer(info.FullAvg60)}, nil
}

func uptime() (time.Duration, error) {
	ms, err := host.Result(wit.UptimeMs())
	return time.Duration(ms) * time.Millisecond, err
}

func readDisk(path string) (*Disk, error) {
	info, err := host.Result(wit.Disk(path))
	if err != nil {
		return nil, err
	}
	made := disk(info)
	return &made, nil
}

func disks() ([]Disk, error) {
	found, err := host.Result(wit.Disks())
	made := make([]Disk, 0, len(found))
	for _, info := range found {
		made = append(made, disk(info))
	}
	return made, err
}

func processes(name string) ([]Process, error) {
	found, err := host.Result(wit.Processes(name))
	made := make([]Process, 0, len(found))
	for _, info := range found {
		made = append(made, Process{
			PID: info.Pid, Name: info.Name, Started: time.UnixMilli(int64(info.StartedUnixMs)), RSS: info.Rss,
			CPUPercent: info.CpuPercent, Threads: host.Pointer(info.Threads), OpenFiles: host.Pointer(info.OpenFiles),
		})
	}
	return made, err
}

func stat(path string) (*File, error) {
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
