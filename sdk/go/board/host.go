package board

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bodyBytesMax is how much of the host's answer is read; a board of thousands
// of checks is asked for its summary.
const bodyBytesMax = 1 << 20

// host is where requests go, one connection each: what is kept open grows stale.
type host struct {
	address *url.URL
	token   string
	client  *http.Client
}

func newHost(text, token string) (*host, error) {
	address, err := parseAddress(text)
	if err != nil {
		return nil, err
	}
	// No proxy: the host is beside the service. A board does not redirect.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &host{address, token, &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// name is the address for messages: without what may be secret in it.
func (h *host) name() string {
	shown := url.URL{Scheme: h.address.Scheme, Host: h.address.Host, Path: h.address.Path}
	return strings.TrimRight(shown.String(), "/")
}

// get asks and reads: status, body and the type that it has.
func (h *host) get(path string, timeout time.Duration) (int, []byte, string, error) {
	return h.exchange(http.MethodGet, path, "", timeout)
}

func (h *host) post(path, body string, timeout time.Duration) error {
	_, _, _, err := h.exchange(http.MethodPost, path, body, timeout)
	return err
}

func (h *host) exchange(method, path, body string, timeout time.Duration) (int, []byte, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	to := strings.TrimRight(h.address.String(), "/") + path
	request, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	request.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "text/plain")
	}
	if h.token != "" {
		request.Header.Set("Authorization", "Bearer "+h.token)
	}
	response, err := h.client.Do(request)
	if err != nil {
		return 0, nil, "", inner(err, timeout)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, bodyBytesMax+1))
	if err == nil && len(text) > bodyBytesMax {
		err = fmt.Errorf("the answer is longer than %d bytes", bodyBytesMax)
	}
	if err != nil {
		return 0, nil, "", inner(err, timeout)
	}
	kind := response.Header.Get("Content-Type")
	return response.StatusCode, text, kind, nil
}

// inner is what went wrong, without the address, which the operator knows.
func inner(err error, timeout time.Duration) error {
	var sent *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in %v", timeout)
	case errors.As(err, &sent):
		return sent.Err
	default:
		return err
	}
}
