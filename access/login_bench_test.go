package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// What a login costs beside its hash: the hasher is the cheapest that there is,
// and the store is memory.
func BenchmarkLogins_LogIn(b *testing.B) {
	e := newEntrance(b)
	e.signUp("nora")
	for _, bb := range []struct {
		name  string
		given access.LogIn
		want  error
	}{
		{"right", access.LogIn{Email: "nora@example.com", Password: words}, nil},
		{"unknown", access.LogIn{Email: "nobody@example.com", Password: words}, access.ErrCredentials},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, err := e.logins.LogIn(b.Context(), bb.given, access.Device{})
				require.ErrorIs(b, err, bb.want)
				if err != nil {
					b.StopTimer()
					require.NoError(b, e.logins.Lift(b.Context(), operator, bb.given.Email))
					b.StartTimer()
				}
			}
		})
	}
	b.Run("hash alone", func(b *testing.B) {
		stored := must(cheap().Hash(b.Context(), words))(b)
		b.ReportAllocs()
		for b.Loop() {
			must(cheap().Verify(b.Context(), stored, words))(b)
		}
	})
}

// What it costs to make a session fresh, on memory.
func BenchmarkSessions_Renew(b *testing.B) {
	e := newEntrance(b)
	secret, _ := e.newcomer("nora")
	b.ReportAllocs()
	for b.Loop() {
		next, err := e.sessions.Renew(b.Context(), secret, accounts.Login{User: "nora"})
		require.NoError(b, err)
		secret = next.Reveal()
	}
}
