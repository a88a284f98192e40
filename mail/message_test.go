package mail_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/mail"
)

func TestReasonFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given []string
		want  mail.Reason
	}{
		{"plain segments stay as they are", []string{"agency", "42", "a@b.example"}, "agency/42/a@b.example"},
		{"a slash forges no level", []string{"agency", "4/2"}, "agency/4%2F2"},
		{"a percent sign forges no escape", []string{"agency", "4%2F2"}, "agency/4%252F2"},
		{"what is not ASCII is escaped by bytes", []string{"ü\n", "\xff"}, "%C3%BC%0A/%FF"},
		{"an empty segment is not like any other", []string{"agency", ""}, "agency/%"},
		{"no segments are the empty reason", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, mail.ReasonFor(tc.given...))
		})
	}
	t.Run("different segments make different reasons", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			some := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("a/%2F0\x00")), 0, 4, -1), 0, 4)
			a, b := some.Draw(t, "a"), some.Draw(t, "b")
			require.Equal(t, fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b), mail.ReasonFor(a...) == mail.ReasonFor(b...))
		})
	})
}

func TestReason_Covers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		given, when mail.Reason
		want        bool
	}{
		{"a reason covers itself", "agency/4", "agency/4", true},
		{"a reason covers what is below it", "agency/4", "agency/4/request/7", true},
		{"a level is compared whole", "agency/4", "agency/42", false},
		{"nothing covers what is above it", "agency/4", "agency", false},
		{"the empty reason covers nothing", "", "agency", false},
		{"the empty reason does not cover itself", "", "", false},
		{"nothing covers the empty reason", "agency", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.given.Covers(tc.when))
		})
	}
}

func FuzzReason(f *testing.F) {
	f.Add("agency", "4", "request", "7")
	f.Add("a/b", "", "%2F", "\x00\xff")
	f.Add("a", "0", "a/", "/")
	f.Add("agency", "4", "agency0", "agency.")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		for _, r := range []mail.Reason{"", mail.ReasonFor(a), mail.ReasonFor(a, b), mail.ReasonFor(c), mail.ReasonFor(c, d)} {
			require.NotRegexp(t, `[^!-~]`, string(r), "a reason is printable ASCII")
			from, before := r.Range()
			for _, x := range []mail.Reason{"", mail.ReasonFor(a), mail.ReasonFor(a, b), mail.ReasonFor(a, b, c), mail.ReasonFor(c, d), mail.Reason(d)} {
				inside := string(x) >= from && string(x) < before
				require.Equal(t, r.Covers(x), inside || r != "" && x == r, "%q covers %q", r, x)
			}
		}
		require.Equal(t, 1, strings.Count(string(mail.ReasonFor(a, b)), "/"), "two segments have one slash between them")
		require.True(t, mail.ReasonFor(a, b).Covers(mail.ReasonFor(a, b, c)))
		if a != "" || b != "" {
			require.Equal(t, a == c && b == d, mail.ReasonFor(a, b).Covers(mail.ReasonFor(c, d)))
		}
	})
}

func TestMessage_Expired(t *testing.T) {
	t.Parallel()
	limit := time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name        string
		given, when time.Time
		want        bool
	}{
		{"a moment before its limit it may be sent", limit, limit.Add(-time.Microsecond), false},
		{"exactly at its limit it may not", limit, limit, true},
		{"without a limit it always may", time.Time{}, limit, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, mail.Message{NotAfter: tc.given}.Expired(tc.when))
		})
	}
}

func TestMessage_LogValue(t *testing.T) {
	t.Parallel()
	m := mail.Message{ID: "m1", Kind: "k", Account: "a1", To: "ada@willow.example", ToName: "Ada", Subject: "Secret", Text: "https://x.example/creq_A"}
	t.Run("printing and logging a message show no recipient, subject or text", func(t *testing.T) {
		t.Parallel()
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "m", m)
		fmt.Fprintf(&b, "%v %+v %s", m, mail.Delivery{Message: m}, &m)
		require.Contains(t, b.String(), "m1")
		require.NotRegexp(t, "(?i)ada|secret|creq_", b.String())
	})
}

func TestPriority_String(t *testing.T) {
	t.Parallel()
	require.Equal(t, "awaited notice", fmt.Sprint(mail.Awaited, " ", mail.Notice))
	require.Less(t, mail.Awaited, mail.Notice, "awaited mail is claimed first")
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	t.Run("a marked error is recognised through wrapping and is still itself", func(t *testing.T) {
		t.Parallel()
		err := fmt.Errorf("smtp: %w", mail.Permanent(io.EOF))
		require.True(t, mail.IsPermanent(err))
		require.ErrorIs(t, err, io.EOF)
		require.EqualError(t, err, "smtp: EOF")
	})
	t.Run("other errors and nil are not permanent", func(t *testing.T) {
		t.Parallel()
		require.False(t, mail.IsPermanent(io.EOF))
		require.False(t, mail.IsPermanent(nil))
		require.NoError(t, mail.Permanent(nil))
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	t.Run("the pause is found through wrapping", func(t *testing.T) {
		t.Parallel()
		d, ok := mail.RetryDelay(errors.Join(io.EOF, mail.RetryAfter(io.ErrNoProgress, time.Hour)))
		require.True(t, ok)
		require.Equal(t, time.Hour, d)
		require.ErrorIs(t, mail.RetryAfter(io.EOF, 0), io.EOF)
	})
	t.Run("other errors and nil have none", func(t *testing.T) {
		t.Parallel()
		_, ok := mail.RetryDelay(io.EOF)
		require.False(t, ok)
		require.NoError(t, mail.RetryAfter(nil, time.Hour))
	})
}

func TestQuery_PageSize(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{-1: 100, 0: 100, 1: 1, 1000: 1000, 1001: 1000} {
		require.Equal(t, want, mail.Query{Limit: given}.PageSize())
	}
}
