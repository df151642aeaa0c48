// Package system tells about the machine (or container) the host runs on. Each
// function has a grant of its own: memory, cpu, load, pressure, uptime, disks,
// disk:/path, process:pattern, file:/path. Sizes are in bytes, shares in
// percent; what the platform does not tell is nil.
package system

import "time"

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
	OnCPU Kind = iota
	// OnMemory: memory.
	OnMemory
	// OnIO: input and output.
	OnIO
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
func ReadMemory() (*Memory, error) { return readMemory() }

// ReadCPU looks over a moment, which the call may wait for.
func ReadCPU() (*CPU, error) { return readCPU() }

// ReadLoad has the load averages; unsupported on Windows.
func ReadLoad() (*Load, error) { return readLoad() }

// ReadPressure has pressure stall information (Linux).
func ReadPressure(kind Kind) (*Pressure, error) { return readPressure(kind) }

// Uptime since the machine started.
func Uptime() (time.Duration, error) { return uptime() }

// ReadDisk has the file system that holds path.
func ReadDisk(path string) (*Disk, error) { return readDisk(path) }

// Disks are all file systems that hold data.
func Disks() ([]Disk, error) { return disks() }

// Processes of exactly this name.
func Processes(name string) ([]Process, error) { return processes(name) }

// Stat has size and age of a file; of the newest that matches where the last name holds `*` or `?`.
func Stat(path string) (*File, error) { return stat(path) }
