//go:build !wasip1

package run

import (
	"time"

	"probity.dev/sdk/internal/fake"
)

func checkID() string { return fake.Current().CheckID }

func id() string { return "019a0000-0000-7000-8000-000000000000" }

func traceparent() string { return "" }

func remaining() time.Duration { return fake.Current().Remaining() }

func consecutiveFailures() int { return fake.Current().ConsecutiveFailures }

func previous() *Concluded {
	previous, _ := fake.Current().Previous.(*Concluded)
	return previous
}
