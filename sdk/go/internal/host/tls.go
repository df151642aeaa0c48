package host

import (
	"time"

	wit "probity.dev/sdk/internal/wit/imports/probity_check_types"
)

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
	// Chain as sent, leaf first.
	Chain []Certificate
	// Distrust is why the chain is not trusted; empty when it is.
	Distrust string
}

// TLS is the contract's session as the kit has it.
func TLS(info wit.TlsInfo) *TLSInfo {
	made := &TLSInfo{
		Protocol: info.Protocol, Cipher: info.Cipher, ALPN: info.Alpn.SomeOr(""),
		Handshake: time.Duration(info.HandshakeMs * float64(time.Millisecond)), Chain: Certificates(info.Chain),
	}
	if info.Verified.IsErr() {
		made.Distrust = info.Verified.Err()
	}
	return made
}

// Certificates are the contract's as the kit has them.
func Certificates(chain []wit.Certificate) []Certificate {
	made := make([]Certificate, 0, len(chain))
	for _, found := range chain {
		made = append(made, Certificate{
			Subject: found.Subject, Issuer: found.Issuer, Serial: found.Serial, SHA256: found.Sha256,
			NotBefore: time.Unix(found.NotBeforeUnix, 0), NotAfter: time.Unix(found.NotAfterUnix, 0),
			DNSNames: found.DnsNames,
		})
	}
	return made
}
