package mail_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

// provider is the other end of the example's Mailer.
type provider struct {
	mu     sync.Mutex
	answer mailtest.Answer
	got    []mailtest.Arrival
}

// ServeHTTP takes one message. A key that was there before takes out the copy.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		From     string `json:"from"`
		FromName string `json:"from_name"`
		To       string `json:"to"`
		ToName   string `json:"to_name"`
		Subject  string `json:"subject"`
		Text     string `json:"text"`
		HTML     string `json:"html"`
	}
	err := json.NewDecoder(r.Body).Decode(&m)
	a := mailtest.Arrival{
		Recipients: []string{m.To}, Key: r.Header.Get("Idempotency-Key"), From: mail.Sender{Name: m.FromName, Address: m.From},
		Subject: m.Subject, Text: m.Text, HTML: m.HTML,
	}
	p.mu.Lock()
	answer := p.answer
	p.mu.Unlock()
	switch {
	case err != nil || answer == mailtest.Refuse || strings.ContainsAny(m.FromName+m.ToName+m.Subject, "\r\n"):
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	case answer == mailtest.Defer:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case answer == mailtest.Hang:
		<-r.Context().Done()
		return
	}
	p.mu.Lock()
	if !slices.ContainsFunc(p.got, func(b mailtest.Arrival) bool { return b.Key == a.Key }) {
		p.got = append(p.got, a)
	}
	p.mu.Unlock()
	if answer == mailtest.Lose {
		panic(http.ErrAbortHandler)
	}
}

// The example of a Mailer over HTTP is one that hosts copy: it keeps every promise.
func TestExampleMailer_overHTTP(t *testing.T) {
	t.Parallel()
	p := &provider{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	client := server.Client()
	t.Cleanup(client.CloseIdleConnections)
	mailtest.Test(t, mailtest.Harness{
		Mailer: &api{server.URL, "key", mail.Sender{Name: "Letterbird", Address: "mail@letterbird.example"}, client},
		Arrived: func(_ testing.TB, to string) []mailtest.Arrival {
			p.mu.Lock()
			defer p.mu.Unlock()
			return slices.DeleteFunc(slices.Clone(p.got), func(a mailtest.Arrival) bool { return a.Recipients[0] != to })
		},
		Answer: func(_ testing.TB, a mailtest.Answer) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.answer = a
			return true
		},
	})
}
