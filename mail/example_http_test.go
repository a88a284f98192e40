package mail_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// api is a Mailer for a provider that takes mail over HTTP.
type api struct {
	url    string
	key    string
	from   mail.Sender // the product, for messages that name no other sender
	client *http.Client
}

// Send posts one message.
func (a *api) Send(ctx context.Context, m mail.Message) error {
	from := m.From // the account itself, whose domain the provider must know as the host's
	if from.Address == "" {
		from = mail.Sender{Name: cmp.Or(from.Name, a.from.Name), Address: a.from.Address}
	}
	body, err := json.Marshal(map[string]any{
		"from": from.Address, "from_name": from.Name,
		"to": m.To, "to_name": m.ToName, "subject": m.Subject, "text": m.Text, "html": m.HTML,
		"template": m.Kind, "data": m.Data, // for templates that lie with the provider; most send the one or the other
	})
	if err != nil {
		return mail.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return mail.Permanent(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", url.QueryEscape(m.ID)) // the same message is one message, however often it is posted
	res, err := a.client.Do(req)
	if err != nil {
		return err // the answer was lost: the dispatcher tries again
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection is used again
	err = errors.New("the provider answers " + res.Status)
	switch code := res.StatusCode; {
	case code < 300:
		return nil
	case code == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return mail.RetryAfter(err, time.Duration(seconds)*time.Second)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusRequestTimeout, code >= 500:
		return err // the host's key, or the provider's trouble: nothing is wrong with the message
	default:
		return mail.Permanent(err)
	}
}

// A provider with an HTTP API. Its answer says whether to try again.
func ExampleMailer_overHTTP() {
	seen := map[string]bool{}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ From, To, Subject, Text, HTML string }
		_ = json.NewDecoder(r.Body).Decode(&m)
		id := r.Header.Get("Idempotency-Key")
		switch {
		case m.To == "nobody@willow.example":
			w.WriteHeader(http.StatusUnprocessableEntity)
		case !seen[id]:
			seen[id] = true
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			fmt.Println("accepted", id, m.Subject, "from", m.From, len(m.HTML) > 0)
		}
	}))
	defer provider.Close()
	client := provider.Client()
	defer client.CloseIdleConnections()

	store := newOutbox(message("m1"), message("m3", func(m *mail.Message) { m.From = mail.Sender{Name: "Elm", Address: "hello@elm.example"} }), message("m2", func(m *mail.Message) { m.To = "nobody@willow.example" }))
	clock := &jumpy{} // the system's, in a program
	product := mail.Sender{Name: "Letterbird", Address: "mail@letterbird.example"}
	dispatcher, err := mail.NewDispatcher(store, &api{provider.URL, "key", product, client}, &mail.DispatcherOptions{Clock: clock, Workers: 1})
	if err != nil {
		panic(err)
	}
	for range 2 {
		report, err := dispatcher.Flush(context.Background())
		fmt.Println("sent", report.Sent, "retried", report.Retried, "dead", report.Dead, err)
		clock.jump(time.Minute)
	}
	// Output:
	// sent 0 retried 2 dead 1 <nil>
	// accepted m1 A subject from mail@letterbird.example true
	// accepted m3 A subject from hello@elm.example true
	// sent 2 retried 0 dead 0 <nil>
}
