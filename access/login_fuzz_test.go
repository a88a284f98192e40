package access_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Whatever comes in place of a link is one refusal and changes nothing (A09,
// A10).
func FuzzLogins_links(f *testing.F) {
	h := newHall(f)
	right := map[string]bool{h.reset: true, h.change: true, h.proof: true}
	for link := range right {
		f.Add(link[1:])
		f.Add(strings.ToLower(link))
		f.Add(link + "\x00")
		f.Add(link[:len(link)-1] + "2")
	}
	f.Add("")
	f.Add("crst_" + strings.Repeat("A", 52))
	f.Add("cprf_" + strings.Repeat("\u00a0", 26))
	f.Add(h.secret)
	was := h.means("nora")
	f.Fuzz(func(t *testing.T, link string) {
		if right[link] {
			return // the link itself, which works
		}
		login, err := h.logins.ResetPassword(t.Context(), link, others)
		require.Equal(t, accounts.ErrNotFound, err)
		require.Zero(t, login)
		require.Equal(t, accounts.ErrNotFound, h.logins.Prove(t.Context(), h.otto, link))
		require.Equal(t, accounts.ErrNotFound, h.logins.ConfirmAddress(t.Context(), h.actor, link))
		now, err := h.mem.Means(t.Context(), accounts.UserKey{ID: "nora"})
		require.NoError(t, err)
		require.Equal(t, was, now)
	})
}

// Whatever is typed as an address, and wherever it comes from, opens the login
// of the one user whose canonical address it is, or none (A21, A23).
func FuzzLogins_addresses(f *testing.F) {
	for _, s := range []string{
		"nora@example.com", "NORA@EXAMPLE.COM", " nora@ｅxample.com", "nora@example.com.", "otto@example.com", "nora@example.com,otto@example.com",
		"nora", "@", "", "nora@\u0435xample.com", "nora@xn--.com", "\"nora\"@example.com", "nora@[192.0.2.1]", "nora@example.com\x00", "ｎora@example.com",
		strings.Repeat("n", 1<<12) + "@example.com", "mia@example.com",
	} {
		f.Add(s, "192.0.2.1")
	}
	f.Add("nora@example.com", "2001:db8::1%eth0")
	f.Add("nora@example.com", "[::1]:70000")
	e := newEntrance(f)
	e.newcomer("nora")
	e.signUp("otto")
	f.Fuzz(func(t *testing.T, typed, from string) {
		login, err := e.logins.Verify(t.Context(), access.LogIn{Email: typed, Password: words}, access.Device{Source: from, UserAgent: typed})
		email, bad := accounts.ParseEmail(typed)
		switch {
		case bad == nil && (email == "nora@example.com" || email == "otto@example.com"):
			if errors.Is(err, limit.ErrLimited) {
				return
			}
			require.NoError(t, err)
			require.Equal(t, string(login.User)+"@example.com", string(email))
		case errors.Is(err, limit.ErrLimited):
			require.NoError(t, bad, "what is no address is counted nowhere")
			require.Zero(t, login)
		default:
			require.Equal(t, access.ErrCredentials, err)
			require.Zero(t, login)
		}
		if bad != nil {
			require.ErrorIs(t, e.logins.AskReset(t.Context(), typed, access.Device{Source: from}), accounts.ErrInvalid)
			_, err = e.logins.SignUp(t.Context(), access.SignUp{Email: typed, Password: words}, access.Device{Source: from})
			require.ErrorIs(t, err, accounts.ErrInvalid)
		}
	})
}
