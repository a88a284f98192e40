package access_test

import (
	"errors"
	"flag"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file that people read.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if the change is meant, run: go test ./access -update")
}

// loginActors are everybody who can ask something of nora's login.
func loginActors() []struct {
	name string
	make func(h *hall) accounts.Actor
} {
	return []struct {
		name string
		make func(h *hall) accounts.Actor
	}{
		{"the user", func(h *hall) accounts.Actor { return h.actor }},
		{"the user at an account", func(h *hall) accounts.Actor {
			require.NoError(h, h.svc.AddMember(h.Context(), job, "willow", "nora", roles.Viewer))
			return h.principal(h.secret, "willow").Actor()
		}},
		{"the user, logged in 10 minutes ago", func(h *hall) accounts.Actor {
			h.clock.Add(10 * time.Minute)
			return h.actor
		}},
		{"the user by a mailed link", func(h *hall) accounts.Actor {
			secret, _, err := h.sessions.Start(h.Context(), accounts.Login{User: "nora", ByLink: true}, access.Device{})
			require.NoError(h, err)
			return h.self(secret.Reveal())
		}},
		{"the user with identity confirmation on, and no code", func(h *hall) accounts.Actor {
			u := h.stored("nora")
			u.Confirms, u.Phone = true, "+4917012345678"
			h.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
			return h.actor
		}},
		{"the user of an ended epoch", func(h *hall) accounts.Actor {
			require.NoError(h, h.sessions.EndAll(h.Context(), h.actor, "nora"))
			return h.actor
		}},
		{"the user, suspended", func(h *hall) accounts.Actor {
			require.NoError(h, h.svc.SuspendUser(h.Context(), operator, "nora"))
			return h.self2("nora")
		}},
		{"the user, kept by the host since", func(h *hall) accounts.Actor {
			must(h.svc.PutUser(h.Context(), job, accounts.PutUser{ID: "nora", Email: "nora@example.com", Proven: true, TakeOver: true}))(h)
			return h.self2("nora")
		}},
		{"another user", func(h *hall) accounts.Actor { return h.otto }},
		{"a job", func(*hall) accounts.Actor { return job }},
		{"an operator", func(*hall) accounts.Actor { return operator }},
		{"nobody", func(*hall) accounts.Actor { return accounts.Actor{} }},
	}
}

// self2 is an actor of a user as they are now, whom no session would admit.
func (h *hall) self2(id accounts.UserID) accounts.Actor {
	return accounts.Admitted(accounts.Admission{User: id, Epoch: h.stored(id).Epoch, Proof: accounts.Proof{Login: 1}, AuthAt: h.env.Now()})
}

type loginAct struct {
	method string // of *access.Logins, or of *access.Sessions
	what   string
	run    func(h *hall, a accounts.Actor) error
}

// loginActs are the methods that somebody acts by.
func loginActs() []loginAct {
	change := func(old string) func(h *hall, a accounts.Actor) error {
		return func(h *hall, a accounts.Actor) error {
			_, err := h.logins.ChangePassword(h.Context(), a, old, others, access.Device{})
			return err
		}
	}
	in := func(h *hall) access.HostLogin {
		return access.HostLogin{Identity: h.google, Email: "nora@example.com", Verified: true}
	}
	return []loginAct{
		{"Lift", "lift the wait of an address", func(h *hall, a accounts.Actor) error {
			return h.logins.Lift(h.Context(), a, "pia@example.com")
		}},
		{"Block", "see how an address waits", func(h *hall, a accounts.Actor) error {
			_, err := h.logins.Block(h.Context(), a, "pia@example.com")
			return err
		}},
		{"Methods", "see how nora logs in", func(h *hall, a accounts.Actor) error {
			_, err := h.logins.Methods(h.Context(), a, "nora")
			return err
		}},
		{"AskProof", "ask for a proof of one's own address", func(h *hall, a accounts.Actor) error {
			u := h.stored("nora")
			u.Proven = false
			h.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
			return h.logins.AskProof(h.Context(), a)
		}},
		{"Prove", "prove another's address with their link", func(h *hall, a accounts.Actor) error {
			return h.logins.Prove(h.Context(), a, h.proof)
		}},
		{"AskAddress", "ask for another address", func(h *hall, a accounts.Actor) error {
			return h.logins.AskAddress(h.Context(), a, "quin@example.com")
		}},
		{"ConfirmAddress", "confirm nora's new address with her link", func(h *hall, a accounts.Actor) error {
			return h.logins.ConfirmAddress(h.Context(), a, h.change)
		}},
		{"ChangePassword", "change a password with the right one", change(words)},
		{"ChangePassword", "change a password with a wrong one", change(strange)},
		{"ChangePassword", "set a password where there is one", change("")},
		{"Link", "link a login with nora's address", func(h *hall, a accounts.Actor) error { return h.logins.Link(h.Context(), a, in(h)) }},
		{"Unlink", "unlink nora's login at an issuer", func(h *hall, a accounts.Actor) error { return h.logins.Unlink(h.Context(), a, h.linked) }},
		{"Chooser", "list one's own accounts", func(h *hall, a accounts.Actor) error {
			_, err := h.sessions.Chooser(h.Context(), a, access.ChoicePage{})
			return err
		}},
		{"List", "list nora's sessions", func(h *hall, a accounts.Actor) error {
			_, err := h.sessions.List(h.Context(), a, "nora", access.SessionPage{})
			return err
		}},
		{"List", "list the sessions of a user who is not there", func(h *hall, a accounts.Actor) error {
			_, err := h.sessions.List(h.Context(), a, "nobody", access.SessionPage{})
			return err
		}},
		{"End", "end a session of nora's", func(h *hall, a accounts.Actor) error {
			row := must(h.mem.Sessions(h.Context(), access.SessionsQuery{User: "nora", Limit: 1}))(h)[0]
			return h.sessions.End(h.Context(), a, row.ID)
		}},
		{"End", "end a session that is not there", func(h *hall, a accounts.Actor) error {
			return h.sessions.End(h.Context(), a, "id-unknown")
		}},
		{"EndAll", "end all of nora's sessions", func(h *hall, a accounts.Actor) error { return h.sessions.EndAll(h.Context(), a, "nora") }},
	}
}

// outside are the methods that ask for no actor: what they are given is the
// right to them.
func outside() map[string]string {
	return map[string]string{
		"PeekLink": "the link",
		"SignUp":   "anybody", "LogIn": "the password", "Verify": "the password", "AskReset": "anybody", "ResetPassword": "the link",
		"Arrive": "the host, for a login at an issuer", "Start": "the host, for a login", "Renew": "the session's secret and the host, for a login",
		"Principal": "the session's secret", "Switch": "the session's secret", "Return": "the session's secret", "SignOut": "the session's secret",
		"ForUser": "the host, for a session of its own", "With": "the host",
	}
}

// ended names how a call ended.
func ended(err error) string {
	var bad *accounts.InvalidError
	var code *accounts.CodeError
	switch {
	case err == nil:
		return "allowed"
	case errors.As(err, &code):
		return "a code for " + string(code.Action)
	case errors.Is(err, accounts.ErrStepUp):
		return "step-up"
	case errors.Is(err, accounts.ErrNotFound):
		return "not found"
	case errors.Is(err, roles.ErrDenied):
		return "denied"
	case errors.Is(err, access.ErrCredentials):
		return "wrong"
	case errors.Is(err, limit.ErrLimited):
		return "has to wait"
	case errors.As(err, &bad):
		return "invalid " + bad.Field
	}
	return "fault: " + err.Error()
}

// Who may do what with a login and its sessions is exactly the table that
// everybody can read, and what is refused changes nothing. A method without a
// row fails, and so does one that asks for no actor and is not listed (A32).
func TestLogins_matrix(t *testing.T) {
	t.Parallel()
	x := newTable(
		"Who may do what with access.Logins and access.Sessions: nora's login, and everybody who may ask for something of it.",
	)
	for _, act := range loginActs() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, actor := range loginActors() {
				h := newHall(t)
				a := actor.make(h)
				u, list := h.means("nora"), h.listed("nora")
				err := act.run(h, a)
				got := ended(err)
				if err != nil && act.method != "AskProof" {
					require.Equal(t, u, h.means("nora"), "%s by %s", act.what, actor.name)
					require.Equal(t, list, h.listed("nora"), "%s by %s", act.what, actor.name)
				}
				tell(actor.name, got)
			}
		})
	}
	x.check(t, "logins.golden")

	x.coversActors(t, reflect.TypeFor[*access.Logins](), outside())
	x.coversActors(t, reflect.TypeFor[*access.Sessions](), outside())
}

func (h *hall) listed(id accounts.UserID) []access.Session {
	return must(h.mem.Sessions(h.Context(), access.SessionsQuery{User: id, Limit: 100}))(h)
}
