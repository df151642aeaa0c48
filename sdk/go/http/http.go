// Package http is an HTTP client in the shape of net/http's, over the host's.
// The grant lists the URLs (http = ["https://api.internal/*"]) and endpoints
// that the check may use.
//
//	client := http.Client{Endpoint: "shop", Timeout: 500}
//	response, err := client.Get("/orders")
//
// Any status is an answer, not an error.
package http

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
)

// TLSInfo is a TLS session.
type TLSInfo = host.TLSInfo

// Client has what its requests have in common. The zero value is ready to use.
type Client struct {
	// Endpoint is one declared in the host's configuration: base URL,
	// credentials, client certificate and proxy, which the check never sees.
	// URLs are then paths.
	Endpoint string
	// Timeout is for the whole exchange; 0 is what is left of the run.
	Timeout probity.Span
	// MaxRedirects are followed, each checked against the grants; by default a
	// redirect is returned.
	MaxRedirects uint32
	// MaxBodyBytes is the most to read of a body; 0 is the host's cap.
	MaxBodyBytes uint32
	// RequireHTTP2 speaks HTTP/2 or nothing, without TLS as well, as gRPC wants it.
	RequireHTTP2 bool
}

// Header holds the last value of each name.
type Header map[string]string

// Request is one to be sent.
type Request struct {
	// Method in capitals; GET when empty.
	Method string
	// URL is absolute, or a path when the client has an endpoint.
	URL string
	// Header may be nil.
	Header Header
	// Body may be nil.
	Body []byte
}

// Get sends a GET with the defaults.
func Get(url string) (*Response, error) { return (&Client{}).Get(url) }

// Get sends a GET.
func (c *Client) Get(url string) (*Response, error) { return c.Do(&Request{URL: url}) }

// Head sends a HEAD.
func (c *Client) Head(url string) (*Response, error) {
	return c.Do(&Request{Method: "HEAD", URL: url})
}

// Post sends a body.
func (c *Client) Post(url, contentType string, body []byte) (*Response, error) {
	return c.Do(&Request{Method: "POST", URL: url, Header: Header{"content-type": contentType}, Body: body})
}

// PostJSON sends a value as JSON.
func (c *Client) PostJSON(url string, value any) (*Response, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, &probity.Error{Kind: probity.InvalidArgument, Message: err.Error()}
	}
	return c.Post(url, "application/json", body)
}

// Do sends a request and waits for the answer, whatever its status. The error is
// a [probity.Error]: refused, timeout, denied, …
func (c *Client) Do(request *Request) (*Response, error) {
	return send(c, request)
}

// Answer is what became of one of several requests.
type Answer struct {
	// Response is nil when there is an error.
	Response *Response
	// Err is a [probity.Error].
	Err error
}

// DoAll sends all side by side; answers in the same order. What the host does not
// even take is an answer with an error, and the others are sent; DoAll's own
// error is nil.
func (c *Client) DoAll(requests []*Request) ([]Answer, error) { return sendAll(c, requests) }

// Response is an answer, read completely by the host. Its parts are fetched from
// there when asked for.
type Response struct {
	// StatusCode of the answer.
	StatusCode int
	answer     answer
	// url was asked: for messages.
	url string
}

// Version is 1.1 or 2.
func (r *Response) Version() string { return r.answer.version() }

// Header is the first header of this name, in any case; empty when there is none.
// Headers has all of them.
func (r *Response) Header(name string) string { return r.answer.header(name) }

// Headers are all of them in order, names in lower case.
func (r *Response) Headers() [][2]string {
	return r.answer.headers()
}

// Trailers are what came after the body, likewise.
func (r *Response) Trailers() [][2]string {
	return r.answer.trailers()
}

// Bytes is the body, with its content-encoding undone and text in UTF-8. The error
// says that it broke off, took too long, or was too large.
func (r *Response) Bytes() ([]byte, error) { return r.answer.body() }

// Text is the body as text; protocol when it is not UTF-8.
func (r *Response) Text() (string, error) {
	body, err := r.Bytes()
	if err == nil && !utf8.Valid(body) {
		return "", &probity.Error{Kind: probity.Protocol, Message: r.body() + " is not UTF-8"}
	}
	return string(body), err
}

// body names what was read, without what may be secret in an address.
func (r *Response) body() string {
	address, _, _ := strings.Cut(r.url, "?")
	if scheme, rest, found := strings.Cut(address, "://"); found {
		host, path, slash := strings.Cut(rest, "/")
		address = scheme + "://" + host[strings.LastIndex(host, "@")+1:]
		if slash {
			address += "/" + path
		}
	}
	return strings.TrimSuffix("body of "+address, " of ")
}

// JSON reads the body into a pointer; protocol, with the address that was asked,
// when it does not fit. Unlike encoding/json it names a field that the answer
// lacks, or has as null, and does not read it as zero: make a field that may be
// absent a pointer, or give it omitempty.
func (r *Response) JSON(into any) error {
	body, err := r.Bytes()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		what := ": "
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			what = " is no JSON: "
		}
		return &probity.Error{Kind: probity.Protocol, Message: r.body() + what + err.Error()}
	}
	if field := missing(body, reflect.TypeOf(into)); field != "" {
		return &probity.Error{Kind: probity.Protocol, Message: r.body() + ": missing field " + field}
	}
	return nil
}

// Timing is in milliseconds per phase; nil where the phase did not happen.
type Timing struct {
	DNS, Connect, TLS *float64
	FirstByte, Total  float64
}

// Timing tells how long it took.
func (r *Response) Timing() Timing { return r.answer.timing() }

// TLS is the session; nil for plain HTTP.
func (r *Response) TLS() *TLSInfo { return r.answer.tls() }

// RemoteAddress is the address that answered; empty when the host cannot tell.
func (r *Response) RemoteAddress() string { return r.answer.remoteAddress() }
