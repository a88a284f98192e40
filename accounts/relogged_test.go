package accounts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// early is the moment at which the users of these tests set their passwords.
var early = start.Add(-time.Hour)

// squatted is a world in which vic and van are alike: each has a password, a
// login at an issuer, a phone with confirmation on, and unsent mail, of which
// some is about the login. The option changes vic before they are stored.
func squatted(t testing.TB, change func(m *accounts.Means)) *world {
	t.Helper()
	w := newWorld(t)
	for _, id := range []string{"vic", "van"} {
		u := confirming(id)
		u.Handle, u.Locale, u.Proven = "The "+id, "de", false
		m := accounts.Means{
			User:       u,
			Credential: accounts.Credential{User: u.ID, Hash: "own", CreatedAt: early, UpdatedAt: early},
			Identities: []accounts.Identity{{Issuer: "https://issuer.example", Subject: id, User: u.ID, CreatedAt: early}},
		}
		if id == "vic" {
			change(&m)
		}
		link, other := w.letter(u, "link"), w.letter(u, "other")
		link.Reason, other.Reason = mail.ReasonFor("login", id, string(token.Proof)), mail.ReasonFor("account", id)
		rows := []any{m.User, link, other}
		if m.Credential.Hash != "" {
			rows = append(rows, m.Credential)
		}
		for _, i := range m.Identities {
			rows = append(rows, i)
		}
		w.put(rows...)
	}
	return w
}

// These change vic of [squatted].
func asIs(*accounts.Means)     {}
func proven(m *accounts.Means) { m.User.Proven = true }
func bare(m *accounts.Means) {
	m.User.Confirms, m.User.Phone = false, ""
	m.Credential, m.Identities = accounts.Credential{}, nil
}

func hosted(m *accounts.Means) { m.User.Kept = true }

// imported is a password that only an import has written.
func imported(m *accounts.Means) {
	m.Credential = accounts.Credential{User: "vic", Hash: "imported", CreatedAt: early}
}

// login is what is left of vic's login.
type login struct {
	Ended    bool   // sessions, links, and unsent mail about the login
	Password string // as it is stored
	Issuers  int
	Phone    bool // with confirmation
	Kept     bool
}

// login tells what is left of vic's login, and asks that nobody else lost
// anything, and vic no other mail.
func (w *world) login() login {
	w.t.Helper()
	m, van := w.means("vic"), w.means("van")
	require.Equal(w.t, []any{int64(1), "own", 1, true}, []any{van.User.Epoch, van.Credential.Hash, len(van.Identities), van.User.Confirms})
	l := login{
		Ended: m.User.Epoch > 1, Password: m.Credential.Hash, Issuers: len(m.Identities), Phone: m.User.Phone != "", Kept: m.User.Kept,
	}
	require.Equal(w.t, l.Phone, m.User.Confirms)
	queued := []string{"link-van", "link-vic", "other-van", "other-vic"}
	_, err := w.svc.User(w.t.Context(), admitted("vic", early), "vic")
	link := access.Ticket{
		TicketKey: access.TicketKey{User: "vic", Purpose: token.Address}, Version: 1, Epoch: 1, ExpiresAt: start.Add(time.Hour),
	}
	if l.Ended {
		queued = []string{"link-van", "other-van", "other-vic"}
		require.Equal(w.t, accounts.ErrStepUp, err, "a session of before")
		require.Equal(w.t, w.env.Now(), m.User.EpochAt, "for hosts that know only login times")
	} else {
		require.NoError(w.t, err)
		require.Zero(w.t, m.User.EpochAt)
	}
	require.NotEqual(w.t, l.Ended, link.Counts(start, m.User), "a link of before")
	var ids []string
	for _, r := range w.mails(mail.Queued) {
		ids = append(ids, r.ID)
	}
	require.Equal(w.t, queued, ids)
	return l
}

// What a host says of a user who has a login here ends what rested on that
// login: another address and a login that the host takes over end sessions and
// links, and a proof of the mailbox voids everything that was prepared before
// it, by whoever typed the address. What changes none of it ends nothing, and
// the same again changes nothing (A14, A26, A27, A87).
func TestService_PutUser_relogged(t *testing.T) {
	t.Parallel()

	issuer := accounts.IdentityKey{Issuer: "https://issuer.example", Subject: "vic"}
	all := login{Password: "own", Issuers: 1, Phone: true}
	ended, taken, void := all, all, login{Ended: true}
	ended.Ended, taken.Ended, taken.Kept = true, true, true
	for _, tt := range []struct {
		name  string
		given func(m *accounts.Means)
		when  func(in *accounts.PutUser)
		want  login
	}{
		{"another name, user name and language end nothing", asIs, func(in *accounts.PutUser) { in.Name, in.Handle, in.Locale = "V", "v", "fr" }, all},
		{"another name for a proven user ends nothing", proven, func(in *accounts.PutUser) { in.Name, in.Proven = "V", true }, all},
		{"another spelling of the address ends nothing", asIs, func(in *accounts.PutUser) { in.Email = "VIC@People.example" }, all},
		{"a login at another issuer ends nothing", asIs, func(in *accounts.PutUser) {
			in.Identities = []accounts.IdentityKey{{Issuer: "https://other.example", Subject: "vic"}}
		}, login{Password: "own", Issuers: 2, Phone: true}},
		{"a proof that is taken away ends nothing", proven, func(*accounts.PutUser) {}, all},
		{"another address ends sessions and links", asIs, func(in *accounts.PutUser) { in.Email = "new@people.example" }, ended},
		{"another proven address does for a proven user", proven, func(in *accounts.PutUser) { in.Email, in.Proven = "new@people.example", true }, ended},
		{"no address any more does", asIs, func(in *accounts.PutUser) { in.Email = "" }, ended},
		{"taking the login over does", asIs, func(in *accounts.PutUser) { in.TakeOver = true }, taken},
		{"a proof voids what was prepared before it", asIs, func(in *accounts.PutUser) { in.Proven = true }, void},
		{"a proof of another address does", asIs, func(in *accounts.PutUser) { in.Email, in.Proven = "new@people.example", true }, void},
		{"a proof voids what an import brought without it", imported, func(in *accounts.PutUser) { in.Proven = true }, void},
		{
			"a login that is taken over with a proof is the host's", asIs,
			func(in *accounts.PutUser) { in.Proven, in.TakeOver = true, true },
			login{Ended: true, Kept: true},
		},
		{
			"an issuer's login that the host names is its own word", asIs,
			func(in *accounts.PutUser) { in.Proven, in.Identities = true, []accounts.IdentityKey{issuer} },
			login{Ended: true, Issuers: 1},
		},
		{
			"where a proof leaves nothing, and there never was a password, the login is the host's",
			func(m *accounts.Means) { m.Credential = accounts.Credential{} },
			func(in *accounts.PutUser) { in.Proven = true },
			login{Ended: true, Kept: true},
		},
		{
			"where the host names the issuer's login, it is not", func(m *accounts.Means) { m.Credential = accounts.Credential{} },
			func(in *accounts.PutUser) { in.Proven, in.Identities = true, []accounts.IdentityKey{issuer} },
			login{Ended: true, Issuers: 1},
		},
		{"a user without a login is the host's from then on", bare, func(in *accounts.PutUser) { in.Proven = true }, login{Kept: true}},
		{
			"of a user whom the host keeps nothing ends here", hosted,
			func(in *accounts.PutUser) { in.Email, in.Proven = "new@people.example", true },
			login{Password: "own", Issuers: 1, Phone: true, Kept: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := squatted(t, tt.given)
			w.clock.Add(time.Minute)
			u := w.means("vic").User
			in := accounts.PutUser{ID: "vic", Name: u.Name, Handle: u.Handle, Email: u.Address, Locale: u.Locale}
			tt.when(&in)
			out, err := w.putUser(in)
			require.NoError(t, err)
			require.Equal(t, w.means("vic").User, out, "what is returned is what is stored")
			require.Equal(t, tt.want, w.login())

			n := len(w.feed())
			again, err := w.putUser(in)
			require.NoError(t, err)
			require.Equal(t, out, again)
			require.Len(t, w.feed(), n, "the same again is nothing")
		})
	}
}

// The same holds for what an import says, and never for what it does not: a
// password that came with an import is replaced as long as nobody has set one
// here, and one that somebody has set is theirs, unless the mailbox is proven
// only now (A14, A26).
func TestService_Import_relogged(t *testing.T) {
	t.Parallel()

	issuer := accounts.IdentityKey{Issuer: "https://issuer.example", Subject: "vic"}
	all, void := login{Password: "own", Issuers: 1, Phone: true}, login{Ended: true}
	ended, replaced, unchanged := all, all, all
	ended.Ended = true
	replaced.Ended, replaced.Password = true, "new"
	unchanged.Password = "imported"
	for _, tt := range []struct {
		name  string
		given func(m *accounts.Means)
		when  func(in *accounts.ImportUser)
		want  login
	}{
		{"another name, user name and language end nothing", asIs, func(in *accounts.ImportUser) { in.Name, in.Handle, in.Locale = "V", "v", "fr" }, all},
		{"no address, where there is one, ends nothing", asIs, func(in *accounts.ImportUser) { in.Email = "" }, all},
		{"another address ends sessions and links", asIs, func(in *accounts.ImportUser) { in.Email = "new@people.example" }, ended},
		{"a proof voids what was prepared before it", asIs, func(in *accounts.ImportUser) { in.Proven = true }, void},
		{"a proof voids a password that was imported without it", imported, func(in *accounts.ImportUser) { in.Proven = true }, void},
		{
			"a proof with a password leaves the imported one", imported,
			func(in *accounts.ImportUser) { in.Proven, in.Password = true, "imported" },
			login{Ended: true, Password: "imported"},
		},
		{
			"or puts another in its place", imported,
			func(in *accounts.ImportUser) { in.Proven, in.Password = true, "new" },
			login{Ended: true, Password: "new"},
		},
		{
			"a proof with a password voids one that somebody set here", asIs,
			func(in *accounts.ImportUser) { in.Proven, in.Password = true, "new" }, void,
		},
		{
			"an issuer's login that the row names is the host's word", asIs,
			func(in *accounts.ImportUser) { in.Proven, in.Identities = true, []accounts.IdentityKey{issuer} },
			login{Ended: true, Issuers: 1},
		},
		{"an imported password is replaced, which ends what rested on it", imported, func(in *accounts.ImportUser) { in.Password = "new" }, replaced},
		{"by the same it is not", imported, func(in *accounts.ImportUser) { in.Name, in.Password = "V", "imported" }, unchanged},
		{"a password that was set here is not", asIs, func(in *accounts.ImportUser) { in.Name, in.Password = "V", "new" }, all},
		{"of a user without a login nothing ends", bare, func(in *accounts.ImportUser) { in.Proven, in.Password = true, "new" }, login{Password: "new"}},
		{
			"of a user whom the host keeps nothing ends", hosted,
			func(in *accounts.ImportUser) { in.Email, in.Proven = "new@people.example", true },
			login{Password: "own", Issuers: 1, Phone: true, Kept: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := squatted(t, tt.given)
			w.clock.Add(time.Minute)
			u := w.means("vic").User
			in := accounts.ImportUser{ID: "vic", Name: u.Name, Handle: u.Handle, Email: u.Address, Locale: u.Locale}
			tt.when(&in)
			once := accounts.Import{Users: []accounts.ImportUser{in}}
			require.Zero(t, w.imports(once).Refused)
			require.Equal(t, tt.want, w.login())
			require.Equal(t, 1, w.imports(once).Unchanged)
		})
	}
}

// plain is how the host of these tests kept passwords.
type plain struct{}

func (plain) Handles(stored string) bool { return strings.HasPrefix(stored, "plain:") }

func (plain) Verify(stored, given string) (bool, error) { return stored == "plain:"+given, nil }

func (w *world) importPassword(id, hash string) {
	w.t.Helper()
	row := importUser(id)
	row.Password = hash
	require.Zero(w.t, w.imports(accounts.Import{Users: []accounts.ImportUser{row}}).Refused)
}

// An import puts another hash in the place of the one that it brought, as often
// as the host's changes, and leaves alone what somebody has set here: at their
// sign-up, by a reset, by a change, or by a login that hashed it anew (A12).
func TestService_Import_passwordOfOnesOwn(t *testing.T) {
	t.Parallel()

	const good, better = "six wandering llamas eat", "seven purple mountain goats"
	hasher, err := password.New(&password.Options{Memory: 8, Time: 1, Verifiers: []password.Verifier{plain{}}})
	require.NoError(t, err)
	for _, tt := range []struct {
		name  string
		given func(w *world, l *access.Logins) accounts.UserID
	}{
		{"set at the sign-up", func(w *world, l *access.Logins) accounts.UserID {
			u, err := l.SignUp(w.t.Context(), access.SignUp{Email: "vic@people.example", Password: good}, access.Device{})
			require.NoError(w.t, err)
			return u.ID
		}},
		{"set by a reset", func(w *world, l *access.Logins) accounts.UserID {
			w.imports(accounts.Import{Users: []accounts.ImportUser{importUser("vic")}})
			require.NoError(w.t, l.AskReset(w.t.Context(), "vic@people.example", access.Device{}))
			_, err := l.ResetPassword(w.t.Context(), w.secret(token.Reset), good)
			require.NoError(w.t, err)
			return "vic"
		}},
		{"changed", func(w *world, l *access.Logins) accounts.UserID {
			w.importPassword("vic", "plain:"+better)
			own := accounts.Admitted(accounts.Admission{User: "vic", Epoch: 1, AuthAt: start})
			_, err := l.ChangePassword(w.t.Context(), own, better, good, access.Device{})
			require.NoError(w.t, err)
			return "vic"
		}},
		{"hashed anew at a login", func(w *world, l *access.Logins) accounts.UserID {
			w.importPassword("vic", "plain:"+good)
			_, _, err := l.LogIn(w.t.Context(), access.LogIn{Email: "vic@people.example", Password: good}, access.Device{})
			require.NoError(w.t, err)
			return "vic"
		}},
	} {
		t.Run("one that was "+tt.name+" stays", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l, err := access.NewLogins(w.st, w.env, &access.LoginOptions{Hasher: hasher})
			require.NoError(t, err)
			id := tt.given(w, l)
			m := w.means(string(id))
			require.Contains(t, m.Credential.Hash, "$argon2id$")
			row := accounts.ImportUser{ID: id, Name: m.User.Name, Email: m.User.Address, Proven: m.User.Proven, Password: "plain:" + better}
			require.Equal(t, 1, w.imports(accounts.Import{Users: []accounts.ImportUser{row}}).Unchanged)
			require.Equal(t, m, w.means(string(id)))
		})
	}
	t.Run("what only imports have written they go on writing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for n, hash := range []string{"one", "two", "three"} {
			w.clock.Add(time.Minute)
			w.importPassword("vic", hash)
			m := w.means("vic")
			require.Equal(t, []any{hash, int64(n + 1), int64(n + 1)}, []any{m.Credential.Hash, m.Credential.Version, m.User.Epoch})
		}
	})
}
