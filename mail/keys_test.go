package mail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/mail"
)

// key is a key of this byte alone, which is good enough for a test.
func key(b byte) []byte { return bytes.Repeat([]byte{b}, mail.KeySize) }

func keys(tb testing.TB, all ...[]byte) *mail.Keys {
	tb.Helper()
	k, err := mail.NewKeys(all...)
	require.NoError(tb, err)
	return k
}

func secret(m *mail.Message) {
	m.Kind, m.Subject, m.Text, m.Data = mail.AccessRequested, "Secret subject", "Secret text\n\n"+data().Link+"\n", data()
}

func sealedWith(tb testing.TB, k *mail.Keys, m mail.Message) mail.Message {
	tb.Helper()
	s, err := k.Seal(m)
	require.NoError(tb, err)
	return s
}

func TestNewKeys(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given [][]byte
		want  string
	}{
		{"no key is refused", nil, "needs a key"},
		{"an empty key is refused", [][]byte{{}}, "key 1 has 0 bytes, and not 32"},
		{"a short key is refused by its place", [][]byte{key(1), key(2)[1:]}, "key 2 has 31 bytes, and not 32"},
		{"a long key is refused", [][]byte{append(key(1), 1)}, "key 1 has 33 bytes, and not 32"},
		{"a key of zeros is refused", [][]byte{key(1), key(0)}, "key 2 is all zeros"},
		{"a key given twice is refused", [][]byte{key(1), key(2), key(1)}, "key 3 is there already"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := mail.NewKeys(tc.given...)
			require.ErrorContains(t, err, tc.want)
		})
	}
	t.Run("what is done to a key afterwards changes nothing", func(t *testing.T) {
		t.Parallel()
		given := key(1)
		k := keys(t, given)
		clear(given)
		m, err := keys(t, key(1)).Open(sealedWith(t, k, message("m1", secret)))
		require.NoError(t, err)
		require.Equal(t, message("m1", secret), m)
	})
}

func TestKeys_Seal(t *testing.T) {
	t.Parallel()
	k := keys(t, key(1))
	m := message("m1", secret)
	s := sealedWith(t, k, m)

	t.Run("nothing that the message says can be read", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, s.Subject+s.Text+s.HTML)
		require.Zero(t, s.Data)
		for _, words := range []string{"Secret", "creq_", "Northlight", "Juniper", "904718"} {
			require.NotContains(t, string(s.Sealed), words)
		}
	})
	t.Run("what the message is stays", func(t *testing.T) {
		t.Parallel()
		rest := m
		rest.Erase()
		bare := s
		bare.Sealed = nil
		require.Equal(t, rest, bare)
	})
	t.Run("it is opened as it was", func(t *testing.T) {
		t.Parallel()
		got, err := k.Open(s)
		require.NoError(t, err)
		require.Equal(t, m, got)
	})
	t.Run("whatever it was", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			m := mail.Message{
				ID: rapid.String().Draw(rt, "id"), Channel: mail.Channel(rapid.String().Draw(rt, "channel")), To: rapid.String().Draw(rt, "to"),
				From:     mail.Sender{Name: rapid.String().Draw(rt, "name"), Address: rapid.String().Draw(rt, "address")},
				NotAfter: time.UnixMicro(rapid.Int64().Draw(rt, "notAfter")), User: rapid.String().Draw(rt, "user"),
				Subject: rapid.String().Draw(rt, "subject"), Text: rapid.String().Draw(rt, "text"),
				Data: mail.Data{Message: rapid.String().Draw(rt, "message"), At: time.Unix(rapid.Int64Range(0, 1<<36).Draw(rt, "at"), 0).UTC()},
			}
			sealed, err := k.Seal(m)
			require.NoError(rt, err)
			got, err := k.Open(sealed)
			require.NoError(rt, err)
			require.Equal(rt, m, got)
		})
	})
	t.Run("it is 37 bytes longer than the JSON in it", func(t *testing.T) {
		t.Parallel()
		plain, err := json.Marshal(map[string]any{"subject": m.Subject, "text": m.Text, "data": m.Data})
		require.NoError(t, err)
		require.Len(t, s.Sealed, len(plain)+37)
	})
	t.Run("the same message is never sealed to the same bytes", func(t *testing.T) {
		t.Parallel()
		require.NotEqual(t, s.Sealed, sealedWith(t, k, m).Sealed)
	})
	t.Run("what is sealed is not sealed again", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, s, sealedWith(t, keys(t, key(2)), s))
	})
	t.Run("what cannot be written is an error that does not tell it", func(t *testing.T) {
		t.Parallel()
		_, err := k.Seal(message("m1", secret, func(m *mail.Message) { m.Data.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }))
		require.ErrorContains(t, err, "sealing m1")
		require.NotContains(t, err.Error(), "creq_")
	})
	t.Run("without keys nothing is sealed, and what is not sealed is opened", func(t *testing.T) {
		t.Parallel()
		var none *mail.Keys
		require.Equal(t, m, sealedWith(t, none, m))
		for _, k := range []*mail.Keys{none, k} {
			got, err := k.Open(m)
			require.NoError(t, err)
			require.Equal(t, m, got)
		}
	})
}

func TestKeys_Open(t *testing.T) {
	t.Parallel()
	older, newer := key(1), key(2)
	m := message("m1", secret, notAfter(start.Add(time.Hour)), func(m *mail.Message) {
		m.From, m.ToName, m.Locale, m.User = mail.Sender{Name: "Northlight", Address: "team@northlight.example"}, "Ada Berg", "de-AT", "u1"
	})
	s := sealedWith(t, keys(t, older), m)

	t.Run("a change of keys loses nothing", func(t *testing.T) {
		t.Parallel()
		// Every process learns to open with the new key before any seals with it.
		for step, k := range []*mail.Keys{keys(t, older, newer), keys(t, newer, older)} {
			got, err := k.Open(s)
			require.NoError(t, err, step)
			require.Equal(t, m, got)
			for _, other := range []*mail.Keys{keys(t, older, newer), keys(t, newer, older)} {
				_, err = other.Open(sealedWith(t, k, m))
				require.NoError(t, err)
			}
		}
		_, err := keys(t, newer).Open(sealedWith(t, keys(t, newer, older), m))
		require.NoError(t, err, "the first key seals")
	})
	for _, tc := range []struct {
		name string
		when func(*mail.Message)
	}{
		{"with another ID", func(m *mail.Message) { m.ID = "m2" }},
		{"on another channel", func(m *mail.Message) { m.Channel = mail.SMS }},
		{"with another recipient", func(m *mail.Message) { m.To = "eve@evil.example" }},
		{"with another kind", func(m *mail.Message) { m.Kind = mail.Invited }},
		{"of another account", func(m *mail.Message) { m.Account = "a2" }},
		{"with another sender, who would get it if it came back", func(m *mail.Message) { m.From.Address = "eve@evil.example" }},
		{"without its sender", func(m *mail.Message) { m.From = mail.Sender{} }},
		{"with another name of the sender", func(m *mail.Message) { m.From.Name = "Juniper" }},
		{"with another name of the recipient", func(m *mail.Message) { m.ToName = "Your bank" }},
		{"in another language", func(m *mail.Message) { m.Locale = "de" }},
		{"for another user", func(m *mail.Message) { m.User = "" }},
		{"with a later limit", func(m *mail.Message) { m.NotAfter = m.NotAfter.Add(time.Microsecond) }},
		{"without its limit", func(m *mail.Message) { m.NotAfter = time.Time{} }},
		{"with another age", func(m *mail.Message) { m.CreatedAt = m.CreatedAt.Add(-time.Microsecond) }},
		{"with its times exchanged", func(m *mail.Message) { m.NotAfter, m.CreatedAt = m.CreatedAt, m.NotAfter }},
		{"with its fields moved into each other", func(m *mail.Message) { m.ID, m.Channel = m.ID+string(m.Channel[:1]), m.Channel[1:] }},
		{"with its sender's name moved into the address", func(m *mail.Message) { m.From = mail.Sender{Address: m.From.Name + m.From.Address} }},
		{"of another version", func(m *mail.Message) { m.Sealed[0] = 2 }},
		{"of an unknown key", func(m *mail.Message) { m.Sealed[1] ^= 1 }},
		{"of one byte", func(m *mail.Message) { m.Sealed = m.Sealed[:1] }},
		{"without anything behind the key's name", func(m *mail.Message) { m.Sealed = m.Sealed[:9] }},
		{"cut off", func(m *mail.Message) { m.Sealed = m.Sealed[:len(m.Sealed)-1] }},
		{"with a byte more", func(m *mail.Message) { m.Sealed = append(m.Sealed, 0) }},
	} {
		t.Run("a message "+tc.name+" stays sealed", func(t *testing.T) {
			t.Parallel()
			bad := s
			bad.Sealed = bytes.Clone(s.Sealed)
			tc.when(&bad)
			got, err := keys(t, older).Open(bad)
			require.ErrorIs(t, err, mail.ErrSealed)
			require.Zero(t, got)
		})
	}
	t.Run("what a store does to a message while it waits leaves it open", func(t *testing.T) {
		t.Parallel()
		m := message("m1", secret, notAfter(time.Date(2026, 3, 5, 15, 0, 0, 123_456_789, time.FixedZone("", 3600))), func(m *mail.Message) {
			m.CreatedAt = time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
		})
		s := sealedWith(t, keys(t, older), m)
		s.NotAfter, s.CreatedAt = time.UnixMicro(s.NotAfter.UnixMicro()).UTC(), time.UnixMicro(s.CreatedAt.UnixMicro()).UTC()
		s.Reason, s.Priority, s.Due = "", mail.Notice, start.Add(time.Hour) // requeueing and retries move Due
		got, err := keys(t, older).Open(s)
		require.NoError(t, err)
		require.Equal(t, m.Text, got.Text)
		require.Equal(t, s.Due, got.Due)
		require.Equal(t, s.NotAfter, got.NotAfter)
	})
	t.Run("a message with any byte changed stays sealed", func(t *testing.T) {
		t.Parallel()
		k := keys(t, older)
		for i := range s.Sealed {
			bad := s
			bad.Sealed = bytes.Clone(s.Sealed)
			bad.Sealed[i] ^= 0x80
			_, err := k.Open(bad)
			require.ErrorIs(t, err, mail.ErrSealed, i)
		}
	})
	t.Run("nothing sealed is opened without its key", func(t *testing.T) {
		t.Parallel()
		var none *mail.Keys
		for _, k := range []*mail.Keys{none, keys(t, newer)} {
			_, err := k.Open(s)
			require.ErrorIs(t, err, mail.ErrSealed)
			require.ErrorContains(t, err, "give the dispatcher the key")
		}
	})
}

// A18: whatever prints or logs a message, its data or keys gives away no link, no words, no recipient and no key.
func TestPrinting(t *testing.T) {
	t.Parallel()
	k := keys(t, []byte("0123456789abcdefghijklmnopqrstuv"))
	m := message("m1", secret)
	m.HTML = "<p>Secret page</p>"
	plain, sealed := mail.Delivery{Message: m}, mail.Delivery{Message: sealedWith(t, k, m)}
	var b strings.Builder
	for _, v := range []any{m, &m, plain, &plain, []mail.Message{m}, map[string]mail.Message{"k": m}, sealed, m.Data, &m.Data, []mail.Data{m.Data}, k, *k, struct{ K *mail.Keys }{k}, []*mail.Keys{k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		fmt.Fprintln(&b, v, errors.Join(fmt.Errorf("sending: %v", v)))
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		l := slog.New(h)
		l.Info("x", "message", m, "pointer", &m, "delivery", plain, "list", []mail.Message{m}, "data", m.Data, "keys", k, "held", struct{ K *mail.Keys }{k})
	}
	said := b.String()
	require.Contains(t, said, "mail access-requested m1")
	require.Contains(t, said, `keys="mail keys"`)
	require.Contains(t, said, `"keys":"mail keys"`)
	require.NotRegexp(t, `(?i)secret|creq_|willow|ada|northlight|904718|jonas`, said)
	require.NotContains(t, said, "0123456789abcdef")
	require.NotContains(t, said, fmt.Sprintf("%x", "0123456789abcdef"))
	require.NotContains(t, said, fmt.Sprintf("%v", []byte("0123"))[1:])

	t.Run("what a test's failure dumps of keys has no key in it", func(t *testing.T) {
		t.Parallel()
		var fake fakeT
		assert.Equal(&fake, keys(t, key(0xA7)), k)
		require.NotEmpty(t, fake)
		for _, form := range []string{"a7a7a7", "a7 a7 a7", "0xa7, 0xa7", "167 167", "30 31 32 33", "858927408" /* the first word of the key */} {
			require.NotContains(t, string(fake), form)
		}
	})
}

// fakeT keeps what a failure says.
type fakeT string

func (f *fakeT) Errorf(format string, args ...any) { *f += fakeT(fmt.Sprintf(format, args...)) }
