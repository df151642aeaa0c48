// Package host has what several capabilities know, and in a component turns what
// the bindings return into what Go programs expect.
package host

import "time"

// Certificate is one of a chain.
type Certificate struct {
	// Subject and Issuer are distinguished names as text.
	Subject, Issuer string
	// Serial in hexadecimal.
	Serial string
	// NotBefore and NotAfter are its validity.
	NotBefore, NotAfter time.Time
	// DNSNames are its subject alternative names.
	DNSNames []string
	// SHA256 of its DER bytes in hexadecimal.
	SHA256 string
}

// TLSInfo is a TLS session.
type TLSInfo struct {
	// Protocol, such as TLSv1.3.
	Protocol string
	// Cipher suite.
	Cipher string
	// ALPN is what both sides agreed to speak; empty when nothing.
	ALPN string
	// Handshake is how long it took.
	Handshake time.Duration
	// Chain holds the certificates that lead to an authority, leaf first; all
	// that were sent where none do.
	Chain []Certificate
	// Distrust is why the chain is not trusted; empty when it is.
	Distrust string
}
