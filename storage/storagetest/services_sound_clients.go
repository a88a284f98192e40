package storagetest

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// clientsSound ends the check unless what has to hold of client records, their
// links and views does hold: an address and a person are once in an account,
// over clients and members (I-02); a setup link has one effect, and the audit
// tells of it once (I-04, I-05); a view that counts rests on an active user, a
// living session and the right to view, and shows no more than the client sees
// (I-16, I-17); and nothing of a client who was deleted lives (I-20).
func (o *office) clientsSound(deleted map[accounts.UserID]bool) {
	o.Helper()
	audits := map[accounts.AccountID]clientAudit{}
	for _, key := range o.records {
		if _, done := audits[key.Account]; !done {
			audits[key.Account] = o.clientAudit(key.Account)
			o.apart(key.Account)
		}
		f, err := o.st.SettingUp(o.ctx, invites.SettingUpQuery{ClientKey: key, Day: accounts.DayOf(o.clock.Now())})
		if errors.Is(err, accounts.ErrNotFound) {
			continue // never recorded
		}
		o.ok(err, "SettingUp")
		o.recordSound(f, audits[key.Account].client[key.ID], deleted)
	}
	for _, v := range o.looks {
		o.viewSound(v, deleted)
	}
}

// apart ends the check unless an account's clients and members are different
// people with different addresses (I-02).
func (o *office) apart(at accounts.AccountID) {
	o.Helper()
	addresses, people := map[accounts.Email]bool{}, map[accounts.UserID]bool{}
	members, err := o.st.Members(o.ctx, accounts.MemberQuery{Account: at, Limit: 500})
	o.ok(err, "Members")
	for _, m := range members {
		addresses[m.User.Email], people[m.User.ID] = true, true
	}
	clients, err := o.st.ClientRecords(o.ctx, accounts.ClientRecordQuery{Account: at, Limit: 500})
	o.ok(err, "ClientRecords")
	for _, e := range clients {
		c := e.Client
		o.holds(!addresses[c.Email], "%s is the address of two in %s (I-02)", c.Email, at)
		o.holds(c.User == "" || !people[c.User], "%s is in %s twice (I-02)", c.User, at)
		addresses[c.Email] = true
		if c.User != "" {
			people[c.User] = true
		}
	}
}

// recordSound ends the check unless a client record, its link and what the audit
// tells of them agree (I-04, I-05, I-20).
func (o *office) recordSound(f invites.SettingUp, told map[accounts.EventKind]int, deleted map[accounts.UserID]bool) {
	o.Helper()
	c, l := f.Client, f.Link
	n := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	o.holds(told[accounts.EventClientDeleted] == n(!c.There()), "the audit tells of %v, and the client is %s (A105)", told, text(c))
	o.holds(told[invites.EventClientJoined] == n(!l.UsedAt.IsZero()), "the audit tells of %v, and the link is %s (I-04)", told, text(l))
	o.holds(l.UsedAt.IsZero() || !l.Counts(o.clock.Now(), c.ClientState, f.Maker), "a link that was used counts: %s (I-05)", text(l))
	if c.There() {
		o.holds(!deleted[c.User], "%s is deleted, and a client (I-20)", c.User)
		o.holds(l.UsedAt.IsZero() || c.User != "" && !c.ActiveAt.IsZero(), "a link was used, and the client is %s (I-04)", text(c))
		return
	}
	o.holds(c.User == "" && c.Name() == "" && c.Email == "" && c.Address == "", "a client who was deleted is %s (I-20)", text(c))
	o.holds(!l.Counts(o.clock.Now(), c.ClientState, f.Maker), "the link of a client who was deleted counts: %s (I-20)", text(l))
	queued, err := o.st.Mails(o.ctx, mail.Query{State: mail.Queued, Reason: accounts.RecordReason(c.ClientKey), Limit: 10})
	o.ok(err, "Mails")
	o.holds(len(queued) == 0, "a client was deleted, and mail about them is queued: %s (I-20)", text(queued))
}

// viewSound ends the check unless a view that counts rests on what it must, and
// the audit tells once of what became of it (I-04, I-16, I-17, I-20).
func (o *office) viewSound(v *look, deleted map[accounts.UserID]bool) {
	o.Helper()
	f, err := o.st.Viewing(o.ctx, access.ViewKey{ID: v.id})
	o.ok(err, "Viewing")
	told := o.clientAudit(f.View.Account).view[v.id]
	for kind, was := range map[accounts.EventKind]bool{
		access.EventViewStarted: true, access.EventViewOpened: !f.View.OpenedAt.IsZero(), access.EventViewEnded: !f.View.EndedAt.IsZero(),
	} {
		o.holds((told[kind] == 1) == was && told[kind] <= 1, "the audit tells %d times of %s, and the view is %s (I-04)", told[kind], kind, text(f.View))
	}
	if v.secret == "" {
		return
	}
	seen, err := o.views.Viewed(o.ctx, v.secret)
	if errors.Is(err, access.ErrNoSession) {
		return
	}
	o.ok(err, "Viewed")
	o.holds(seen.ID == v.id && !deleted[seen.Viewer] && f.Standing.User.Active() && f.Client.Active() && f.Session.EndedAt.IsZero() &&
		f.View.EndedAt.IsZero() && f.Client.User != seen.Viewer, "a view counts that is %s (I-16, I-20)", text(f))
	m := o.member(seen.Viewer, seen.Account)
	o.holds(m.Active() && (m.Role == roles.Owner || m.Role == roles.Admin), "a view counts of somebody who is %s (I-17)", text(m))
	by := seen.Actor().By()
	o.holds(by.User == seen.Viewer && by.Client == f.Client.ID, "a view names %s (I-17)", text(by))
	list, err := o.st.ClientRecords(o.ctx, accounts.ClientRecordQuery{Account: seen.Account, Client: seen.Client, Limit: 1})
	o.ok(err, "ClientRecords")
	o.holds(len(list) == 1, "a view counts as a client who is not there (I-20)")
	o.same(seen.Sites(), list[0].Sites, "what a view shows (I-17)")
}

// clientAudit is how often the audit of an account tells of each client and each
// view, by what happened.
type clientAudit struct {
	client map[accounts.ClientID]map[accounts.EventKind]int
	view   map[accounts.ViewID]map[accounts.EventKind]int
}

func (o *office) clientAudit(at accounts.AccountID) clientAudit {
	o.Helper()
	a := clientAudit{map[accounts.ClientID]map[accounts.EventKind]int{}, map[accounts.ViewID]map[accounts.EventKind]int{}}
	q := accounts.EventQuery{Account: at, Limit: 500, Kinds: []accounts.EventKind{
		accounts.EventClientDeleted, invites.EventClientJoined, access.EventViewStarted, access.EventViewOpened, access.EventViewEnded,
	}}
	list, err := o.st.Events(o.ctx, q)
	o.ok(err, "Events")
	o.holds(len(list) < q.Limit, "there are more events of %s than a page has", at)
	for _, e := range list {
		if a.client[e.Client] == nil {
			a.client[e.Client] = map[accounts.EventKind]int{}
		}
		a.client[e.Client][e.Kind]++
		if e.View == "" {
			continue
		}
		if a.view[e.View] == nil {
			a.view[e.View] = map[accounts.EventKind]int{}
		}
		a.view[e.View][e.Kind]++
		o.holds(e.By.User != "" && (e.Kind != access.EventViewOpened || e.By.Client == e.Client), "an event of a view names %s (A69, I-17)", text(e.By))
	}
	return a
}
