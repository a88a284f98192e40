package processtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func requests() []race {
	return []race{
		{"eight processes send for one agency, and 35 requests go out in a day", raceSend},
		{"eight processes ask one client, and one request is pending", raceAsk},
		{"eight processes send with one idempotency key, and one of them executes", raceKey},
	}
}

func requestJobs() map[string]job {
	return map[string]job{
		"send": sends,
		"ask":  asks,
		"key":  keys,
	}
}

const (
	agency = accounts.AccountID("agency")
	client = accounts.AccountID("client")
)

// town is a place with an agency and its manager mia, and with a client.
func (e *env) town() *scene {
	e.Helper()
	s := e.scene()
	s.agency(agency)
	s.found(client, "carl")
	return s
}

// agency makes an account of ann's, or of somebody named after it, who is an agency.
func (s *scene) agency(id accounts.AccountID) {
	s.Helper()
	owner := ownerOf(id)
	s.found(id, owner)
	s.join(id, "mia", roles.Manager)
	boss := s.who(owner, id)
	s.ok(s.graph.JoinProgramme(s.ctx, boss, id), "JoinProgramme")
	s.ok(s.graph.EnableClientAccess(s.ctx, boss, id), "EnableClientAccess")
}

// ownerOf is who owns an agency.
func ownerOf(id accounts.AccountID) accounts.UserID {
	if id == agency {
		return "ann"
	}
	return accounts.UserID("ann-of-" + id)
}

// asked sends a request of an agency to somebody, and returns it with its link.
func (s *scene) asked(from accounts.AccountID, to accounts.UserID) (accounts.RequestID, string) {
	s.Helper()
	sent, err := s.requests.Send(s.ctx, s.who("mia", from), access.Batch{Agency: from, Addresses: address(to)})
	s.ok(err, "Send")
	equal(s.env, sent.Sent, 1, "requests sent")
	return sent.Answers[0].Request, s.link(address(to), "creq_")
}

// sends 8 batches of 5 addresses, and says how many were sent. Eight processes that
// have read that nothing is spent want 40 with their first ones.
func sends(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(from string) error {
		at := accounts.AccountID(from)
		mia, err := h.as(p.ctx, "mia", at)
		if err != nil {
			return err
		}
		for i := range 8 {
			var to strings.Builder
			for k := range 5 {
				fmt.Fprintf(&to, "to-%d-%d-%d@example.com, ", p.number, i, k)
			}
			sent, err := h.requests.Send(p.ctx, mia, access.Batch{Agency: at, Addresses: to.String()})
			if err != nil {
				return err
			}
			p.say(sent.Sent)
		}
		return nil
	}, nil
}

// Eight processes send for one agency: 35 requests go out in a day, not one more
// and not one less (A79, I-14).
func raceSend(e *env) {
	s := e.town()
	c := s.crowd("send")
	c.races(
		func(turn int) func(int) string {
			id := accounts.AccountID(fmt.Sprint("agency-", turn))
			s.agency(id)
			return same(string(id))
		},
		func(turn int, list []answer) {
			id := accounts.AccountID(fmt.Sprint("agency-", turn))
			equal(e, e.sum(list), 35, "requests sent")
			d, err := s.st.Drafting(e.ctx, access.DraftingQuery{Agency: id, Day: accounts.DayOf(s.host.env.Now())})
			e.ok(err, "Drafting")
			equal(e, d.Used, 35, "the counter")
			all, err := s.st.Mails(e.ctx, mail.Query{Account: string(id), Limit: 1000})
			e.ok(err, "Mails")
			equal(e, len(all), 35, "mails")
			equal(e, len(s.lines(id, "")), 35, "rows created")
		})
	c.dismiss()
}

// lines are an agency's requests, to one address or to all.
func (s *scene) lines(from accounts.AccountID, to string) []access.Client {
	s.Helper()
	list, err := s.st.Clients(s.ctx, access.ClientsQuery{Agency: from, At: noon, Search: to, Limit: 500})
	s.ok(err, "Clients")
	return list
}

// asks one address for access, and says what became of it.
func asks(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(to string) error {
		mia, err := h.as(p.ctx, "mia", agency)
		if err != nil {
			return err
		}
		sent, err := h.requests.Send(p.ctx, mia, access.Batch{Agency: agency, Addresses: to})
		if err != nil {
			return err
		}
		p.say(sent.Answers[0].Outcome)
		return nil
	}, nil
}

// Eight processes ask the same address: one request is pending, one mail goes out,
// one of the 35 is spent (A57, I-02).
func raceAsk(e *env) {
	s := e.town()
	c := s.crowd("ask")
	c.races(
		func(turn int) func(int) string { return same(fmt.Sprintf("to-%d@example.com", turn)) },
		func(turn int, list []answer) {
			equal(e, said(list, string(access.Sent)), 1, "requests sent")
			equal(e, said(list, string(access.AlreadyPending)), crowd-1, "told that one is pending")
			to := fmt.Sprintf("to-%d@example.com", turn)
			equal(e, len(s.lines(agency, to)), 1, "requests to one address")
			equal(e, s.mails(to), 1, "mails to one address")
			d, err := s.st.Drafting(e.ctx, access.DraftingQuery{Agency: agency, Day: accounts.DayOf(noon)})
			e.ok(err, "Drafting")
			equal(e, d.Used, turn+1, "the counter")
			equal(e, s.told(agency, access.EventRequestSent), turn+1, "events")
		})
	c.dismiss()
}

// keys sends two addresses with an idempotency key, and says what was answered. The
// argument is the key; the last process has other input for it.
func keys(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(key string) error {
		mia, err := h.as(p.ctx, "mia", agency)
		if err != nil {
			return err
		}
		to := fmt.Sprintf("x.%[1]s@example.com, y.%[1]s@example.com", key)
		if p.number == crowd-1 {
			to = fmt.Sprintf("z.%s@example.com", key)
		}
		sent, err := h.requests.Send(p.ctx, mia, access.Batch{Agency: agency, Addresses: to, Key: key})
		if errors.Is(err, accounts.ErrKeyReused) {
			p.say("reused")
			return nil
		}
		if err == nil {
			ids := make([]string, 0, 2)
			for _, a := range sent.Answers {
				ids = append(ids, string(a.Outcome), string(a.Request))
			}
			p.say(strings.Join(ids, " "))
		}
		return err
	}, nil
}

// Seven processes send the same with one idempotency key, and an eighth something
// else. One execution, and the same answer for all who asked the same; who asked
// otherwise has no effect, or was the one (A97, I-27).
func raceKey(e *env) {
	s := e.town()
	c := s.crowd("key")
	used := 0
	c.races(
		func(turn int) func(int) string { return same(fmt.Sprint("key-", turn)) },
		func(turn int, list []answer) {
			sent := 2
			if n := said(list[:crowd-1], "reused"); n > 0 { // the other was first
				equal(e, n, crowd-1, "told that the key is used")
				sent = 1
			} else {
				equal(e, list[crowd-1].lines[0], "reused", "who asked otherwise was told")
				equal(e, said(list, list[0].lines[0]), crowd-1, "told %q", list[0].lines[0])
			}
			used += sent
			d, err := s.st.Drafting(e.ctx, access.DraftingQuery{Agency: agency, Day: accounts.DayOf(noon)})
			e.ok(err, "Drafting")
			equal(e, d.Used, used, "the counter")
			equal(e, len(s.lines(agency, "")), used, "requests")
		})
	c.dismiss()
}
