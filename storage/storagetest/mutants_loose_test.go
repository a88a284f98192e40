package storagetest_test

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// loose is a store of which single answers are broken; a nil function breaks
// nothing.
type loose struct {
	storage.Storage

	seats     func(got accounts.Seats, list []invites.Listed, at time.Time) accounts.Seats
	at        func(at time.Time) time.Time // of what is asked about seats and invitations to an address
	means     func(m *accounts.Means)
	standing  func(s *accounts.Standing)
	admitted  func(a *access.Admission)
	reach     func(list []accounts.Reached) []accounts.Reached
	entering  func(e *access.Entering)
	ticket    func(st storage.Storage, q access.TicketQuery, got *access.Ticket, err error) error
	inviting  func(q invites.InvitingQuery, x *invites.Inviting)
	accepting func(q invites.AcceptingQuery, a *invites.Accepting)
	listed    func(list []invites.Listed) []invites.Listed
	recording func(st storage.Storage, q accounts.RecordingQuery, r *accounts.Recording)
	records   func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error)
	sites     func(st storage.Storage, q accounts.SiteQuery) ([]accounts.Site, error)
	settingUp func(st storage.Storage, q invites.SettingUpQuery, got *invites.SettingUp, err error) error
	viewing   func(st storage.Storage, key access.ViewKey, got *access.Viewing, err error) error
	held      func(st storage.Storage, q accounts.HeldQuery, list []accounts.Held) []accounts.Held
	sweep     func(b *storage.SweepBefore)
	sweeps    func(st storage.Storage, b storage.SweepBefore, limit int) (int, error)
	claim     func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error)
	outcome   func(o *mail.Outcome)
	settle    func(st storage.Storage, o mail.Outcome) error
	listing   func(st storage.Storage, list []mail.Record) []mail.Record
	newest    func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error)
}

// broken makes a mutant of single answers.
func broken(s loose) func() mutant {
	return func() mutant {
		return mutant{over: func(st storage.Storage) storage.Storage { s.Storage = st; return s }}
	}
}

func (s loose) Means(ctx context.Context, key accounts.UserKey) (accounts.Means, error) {
	got, err := s.Storage.Means(ctx, key)
	if err == nil && s.means != nil {
		s.means(&got)
	}
	return got, err
}

func (s loose) Standings(ctx context.Context, keys []accounts.StandingKey) ([]accounts.Standing, error) {
	got, err := s.Storage.Standings(ctx, keys)
	for i := range got {
		if s.standing != nil {
			s.standing(&got[i])
		}
	}
	return got, err
}

func (s loose) Admission(ctx context.Context, h token.Hash, account accounts.AccountID) (access.Admission, error) {
	got, err := s.Storage.Admission(ctx, h, account)
	if err == nil && s.standing != nil {
		s.standing(&got.Standing)
	}
	if err == nil && s.admitted != nil {
		s.admitted(&got)
	}
	return got, err
}

func (s loose) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	got, err := s.Storage.Reach(ctx, q)
	if s.reach != nil {
		got = s.reach(got)
	}
	return got, err
}

func (s loose) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	got, err := s.Storage.Entering(ctx, q)
	if err == nil && s.entering != nil {
		s.entering(&got)
	}
	return got, err
}

func (s loose) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	got, err := s.Storage.Ticket(ctx, q)
	if s.ticket != nil {
		err = s.ticket(s.Storage, q, &got, err)
	}
	return got, err
}

func (s loose) Seats(ctx context.Context, account accounts.AccountID, at time.Time) (accounts.Seats, error) {
	got, err := s.Storage.Seats(ctx, account, s.moment(at))
	if err == nil && s.seats != nil {
		list, _ := s.Storage.Invitations(ctx, invites.ListQuery{Account: account, At: at, Limit: 1000})
		got = s.seats(got, list, at)
	}
	return got, err
}

func (s loose) moment(at time.Time) time.Time {
	if s.at == nil {
		return at
	}
	return s.at(at)
}

func (s loose) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	got, err := s.Storage.Inviting(ctx, q)
	if err == nil && s.inviting != nil {
		s.inviting(q, &got)
	}
	return got, err
}

func (s loose) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	got, err := s.Storage.Accepting(ctx, q)
	if err == nil && s.accepting != nil {
		s.accepting(q, &got)
	}
	return got, err
}

func (s loose) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	got, err := s.Storage.Invitations(ctx, q)
	if s.listed != nil {
		got = s.listed(got)
	}
	return got, err
}

func (s loose) InvitationsTo(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]invites.Listed, error) {
	return s.Storage.InvitationsTo(ctx, email, s.moment(at), limit)
}

func (s loose) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	got, err := s.Storage.Recording(ctx, q)
	if err == nil && s.recording != nil {
		s.recording(s.Storage, q, &got)
	}
	return got, err
}

func (s loose) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	if s.records != nil {
		return s.records(s.Storage, q)
	}
	return s.Storage.ClientRecords(ctx, q)
}

func (s loose) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	if s.sites != nil {
		return s.sites(s.Storage, q)
	}
	return s.Storage.Sites(ctx, q)
}

func (s loose) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	got, err := s.Storage.SettingUp(ctx, q)
	if s.settingUp != nil {
		err = s.settingUp(s.Storage, q, &got, err)
	}
	return got, err
}

func (s loose) Viewing(ctx context.Context, key access.ViewKey) (access.Viewing, error) {
	got, err := s.Storage.Viewing(ctx, key)
	if s.viewing != nil {
		err = s.viewing(s.Storage, key, &got, err)
	}
	return got, err
}

func (s loose) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	got, err := s.Storage.Held(ctx, q)
	if err == nil && s.held != nil {
		got = s.held(s.Storage, q, got)
	}
	return got, err
}

func (s loose) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	if s.sweep != nil {
		s.sweep(&before)
	}
	if s.sweeps != nil && ctx.Err() == nil {
		return s.sweeps(s.Storage, before, limit)
	}
	return s.Storage.Sweep(ctx, before, limit)
}

func (s loose) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if s.claim != nil && ctx.Err() == nil {
		return s.claim(s.Storage, c)
	}
	return s.Storage.ClaimMail(ctx, c)
}

func (s loose) SettleMail(ctx context.Context, o mail.Outcome) error {
	if s.outcome != nil {
		s.outcome(&o)
	}
	if s.settle != nil {
		return s.settle(s.Storage, o)
	}
	return s.Storage.SettleMail(ctx, o)
}

func (s loose) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	got, err := s.Storage.Mails(ctx, q)
	if s.listing != nil {
		got = s.listing(s.Storage, got)
	}
	return got, err
}

func (s loose) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	if s.newest != nil && ctx.Err() == nil {
		return s.newest(s.Storage, reasons)
	}
	return s.Storage.Newest(ctx, reasons)
}
