package http

import (
	"strings"

	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_http"
	types "probity.dev/sdk/internal/wit/imports/probity_check_types"
)

func send(c *Client, request *Request) (*Response, error) {
	prepared, err := c.prepare(request)
	if err != nil {
		return nil, err
	}
	return answered(prepared.Send(), request.URL)
}

func sendAll(c *Client, requests []*Request) ([]Answer, error) {
	answers := make([]Answer, len(requests))
	var prepared []*wit.Request
	// Which answer each of the prepared is.
	var places []int
	for at, request := range requests {
		made, err := c.prepare(request)
		if err != nil {
			answers[at].Err = err
			continue
		}
		prepared, places = append(prepared, made), append(places, at)
	}
	for at, result := range wit.SendAll(prepared) {
		response, err := answered(result, requests[places[at]].URL)
		answers[places[at]] = Answer{response, err}
	}
	return answers, nil
}

func (c *Client) prepare(request *Request) (*wit.Request, error) {
	method := request.Method
	if method == "" {
		method = "GET"
	}
	made := wit.MakeRequest(method, request.URL)
	if c.Endpoint != "" {
		if err := host.Done(made.UseEndpoint(c.Endpoint)); err != nil {
			return nil, err
		}
	}
	for name, value := range request.Header {
		if err := host.Done(made.SetHeader(strings.ToLower(name), []byte(value))); err != nil {
			return nil, err
		}
	}
	if request.Body != nil {
		made.SetBody(request.Body)
	}
	if c.Timeout != 0 {
		made.SetTimeoutMs(host.Milliseconds(c.Timeout))
	}
	if c.MaxRedirects != 0 {
		made.SetMaxRedirects(c.MaxRedirects)
	}
	if c.MaxBodyBytes != 0 {
		made.SetMaxBodyBytes(c.MaxBodyBytes)
	}
	if c.RequireHTTP2 {
		made.RequireHttp2()
	}
	return made, nil
}

func answered(result witTypes.Result[*wit.Response, types.Error], url string) (*Response, error) {
	response, err := host.Result(result)
	if err != nil {
		return nil, err
	}
	return &Response{StatusCode: int(response.Status()), answer: answer{response}, url: url}, nil
}

// answer is the host's; its parts are fetched from there.
type answer struct{ response *wit.Response }

func (a answer) version() string { return a.response.Version() }

func (a answer) header(name string) string { return string(a.response.Header(name).SomeOr(nil)) }

func (a answer) headers() [][2]string { return pairs(a.response.Headers()) }

func (a answer) trailers() [][2]string { return pairs(a.response.Trailers()) }

func (a answer) body() ([]byte, error) { return host.Result(a.response.Body()) }

func (a answer) remoteAddress() string { return a.response.RemoteAddress().SomeOr("") }

func (a answer) timing() Timing {
	timing := a.response.Timing()
	return Timing{
		DNS: host.Pointer(timing.DnsMs), Connect: host.Pointer(timing.ConnectMs), TLS: host.Pointer(timing.TlsMs),
		FirstByte: timing.FirstByteMs, Total: timing.TotalMs,
	}
}

func (a answer) tls() *TLSInfo {
	option := a.response.Tls()
	if option.IsNone() {
		return nil
	}
	return host.TLS(option.Some())
}

func pairs(headers []witTypes.Tuple2[string, []uint8]) [][2]string {
	var made [][2]string
	for _, header := range headers {
		made = append(made, [2]string{header.F0, string(header.F1)})
	}
	return made
}
