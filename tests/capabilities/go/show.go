// How what a call returned is shown.
package main

import (
	"fmt"
	"strings"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/http"
	"probity.dev/sdk/tls"
)

// text is none where there is none.
func text(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

// status likewise.
func status(value *probity.Status) string {
	if value == nil {
		return "none"
	}
	return value.String()
}

// optional is a measurement, or the detail none.
func optional[T any](outcome *probity.Outcome, name string, value *T) {
	if value == nil {
		outcome.Detail(name, "none")
	} else {
		outcome.Measure(name, *value, "")
	}
}

func ms(span time.Duration) float64 { return float64(span) / float64(time.Millisecond) }

func hexadecimal(bytes []byte) string { return fmt.Sprintf("%x", bytes) }

// each has 1-, 2- and so on before its names.
func each[T any](outcome *probity.Outcome, prefix string, items []T, show func(*probity.Outcome, string, *T)) {
	for at := range items {
		show(outcome, fmt.Sprintf("%s%d-", prefix, at+1), &items[at])
	}
}

func session(outcome *probity.Outcome, prefix string, info *tls.Info) {
	verified := "yes"
	if info.Distrust != "" {
		verified = info.Distrust
	}
	outcome.
		Detail(prefix+"protocol", info.Protocol).
		Detail(prefix+"cipher", info.Cipher).
		Detail(prefix+"alpn", text(info.ALPN)).
		Measure(prefix+"handshake-ms", ms(info.Handshake), "").
		Detail(prefix+"verified", verified).
		Measure(prefix+"chain", len(info.Chain), "")
	each(outcome, prefix, info.Chain, certificate)
}

func certificate(outcome *probity.Outcome, prefix string, found *tls.Certificate) {
	outcome.
		Detail(prefix+"subject", found.Subject).
		Detail(prefix+"issuer", found.Issuer).
		Detail(prefix+"serial", found.Serial).
		Measure(prefix+"not-before-unix", found.NotBefore.Unix(), "").
		Measure(prefix+"not-after-unix", found.NotAfter.Unix(), "").
		Detail(prefix+"dns-names", strings.Join(found.DNSNames, ", ")).
		Detail(prefix+"sha256", found.SHA256)
}

func answer(outcome *probity.Outcome, prefix string, response *http.Response) error {
	timing := response.Timing()
	body, err := response.Text()
	if err != nil {
		return err
	}
	outcome.
		Measure(prefix+"status", response.StatusCode, "").
		Detail(prefix+"version", response.Version()).
		Detail(prefix+"headers", headers(response.Headers())).
		Detail(prefix+"content-type", text(response.Header("Content-Type"))).
		Detail(prefix+"x-absent", text(response.Header("x-absent"))).
		Detail(prefix+"body", body).
		Detail(prefix+"trailers", headers(response.Trailers())).
		Measure(prefix+"first-byte-ms", timing.FirstByte, "").
		Measure(prefix+"total-ms", timing.Total, "").
		Detail(prefix+"remote-address", text(response.RemoteAddress()))
	optional(outcome, prefix+"dns-ms", timing.DNS)
	optional(outcome, prefix+"connect-ms", timing.Connect)
	optional(outcome, prefix+"tls-ms", timing.TLS)
	if info := response.TLS(); info != nil {
		session(outcome, prefix+"tls-", info)
	} else {
		outcome.Detail(prefix+"tls", "none")
	}
	return nil
}

func headers(found [][2]string) string {
	lines := make([]string, 0, len(found))
	for _, header := range found {
		lines = append(lines, header[0]+": "+header[1])
	}
	return strings.Join(lines, ", ")
}
