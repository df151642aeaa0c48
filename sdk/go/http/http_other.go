//go:build !wasip1

package http

import (
	"fmt"
	"slices"
	"strings"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func send(c *Client, request *Request) (*Response, error) {
	sent := fake.Request{
		Method: request.Method, URL: request.URL, Endpoint: c.Endpoint, Header: map[string]string{}, Body: request.Body,
		Timeout: c.Timeout, MaxRedirects: c.MaxRedirects, MaxBodyBytes: c.MaxBodyBytes, RequireHTTP2: c.RequireHTTP2,
	}
	if sent.Method == "" {
		sent.Method = "GET"
	}
	for name, value := range request.Header {
		sent.Header[strings.ToLower(name)] = value
	}
	fake.Current().Did(func(deeds *fake.Deeds) { deeds.Requests = append(deeds.Requests, sent) })
	asked := sent.Method + " " + sent.URL
	if sent.Endpoint != "" {
		asked = sent.Method + " " + sent.Endpoint + ":" + sent.URL
	}
	reply, err := fake.Ask[fake.Reply](asked, probity.Refused)
	if err != nil {
		return nil, err
	}
	if reply.Status == 0 {
		reply.Status = 200
	}
	return &Response{StatusCode: reply.Status, answer: answer{reply, sent}, url: request.URL}, nil
}

func sendAll(c *Client, requests []*Request) ([]Answer, error) {
	answers := make([]Answer, 0, len(requests))
	for _, request := range requests {
		response, err := send(c, request)
		answers = append(answers, Answer{response, err})
	}
	return answers, nil
}

// answer is what the test says, to what the check sent.
type answer struct {
	reply fake.Reply
	sent  fake.Request
}

func (a answer) version() string {
	if a.sent.RequireHTTP2 {
		return "2"
	}
	return "1.1"
}

func (a answer) header(name string) string {
	for _, header := range a.headers() {
		if header[0] == strings.ToLower(name) {
			return header[1]
		}
	}
	return ""
}

func (a answer) headers() [][2]string { return sorted(a.reply.Header) }

func (a answer) trailers() [][2]string { return sorted(a.reply.Trailer) }

func (a answer) body() ([]byte, error) {
	if limit := a.sent.MaxBodyBytes; limit != 0 && len(a.reply.Body) > int(limit) {
		return nil, &probity.Error{Kind: probity.TooLarge, Message: fmt.Sprintf("the body is larger than %d bytes", limit)}
	}
	return []byte(a.reply.Body), nil
}

func (a answer) remoteAddress() string { return "192.0.2.1:80" }

func (a answer) timing() Timing {
	total := a.reply.TotalMs
	if total == 0 {
		total = 1
	}
	return Timing{FirstByte: total, Total: total}
}

func (a answer) tls() *TLSInfo { return a.reply.TLS }

// sorted has names in lower case, in order.
func sorted(headers map[string]string) [][2]string {
	made := make([][2]string, 0, len(headers))
	for name, value := range headers {
		made = append(made, [2]string{strings.ToLower(name), value})
	}
	slices.SortFunc(made, func(one, other [2]string) int { return strings.Compare(one[0], other[0]) })
	return made
}
