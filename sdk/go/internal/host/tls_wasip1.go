package host

import (
	"time"

	wit "probity.dev/sdk/internal/wit/imports/probity_check_types"
)

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
