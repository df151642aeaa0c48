//go:build !wasip1

package system

import (
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func readMemory() (*Memory, error) { return fake.Ask[*Memory]("system memory", probity.Denied) }

func readCPU() (*CPU, error) { return fake.Ask[*CPU]("system cpu", probity.Denied) }

func readLoad() (*Load, error) { return fake.Ask[*Load]("system load", probity.Denied) }

func readPressure(kind Kind) (*Pressure, error) {
	return fake.Ask[*Pressure]("system pressure "+[...]string{"cpu", "memory", "io"}[kind], probity.Denied)
}

func uptime() (time.Duration, error) { return fake.Ask[time.Duration]("system uptime", probity.Denied) }

func readDisk(path string) (*Disk, error) {
	return fake.Ask[*Disk]("system disk "+path, probity.NotFound)
}

func disks() ([]Disk, error) { return fake.Ask[[]Disk]("system disks", probity.Denied) }

func processes(name string) ([]Process, error) {
	return fake.Ask[[]Process]("system processes "+name, probity.Denied)
}

func stat(path string) (*File, error) { return fake.Ask[*File]("system stat "+path, probity.NotFound) }
