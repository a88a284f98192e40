package mail_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

// pieces keeps what each call of Write got; it is not safe for concurrent use.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriter_Send(t *testing.T) {
	t.Parallel()
	t.Run("controls that drive a terminal are shown and not sent", func(t *testing.T) {
		t.Parallel()
		var p pieces
		m := message("m1", func(m *mail.Message) {
			m.ToName, m.Subject, m.Text = "A\x1b]0;x\a", "a\r\nb", "c\x1b[2J\nd\u202ee\xff ü\n"
		})
		require.NoError(t, mail.NewWriter(&p).Send(t.Context(), m))
		require.NotRegexp(t, "[\x00-\x09\x0b-\x1f\x7f\u202e]", p[0])
		require.Contains(t, p[0], `Subject: a\r\nb`)
		require.Contains(t, p[0], "\nc\\x1b[2J\nd\\u202ee")
		require.Contains(t, p[0], " ü\n")
	})
	t.Run("messages do not run into each other", func(t *testing.T) {
		t.Parallel()
		var p pieces
		w := mail.NewWriter(&p)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _ = w.Send(t.Context(), message("m1")) })
		}
		wg.Wait()
		require.Len(t, p, 20)
	})
	t.Run("a failing writer is worth another attempt", func(t *testing.T) {
		t.Parallel()
		err := mail.NewWriter(broken{}).Send(t.Context(), message("m1"))
		require.ErrorContains(t, err, "disk full")
		require.False(t, mail.IsPermanent(err))
	})
	t.Run("nothing is printed once the context is done", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var p pieces
		require.ErrorIs(t, mail.NewWriter(&p).Send(ctx, message("m1")), context.Canceled)
		require.Empty(t, p)
	})
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	t.Run("it keeps what it accepts, by recipient", func(t *testing.T) {
		t.Parallel()
		var r mailtest.Recorder
		to := func(a string) func(*mail.Message) { return func(m *mail.Message) { m.To = a } }
		for _, m := range []mail.Message{message("1", to("a@x")), message("2", to("b@x")), message("3", to("a@x"))} {
			require.NoError(t, r.Send(t.Context(), m))
		}
		require.Equal(t, []string{"1", "2", "3"}, ids(r.Messages()))
		require.Equal(t, []string{"1", "3"}, ids(r.To("a@x")))
		m, ok := r.Last("a@x")
		require.True(t, ok)
		require.Equal(t, "3", m.ID)
		r.Reset()
		_, ok = r.Last("a@x")
		require.False(t, ok)
	})
	t.Run("what it refuses it does not keep", func(t *testing.T) {
		t.Parallel()
		var r mailtest.Recorder
		r.FailWith(failing(mail.Permanent(errors.New("no"))))
		require.True(t, mail.IsPermanent(r.Send(t.Context(), message("1"))))
		require.Empty(t, r.Messages())
		r.FailWith(nil)
		require.NoError(t, r.Send(t.Context(), message("1")))
	})
}

func TestLink(t *testing.T) {
	t.Parallel()
	m := mail.Message{Text: "See\n\nhttps://help.example/x\n\nhttps://app.example/r/creq_A\n" + strings.Repeat("x", 9)}
	got, ok := mailtest.Link(m, "https://app.example/r/")
	require.True(t, ok)
	require.Equal(t, "https://app.example/r/creq_A", got)
	_, ok = mailtest.Link(m, "https://other.example/")
	require.False(t, ok)
}
