//go:build !wasip1

package probity

// Export makes check the one of this component. Outside of a component, in
// tests, it does nothing.
func Export[C any](check Check[C]) {}
