package memory

import (
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// sweep erases old rows, at most limit, and returns how many.
func (s *state) sweep(before storage.SweepBefore, limit int) int {
	if limit <= 0 {
		limit = 1000
	}
	n := 0
	old := func(at, than time.Time) bool { return n < limit && !at.IsZero() && at.Before(than) }
	for id, x := range s.sessions {
		switch {
		case old(x.EndedAt, before.Sessions) || old(x.CreatedAt, before.Sessions):
			s.unlistSession(x)
			delete(s.sessions, id)
			n++
		case (x.UserAgent != "" || x.Source != "") && old(x.CreatedAt, before.Sources):
			x.UserAgent, x.Source = "", ""
			n++
		}
	}
	for _, x := range s.tickets {
		if old(x.ExpiresAt, before.Tickets) {
			s.dropTicket(x)
			n++
		}
	}
	for _, x := range s.challenges {
		if old(x.ExpiresAt, before.Tickets) {
			s.dropChallenge(x)
			n++
		}
	}
	for id, x := range s.views {
		if old(x.EndedAt, before.Views) || old(x.ExpiresAt, before.Views) {
			s.unlistView(x)
			delete(s.views, id)
			n++
		}
	}
	for email, g := range s.guesses {
		if old(g.LastAt, before.Guesses) {
			delete(s.guesses, email)
			n++
		}
	}
	for key, r := range s.replies {
		if old(r.ExpiresAt, before.Replies) {
			delete(s.replies, key)
			n++
		}
	}
	for key := range s.quotas {
		if n < limit && key.Day < before.Quotas {
			delete(s.quotas, key)
			n++
		}
	}
	for _, x := range s.letters {
		switch {
		case old(x.settled, before.Mail):
			s.dropLetter(x)
			n++
		case n < limit && x.state == mail.Dead && x.says() && !before.Texts.IsZero() && x.Expired(before.Texts):
			x.Erase()
			n++
		case n < limit && x.state == mail.Queued && !before.Texts.IsZero() && x.Expired(before.Texts) && !x.leased.After(before.Texts):
			s.expire(x, before.Texts)
			n++
		}
	}
	return n
}
