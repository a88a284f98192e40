package mailtest_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

func TestRecorder(t *testing.T) {
	t.Parallel()
	letter := mail.Message{
		ID: "1", Channel: mail.Email, To: "ada@willow.example", Text: "Hello\n\nhttps://app.example/l/creq_1\n",
		HTML: `<a href="https://app.example/l/creq_1">Open</a>`,
	}
	code := mail.Message{ID: "2", Channel: mail.SMS, To: "+4915112345678", Text: "123456\n", Data: mail.Data{Code: "123456"}}

	t.Run("mail and text messages are kept as they are, and found by whom they went to", func(t *testing.T) {
		t.Parallel()
		var r mailtest.Recorder
		require.NoError(t, r.Send(t.Context(), letter))
		require.NoError(t, r.Send(t.Context(), code))
		require.Equal(t, []mail.Message{letter, code}, r.Messages())
		require.Equal(t, []mail.Message{letter}, r.To("ada@willow.example"))
		last, ok := r.Last("+4915112345678")
		require.True(t, ok)
		require.Equal(t, code, last)
		_, ok = r.Last("eve@willow.example")
		require.False(t, ok)
		r.Reset()
		require.Empty(t, r.Messages())
	})
	t.Run("what is returned is the caller's own", func(t *testing.T) {
		t.Parallel()
		var r mailtest.Recorder
		require.NoError(t, r.Send(t.Context(), letter))
		r.Messages()[0].To = "eve@willow.example"
		require.Equal(t, letter, r.Messages()[0])
	})
	t.Run("what is refused, or comes too late, is not kept", func(t *testing.T) {
		t.Parallel()
		var r mailtest.Recorder
		no := errors.New("no")
		r.FailWith(func(m mail.Message) error {
			if m.Channel == mail.SMS {
				return no
			}
			return nil
		})
		require.ErrorIs(t, r.Send(t.Context(), code), no)
		require.NoError(t, r.Send(t.Context(), letter))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, r.Send(ctx, letter), context.Canceled)
		require.Equal(t, []mail.Message{letter}, r.Messages())
		r.FailWith(nil)
		require.NoError(t, r.Send(t.Context(), code))
	})
	t.Run("many goroutines may use it", func(t *testing.T) {
		t.Parallel()
		var r mailtest.Recorder
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				r.FailWith(nil)
				_ = r.Send(t.Context(), letter)
				r.To(letter.To)
			})
		}
		all.Wait()
		require.Len(t, r.Messages(), 8)
	})
	t.Run("the link in the text is found, and none where there is none", func(t *testing.T) {
		t.Parallel()
		link, ok := mailtest.Link(letter, "https://app.example/")
		require.True(t, ok)
		require.Equal(t, "https://app.example/l/creq_1", link)
		_, ok = mailtest.Link(code, "https://app.example/")
		require.False(t, ok)
	})
}
