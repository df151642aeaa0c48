package probity

import "unsafe"

// What the host asks for memory during a call must not call the host: the
// instance would trap with "cannot leave component instance". An allocation may
// start a collection, though, which looks at the clocks and asks for events.
//
// The runtime starts no collection, and lets no allocation help with one, while
// the goroutine is pinned to its processor. It comes at the next allocation
// after that.
//
// See github.com/bytecodealliance/componentize-go/issues/77. `probity build`
// exports this function as cabi_realloc, in the place of that of the bindings.
//
//go:wasmexport probity_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if !initialized {
		return bindingsRealloc(old, oldSize, align, size)
	}
	procPin()
	pointer := bindingsRealloc(old, oldSize, align, size)
	procUnpin()
	return pointer
}

// initialized is false while the runtime starts, which asks the host for
// things as well.
var initialized bool

func init() { initialized = true }

//go:linkname bindingsRealloc probity.dev/sdk/internal/pkg/wit/runtime.cabiRealloc
func bindingsRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
