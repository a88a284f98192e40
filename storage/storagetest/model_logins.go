package storagetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Means implements [accounts.Reader].
func (m *model) Means(ctx context.Context, key accounts.UserKey) (accounts.Means, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Means{}, err
	}
	means := w.means(key)
	return means, missing(means.User.ID == "")
}

// means returns how somebody can log in, or the zero value if there is nobody.
func (w *world) means(key accounts.UserKey) accounts.Means {
	u, found := w.user(key)
	if !found {
		return accounts.Means{}
	}
	means := accounts.Means{User: u, Credential: w.credentials[u.ID]}
	means.Credential.User = u.ID
	for _, i := range w.identities {
		if i.User == u.ID {
			means.Identities = append(means.Identities, i)
		}
	}
	slices.SortFunc(means.Identities, func(a, b accounts.Identity) int {
		return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject))
	})
	return means
}

// Challenge implements [accounts.Reader].
func (m *model) Challenge(ctx context.Context, key accounts.ChallengeKey) (accounts.Challenge, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Challenge{}, err
	}
	c := w.challenges[key]
	c.ChallengeKey = key
	return c, nil
}

// Entering implements [access.LoginStore].
func (m *model) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Entering{}, err
	}
	e := access.Entering{
		Means: w.means(accounts.UserKey{Email: q.Email}), Guesses: w.guesses[q.Email],
		Links: w.quotas[accounts.QuotaKey{Kind: accounts.QuotaLinks, Subject: string(q.Email), Day: q.Day}],
	}
	e.Guesses.Email = q.Email
	if q.Source != "" {
		e.Tries = w.quotas[accounts.QuotaKey{Kind: accounts.QuotaSource, Subject: q.Source, Day: q.Day}]
	}
	return e, nil
}

// Ticket implements [access.LoginStore].
func (m *model) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Ticket{}, err
	}
	for key, t := range w.tickets {
		if q.User != "" && key == q.TicketKey || q.User == "" && t.Hash == q.Hash {
			return t, nil
		}
	}
	return access.Ticket{}, accounts.ErrNotFound
}
