package invites_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// decline has ben turn his invitation down: signed in, or by the link alone.
func (d *duel) decline(byLink bool) error {
	if byLink {
		return d.inv.Decline(d.Context(), accounts.Actor{}, invites.Answer{Link: d.link})
	}
	return d.inv.Decline(d.Context(), d.ben, byID(d.i))
}

// declined requires that everything says that the invitation was declined, or
// that nothing does.
func (d *duel) declined(yes bool) {
	d.Helper()
	n := 0
	if yes {
		n = 1
	}
	require.Equal(d, n, d.count(invites.EventInvitationDeclined))
	require.Equal(d, yes, d.stored(d.i.ID).Invitation.State == invites.Declined)
	told := append(d.mails(mail.InvitationDeclined, mail.Queued), d.mails(mail.InvitationDeclined, mail.Cancelled)...)
	require.Len(d, told, n, "the inviter is told what happened, and nothing else")
}

// A decline against each change that it rests on, or that rests on it: of the
// two one was first, and the other saw it. What was revoked, or has nobody left
// who stands for it, or belongs to an account that is gone, is not declined any
// more, and nobody is told that it was. Each pair runs as two fixed interleavings
// and by chance (A04, A17, A25, A45, I-06, I-08). Against an acceptance it is
// TestRace_AcceptAgainst.
func TestRace_DeclineAgainst(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name   string
		byLink error         // the decline of whoever holds the link, when the rival was first; nil: it has its way
		byBen  error         // the same, of ben signed in
		state  invites.State // what became of the invitation where it was refused
		lost   error         // the rival, when the decline was first; nil: it has its way as well
	}{
		{"a revocation", accounts.ErrNotFound, invites.ErrUsed, invites.Revoked, invites.ErrUsed},
		{"a resend", accounts.ErrNotFound, nil, invites.Pending, invites.ErrUsed},
		{"the inviter's removal", accounts.ErrNotFound, invites.ErrVoid, invites.Void, nil},
		{"the inviter's leaving", accounts.ErrNotFound, invites.ErrVoid, invites.Void, nil},
		{"the inviter's demotion", accounts.ErrNotFound, invites.ErrVoid, invites.Void, nil},
		{"the inviter's suspension here", accounts.ErrNotFound, invites.ErrVoid, invites.Void, nil},
		{"the inviter's suspension everywhere", accounts.ErrNotFound, invites.ErrVoid, invites.Void, nil},
		{"the inviter's end", accounts.ErrNotFound, invites.ErrVoid, invites.Void, nil},
		{"a suspension of the account", accounts.ErrNotFound, accounts.ErrNotFound, invites.Pending, nil},
		{"an end of the account", accounts.ErrNotFound, accounts.ErrNotFound, invites.Pending, nil},
		{"ben's suspension everywhere", nil, accounts.ErrStepUp, invites.Pending, nil},
		{"ben's end", accounts.ErrNotFound, accounts.ErrStepUp, invites.Revoked, nil},
	} {
		run := rivalNamed(t, r.name)
		for who, byLink := range map[string]bool{"of whoever holds the link": true, "of ben": false} {
			want := r.byBen
			if byLink {
				want = r.byLink
			}
			t.Run(r.name+" that comes between the reads and the write of a decline "+who, func(t *testing.T) {
				t.Parallel()
				d := newDuel(t)
				d.st.on(before(func() { require.NoError(t, run(d)) }))
				require.ErrorIs(t, d.decline(byLink), want)
				d.st.on(nil)
				d.declined(want == nil)
				if want != nil {
					require.Equal(t, r.state, d.state(d.i.ID))
				}
			})
			t.Run("a decline "+who+" that comes between the reads and the write of "+r.name, func(t *testing.T) {
				t.Parallel()
				d := newDuel(t)
				d.st.on(before(func() { require.NoError(t, d.decline(byLink)) }))
				require.ErrorIs(t, run(d), r.lost)
				d.st.on(nil)
				d.declined(true)
			})
			t.Run("a decline "+who+" and "+r.name+" at once", func(t *testing.T) {
				t.Parallel()
				for range 4 {
					d := newDuel(t)
					errs := together(func() error { return d.decline(byLink) }, func() error { return run(d) })
					d.declined(errs[0] == nil)
					if errs[0] != nil {
						require.NoError(t, errs[1])
						require.ErrorIs(t, errs[0], want)
						require.Equal(t, r.state, d.state(d.i.ID))
					}
				}
			})
		}
	}
}

// rivalNamed returns what a rival of that name does.
func rivalNamed(t *testing.T, name string) func(d *duel) error {
	t.Helper()
	for _, r := range rivals() {
		if r.name == name {
			return r.run
		}
	}
	require.Fail(t, "there is no such rival", name)
	return nil
}
