package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// eraseChecks erase people beside everything that refers to them.
func eraseChecks() []check {
	var list []check
	for _, t := range ties() {
		list = append(list, check{
			"nothing that lives refers to somebody who is erased beside " + t.name,
			"what comes true for somebody who is gone is never ended by anybody (A76, D7, I-20)",
			func(e *env) { t.against(newOffice(e)) },
		})
	}
	return list
}

// tie is something that refers to a user from then on.
type tie struct {
	name   string
	change int // which change of it comes true with what was read before
	run    func(o *office, b bond) error
}

// bond is somebody with a password who is tied to an account while they are
// erased. Their session's secret, if they got one, is where tie leaves it.
type bond struct {
	guest

	secret *string
}

func ties() []tie {
	google := access.HostLogin{Identity: accounts.IdentityKey{Issuer: issuer, Subject: "s"}, Verified: true}
	return []tie{
		{"an acceptance", 1, func(o *office, b bond) error { return b.accept(o) }},
		{"a membership that the host adds", 1, func(o *office, b bond) error {
			return o.graph.AddMember(o.ctx, accounts.System("members"), b.account, b.id, roles.Viewer)
		}},
		{"an account of their own", 1, func(o *office, b bond) error {
			_, err := o.graph.CreateAccount(o.ctx, b.actor, accounts.CreateAccount{ID: b.account + "-own", Name: "Own"})
			return err
		}},
		{"a login with the password", 2, func(o *office, b bond) error {
			secret, _, err := o.logins.LogIn(o.ctx, access.LogIn{Email: string(address(string(b.id))), Password: words}, access.Device{})
			*b.secret = secret.Reveal()
			return err
		}},
		{"a session that the host opens", 1, func(o *office, b bond) error {
			secret, _, err := o.sessions.Start(o.ctx, accounts.Login{User: b.id}, access.Device{})
			*b.secret = secret.Reveal()
			return err
		}},
		{"a reset that is asked for", 1, func(o *office, b bond) error {
			return o.logins.AskReset(o.ctx, string(address(string(b.id))), access.Device{})
		}},
		{"another address that is asked for", 1, func(o *office, b bond) error {
			return o.logins.AskAddress(o.ctx, b.actor, "other-"+string(b.id)+"@example.com")
		}},
		{"a change of the password", 2, func(o *office, b bond) error {
			_, err := o.logins.ChangePassword(o.ctx, b.actor, words, others, access.Device{})
			return err
		}},
		{"a login at an issuer", 1, func(o *office, b bond) error {
			in := google
			in.Identity.Subject, in.Email = string(b.id), string(address(string(b.id)))
			return o.logins.Link(o.ctx, b.actor, in)
		}},
		{"a phone that is confirmed", 1, func(o *office, b bond) error {
			_, err := o.codes.TurnOn(o.ctx, b.actor, "+34600000001")
			return err
		}},
		{"an update by the host", 1, func(o *office, b bond) error {
			_, err := o.graph.PutUser(o.ctx, accounts.System("sync"), accounts.PutUser{
				ID: b.id, Name: "Another name", Email: string(address(string(b.id))), Proven: true,
			})
			return err
		}},
	}
}

// late is what whoever comes after an erasure is told.
func (t tie) late(o *office, err error) {
	o.Helper()
	if err != nil {
		o.lost(err, t.name, accounts.ErrNotFound, accounts.ErrStepUp, accounts.ErrTaken, access.ErrCredentials, roles.ErrDenied, invites.ErrUsed)
	}
}

func (t tie) against(o *office) {
	three := times(6)
	var list []bond
	for _, g := range o.guestsApart(2 + three) {
		c := credential(string(g.id))
		c.Hash = tallied + words
		o.put(o.st, c)
		o.places = append(o.places, g.account+"-own")
		list = append(list, bond{g, new(string)})
	}

	b := list[0]
	t.late(o, t.run(o.interrupted(t.change, func() { o.ok(b.erase(o), "an erasure") }), b))
	b.erased(o, nil)

	b = list[1]
	var between error
	err := b.erase(o.interrupted(1, func() { between = t.run(o, b) }))
	o.ok(between, "%s, before an erasure comes true", t.name)
	b.erased(o, err)

	for _, b := range list[2:] {
		errs := together(2, func(k int) error {
			if k == 0 {
				return t.run(o, b)
			}
			return b.erase(o)
		})
		t.late(o, errs[0])
		b.erased(o, errs[1])
	}
	o.sound()
}

func (b bond) erase(o *office) error { return o.graph.EraseUser(o.ctx, staff(), b.id) }

// erased ends the check unless the user is gone, with their session; unless they
// came to own an account before, which is what keeps somebody.
func (b bond) erased(o *office, err error) {
	o.Helper()
	if err != nil {
		o.is(err, accounts.ErrLastOwner, "an erasure")
	}
	u, uerr := o.st.User(o.ctx, accounts.UserKey{ID: b.id})
	o.ok(uerr, "User")
	o.holds(u.DeletedAt.IsZero() == (err != nil), "after an erasure that was answered %v the user is %s", err, text(u))
	if err == nil && *b.secret != "" {
		_, err := o.sessions.Principal(o.ctx, *b.secret, "")
		o.is(err, access.ErrNoSession, "the session of somebody who was erased")
	}
}
