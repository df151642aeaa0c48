// Other machines: http, tcp, tls, udp and dns.
package main

import (
	"errors"
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/dns"
	"probity.dev/sdk/http"
	"probity.dev/sdk/tcp"
	"probity.dev/sdk/tls"
	"probity.dev/sdk/udp"
)

func getStats(outcome *probity.Outcome) error { return get(outcome, "http://shop.test/stats") }

func getSession(outcome *probity.Outcome) error { return get(outcome, "https://shop.test/") }

func get(outcome *probity.Outcome, url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	return answer(outcome, "", response)
}

func sendOrder(outcome *probity.Outcome) error {
	client := http.Client{Endpoint: "shop", Timeout: 250, MaxRedirects: 2, MaxBodyBytes: 64, RequireHTTP2: true}
	response, err := client.Do(&http.Request{
		Method: "POST",
		URL:    "/orders",
		Header: http.Header{"content-type": "application/json", "x-trace": "7"},
		Body:   []byte(`{"dry-run":true}`),
	})
	if err != nil {
		return err
	}
	return answer(outcome, "", response)
}

func askBoth(outcome *probity.Outcome) error {
	client := http.Client{}
	answers, err := client.DoAll([]*http.Request{{URL: "http://a.test/"}, {Method: "HEAD", URL: "http://b.test/"}})
	if err != nil {
		return err
	}
	for at, one := range answers {
		prefix := fmt.Sprintf("%d-", at+1)
		var refused *probity.Error
		if errors.As(one.Err, &refused) {
			outcome.Detail(prefix+"error", string(refused.Kind))
		} else if err := answer(outcome, prefix, one.Response); err != nil {
			return err
		}
	}
	return nil
}

func talk(outcome *probity.Outcome) error {
	socket, err := tcp.Connect("mail.test", 25, 500)
	if err != nil {
		return err
	}
	defer socket.Close()
	line, err := socket.ReadUntil([]byte("\n"), 64, 0)
	if err != nil {
		return err
	}
	if err := socket.Write([]byte("EHLO probity\r\n")); err != nil {
		return err
	}
	outcome.
		Measure("connect-ms", socket.ConnectMs(), "").
		Detail("remote-address", socket.RemoteAddress()).
		Detail("line", hexadecimal(line))
	for _, part := range []struct {
		name  string
		limit uint32
	}{{"some", 3}, {"rest", 64}, {"end", 64}} {
		bytes, err := socket.Read(part.limit, 0)
		if err != nil {
			return err
		}
		outcome.Detail(part.name, hexadecimal(bytes))
	}
	return nil
}

func talkSecretly(outcome *probity.Outcome) error {
	socket, err := tcp.Connect("mail.test", 25, 0)
	if err != nil {
		return err
	}
	defer socket.Close()
	if _, err := socket.ReadUntil([]byte("\n"), 64, 0); err != nil {
		return err
	}
	if err := socket.Write([]byte("STARTTLS\r\n")); err != nil {
		return err
	}
	if _, err := socket.ReadUntil([]byte("\n"), 64, 0); err != nil {
		return err
	}
	info, err := socket.StartTLS("mail.example.org", "office", 500)
	if err != nil {
		return err
	}
	session(outcome, "", info)
	if err := socket.Write([]byte("QUIT\r\n")); err != nil {
		return err
	}
	inside, err := socket.Read(64, 0)
	outcome.Detail("inside", hexadecimal(inside))
	return err
}

func inspect(outcome *probity.Outcome) error {
	info, err := tls.Inspect("shop.test", 443, "www.shop.test")
	if err != nil {
		return err
	}
	session(outcome, "", info)
	return nil
}

func inspectTrusting(outcome *probity.Outcome) error {
	info, err := tls.InspectTrusting("shop.test", 443, "", "office")
	if err != nil {
		return err
	}
	session(outcome, "", info)
	return nil
}

func inspectNamed(outcome *probity.Outcome) error {
	found, err := tls.InspectNamed("office")
	outcome.Measure("certificates", len(found), "")
	each(outcome, "", found, certificate)
	return err
}

func exchange(outcome *probity.Outcome) error {
	reply, err := udp.Exchange("time.test", 123, []byte{0x1b, 0x00, 0xff}, 4, 500)
	if err != nil {
		return err
	}
	outcome.
		Detail("payload", hexadecimal(reply.Payload)).
		Detail("remote-address", reply.RemoteAddress).
		Measure("elapsed-ms", ms(reply.Elapsed), "").
		Measure("received-unix-ms", reply.Received.UnixMilli(), "")
	return nil
}

func resolve(outcome *probity.Outcome) error { return records(outcome, "A", "") }

func resolveInside(outcome *probity.Outcome) error { return records(outcome, "MX", "inside") }

func records(outcome *probity.Outcome, recordType, server string) error {
	found, err := dns.Resolve("shop.test", recordType, server)
	outcome.Measure("answers", len(found), "")
	each(outcome, "", found, func(outcome *probity.Outcome, prefix string, found *dns.Answer) {
		outcome.Detail(prefix+"data", found.Data).Measure(prefix+"ttl", found.TTL, "")
	})
	return err
}
