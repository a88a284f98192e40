package mailtest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider is a mail service with an API like that of many: one request for a message, and a key that takes out copies.
type provider struct {
	mu     sync.Mutex
	mode   mailtest.Answer
	over   chan struct{}
	turn   chan struct{} // a lock, for mutants
	copies bool          // it keeps copies instead of taking them out
	got    map[string][]mailtest.Arrival
	keys   map[string]bool
	send   func(p *provider, ctx context.Context, m mail.Message) error // nil: as it should be
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{got: map[string][]mailtest.Arrival{}, keys: map[string]bool{}, over: make(chan struct{}), turn: make(chan struct{}, 1)}
	t.Cleanup(func() { close(p.over) })
	return p
}

func (p *provider) Send(ctx context.Context, m mail.Message) error {
	if p.send != nil {
		return p.send(p, ctx, m)
	}
	return p.post(ctx, p.request(m))
}

// request is what a good Mailer asks for.
func (p *provider) request(m mail.Message) mailtest.Arrival {
	from := m.From
	if from.Address == "" {
		from.Address = "no-reply@willow.example"
	}
	for _, s := range []*string{&from.Name, &m.Subject} {
		*s = strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, *s)
	}
	return mailtest.Arrival{Recipients: []string{m.To}, Key: m.ID, From: from, Subject: m.Subject, Text: m.Text, HTML: m.HTML}
}

func (p *provider) post(ctx context.Context, a mailtest.Arrival) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	mode := p.mode
	p.mu.Unlock()
	switch mode {
	case mailtest.Refuse:
		return mail.Permanent(errors.New("422"))
	case mailtest.Defer:
		return errors.New("503")
	case mailtest.Hang:
		<-ctx.Done()
		return ctx.Err()
	case mailtest.Accept, mailtest.Lose:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.copies || !p.keys[a.Key] {
		p.keys[a.Key] = true
		for _, to := range a.Recipients {
			p.got[to] = append(p.got[to], a)
		}
	}
	if mode == mailtest.Lose {
		return errors.New("the connection broke")
	}
	return nil
}

func (p *provider) harness() mailtest.Harness {
	return mailtest.Harness{
		Mailer: p,
		Arrived: func(_ testing.TB, to string) []mailtest.Arrival {
			p.mu.Lock()
			defer p.mu.Unlock()
			return append([]mailtest.Arrival(nil), p.got[to]...)
		},
		Answer: func(_ testing.TB, a mailtest.Answer) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.mode = a
			return true
		},
	}
}

func TestTest(t *testing.T) {
	t.Parallel()
	t.Run("a provider that takes out copies", func(t *testing.T) {
		t.Parallel()
		mailtest.Test(t, newProvider(t).harness())
	})
	t.Run("a provider that keeps copies", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		p.copies = true
		mailtest.Test(t, p.harness())
	})
	t.Run("without Answer the rules that need one are skipped, and only these", func(t *testing.T) {
		t.Parallel()
		skipped := 0
		for _, rule := range mailtest.Rules() {
			h := newProvider(t).harness()
			h.Answer = nil
			if said := mailtest.Failure(t, h, rule); said != "" {
				require.Equal(t, "skipped", said)
				skipped++
			}
		}
		require.Equal(t, 5, skipped)
	})
	for name, h := range map[string]mailtest.Harness{"Mailer": {Arrived: func(testing.TB, string) []mailtest.Arrival { return nil }}, "Arrived": {Mailer: new(mailtest.Recorder)}} {
		t.Run("a harness without "+name+" says so", func(t *testing.T) {
			t.Parallel()
			require.Contains(t, mailtest.Failure(t, h, mailtest.Rules()[0]), "Harness."+name)
		})
	}
}

// hidden is an error that no longer says what it is.
func hidden(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("no")
}

// changed is a Mailer that asks for something else than it should.
func changed(change func(m mail.Message, a *mailtest.Arrival)) func(*provider, context.Context, mail.Message) error {
	return func(p *provider, ctx context.Context, m mail.Message) error {
		a := p.request(m)
		change(m, &a)
		return p.post(ctx, a)
	}
}

// Each rule is seen to fail by a Mailer that breaks it.
func TestRun_Mutants(t *testing.T) {
	t.Parallel()
	type arrival = mailtest.Arrival
	mutants := []struct {
		name, rule, want string
		send             func(*provider, context.Context, mail.Message) error
		copies           bool
	}{
		{"sends nothing", "a message arrives as it is, for its one recipient", "0 messages", func(*provider, context.Context, mail.Message) error { return nil }, false},
		{"sends everything twice", "a message arrives as it is, for its one recipient", "2 messages", func(p *provider, ctx context.Context, m mail.Message) error {
			return errors.Join(p.post(ctx, p.request(m)), p.post(ctx, p.request(m)))
		}, true},
		{"copies the host", "a message arrives as it is, for its one recipient", "one recipient", changed(func(_ mail.Message, a *arrival) { a.Recipients = append(a.Recipients, "boss@x.example") }), false},
		{"has no key", "a message arrives as it is, for its one recipient", "no key", changed(func(_ mail.Message, a *arrival) { a.Key = "" }), false},
		{"drops the page", "a message arrives as it is, for its one recipient", "page", changed(func(_ mail.Message, a *arrival) { a.HTML = "" }), false},
		{"makes a page of text", "a message without a page arrives as text alone", "page", changed(func(_ mail.Message, a *arrival) { a.HTML = "<pre>" + a.Text + "</pre>" }), false},
		{"sends the page as text", "a message arrives as it is, for its one recipient", "text", changed(func(_ mail.Message, a *arrival) { a.Text = a.HTML }), false},
		{"eats leading dots", "words of every kind arrive as they are", "text", changed(func(_ mail.Message, a *arrival) { a.Text = strings.ReplaceAll(a.Text, "\n.", "\n") }), false},
		{"stops at a lone dot", "words of every kind arrive as they are", "text", changed(func(_ mail.Message, a *arrival) { a.Text, _, _ = strings.Cut(a.Text, "\n.\n") }), false},
		{"breaks long lines", "words of every kind arrive as they are", "arrived as", changed(func(_ mail.Message, a *arrival) {
			if len(a.Text) > 998 {
				a.Text = a.Text[:998] + "\n" + a.Text[998:]
			}
		}), false},
		{"knows only ASCII", "words of every kind arrive as they are", "subject", changed(func(_ mail.Message, a *arrival) {
			a.Subject = strings.Map(func(r rune) rune { return min(r, '~') }, a.Subject)
		}), false},
		{"decodes what is not encoded", "words of every kind arrive as they are", "subject", changed(func(_ mail.Message, a *arrival) {
			a.Subject = strings.ReplaceAll(a.Subject, "=?utf-8?q?looks_encoded?=", "looks encoded")
		}), false},
		{"escapes From", "words of every kind arrive as they are", "text", changed(func(_ mail.Message, a *arrival) {
			if strings.HasPrefix(a.Text, "From ") {
				a.Text = ">" + a.Text
			}
		}), false},
		{"lets a name bring in a recipient", "no field brings in a recipient or a line of its own", "recipient", changed(func(m mail.Message, a *arrival) {
			if strings.Contains(m.ToName, "Bcc:") {
				a.Recipients = append(a.Recipients, "eve@mailtest.example")
			}
		}), false},
		{"lets a subject have lines", "no field brings in a recipient or a line of its own", "inside a header", changed(func(m mail.Message, a *arrival) { a.Subject = m.Subject }), false},
		{"tries for ever what it cannot build", "no field brings in a recipient or a line of its own", "must be permanent", func(p *provider, ctx context.Context, m mail.Message) error {
			if strings.Contains(m.Subject, "\n") {
				return errors.New("bad subject")
			}
			return p.post(ctx, p.request(m))
		}, false},
		{"is always the product", "the sender is the product, unless the message names another", "arrived from", changed(func(_ mail.Message, a *arrival) {
			a.From = mail.Sender{Name: a.From.Name, Address: "no-reply@willow.example"}
		}), false},
		{"drops the sender's name", "the sender is the product, unless the message names another", "name", changed(func(_ mail.Message, a *arrival) { a.From.Name = "" }), false},
		{"has a key of its own each time", "the key follows from the ID alone", "the same ID", changed(func() func(mail.Message, *arrival) {
			n := 0
			return func(_ mail.Message, a *arrival) { n++; a.Key += strings.Repeat("x", n) }
		}()), false},
		{"makes the key of more than the ID", "the key follows from the ID alone", "the same ID", changed(func(m mail.Message, a *arrival) { a.Key += m.Subject }), true},
		{"folds the case of keys", "different IDs have different keys", "the same key", changed(func(_ mail.Message, a *arrival) { a.Key = strings.ToLower(a.Key) }), true},
		{"cuts long keys", "different IDs have different keys", "the same key", changed(func(_ mail.Message, a *arrival) { a.Key = a.Key[:min(len(a.Key), 64)] }), true},
		{"drops what keys cannot have", "different IDs have different keys", "the same key", changed(func(_ mail.Message, a *arrival) { a.Key = strings.Trim(a.Key, ".") }), true},
		{"shares one message among goroutines", "many messages at once arrive once each, with their own words", "", func() func(*provider, context.Context, mail.Message) error {
			var mu sync.Mutex
			var shared mail.Message
			return func(p *provider, ctx context.Context, m mail.Message) error {
				mu.Lock()
				shared = m
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				a := p.request(shared)
				mu.Unlock()
				a.Key = m.ID
				return p.post(ctx, a)
			}
		}(), false},
		{"waits for ever beside others", "many messages at once arrive once each, with their own words", "wait for each other", func(p *provider, ctx context.Context, m mail.Message) error {
			select {
			case p.turn <- struct{}{}:
			default:
				<-p.over
				return errors.New("over")
			}
			defer func() { <-p.turn }()
			time.Sleep(time.Millisecond)
			return p.post(ctx, p.request(m))
		}, false},
		{"says sent when its context was over", "nothing is said to be sent whose context was over, unless it was", "nobody accepted", func(p *provider, ctx context.Context, m mail.Message) error {
			err := p.post(ctx, p.request(m))
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return err
		}, false},
		{"gives up when its context was over", "nothing is said to be sent whose context was over, unless it was", "not permanent", func(p *provider, ctx context.Context, m mail.Message) error {
			return mail.Permanent(p.post(ctx, p.request(m)))
		}, false},
		{"tries for ever what is refused", "a refusal for good is permanent", "tried again", func(p *provider, ctx context.Context, m mail.Message) error {
			return hidden(p.post(ctx, p.request(m)))
		}, false},
		{"says sent when it is refused", "a refusal for good is permanent", "returned nil", func(p *provider, ctx context.Context, m mail.Message) error {
			_ = p.post(ctx, p.request(m))
			return nil
		}, false},
		{"says sent when it is put off", "a refusal for now is an error, and not permanent", "returned nil", func(p *provider, ctx context.Context, m mail.Message) error {
			_ = p.post(ctx, p.request(m))
			return nil
		}, false},
		{"gives up when it is put off", "a refusal for now is an error, and not permanent", "never be tried", func(p *provider, ctx context.Context, m mail.Message) error {
			return mail.Permanent(p.post(ctx, p.request(m)))
		}, false},
		{"ignores its context", "Send comes back soon after its context is done", "did not come back", func(p *provider, _ context.Context, _ mail.Message) error {
			<-p.over
			return nil
		}, false},
		{"gives up when nobody answers", "Send comes back soon after its context is done", "never be tried", func(p *provider, ctx context.Context, m mail.Message) error {
			return mail.Permanent(p.post(ctx, p.request(m)))
		}, false},
		{"waits for a lock and not for its context", "many at once come back soon after their contexts are done", "beside others", func(p *provider, ctx context.Context, m mail.Message) error {
			p.turn <- struct{}{}
			defer func() { <-p.turn }()
			select {
			case <-p.over:
			case <-time.After(2 * time.Second):
			}
			return p.post(ctx, p.request(m))
		}, false},
		{"says sent when the answer is lost", "a lost answer is worth trying again, with the same key", "without an answer", func(p *provider, ctx context.Context, m mail.Message) error {
			_ = p.post(ctx, p.request(m))
			return nil
		}, false},
		{"gives up when the answer is lost", "a lost answer is worth trying again, with the same key", "never be tried", func(p *provider, ctx context.Context, m mail.Message) error {
			return mail.Permanent(p.post(ctx, p.request(m)))
		}, false},
	}
	broken := map[string]bool{}
	for _, c := range mutants {
		broken[c.rule] = true
		t.Run("a Mailer that "+c.name+" fails", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // the rules' limits pass at once
				p := newProvider(t)
				p.send, p.copies = c.send, c.copies
				said := mailtest.Failure(t, p.harness(), c.rule)
				require.NotEmpty(t, said, "the suite does not see it")
				require.Contains(t, said, c.want)
			})
		})
	}
	for _, rule := range mailtest.Rules() {
		if !broken[rule] && !strings.HasPrefix(rule, "after all") {
			t.Errorf("nothing breaks the rule %q", rule)
		}
	}
}
