package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// cancelChecks prove that a call whose caller went away does nothing or all.
func cancelChecks() []check {
	const gone = "callers go away at any moment; what they leave must be the state before or the state after (A93, A101)"
	return []check{
		{"every method is known to this suite", "a method without a case here is a method that nobody proved", checkMethods},
		{
			"a context that is over gives an error that reads as no decision, and no effect",
			"a storage error must never look like not found, conflict or fenced (A95, I-31)", checkCancelled,
		},
		{"contexts that end at random leave no part of a change", gone, raceCancelled},
	}
}

func checkMethods(e *env) {
	var names []string
	for _, c := range calls(change{}, mail.Delivery{}, accounts.EventDelivery{}) {
		names = append(names, c.name)
	}
	var methods []string
	of := reflect.TypeFor[storage.Storage]()
	for i := range of.NumMethod() {
		methods = append(methods, of.Method(i).Name)
	}
	e.same(names, methods, "the methods that have a case, and those of storage.Storage, by name")
}

// callable is a store on which each call that it returns has an effect or an
// answer.
func (e *env) callable(c change) (storage.Storage, []storeCall) {
	e.Helper()
	st := e.open()
	e.put(st, user("u"), account("a"), agency("g"), manages("a", "u"), connection("a", "g", roles.Admin),
		credential("u"), challenge("u", "a"), ticket("u", token.Reset), invitation("a", "i", "to@example.com", "u"),
		record("a", "c"), site("a", "p"), given("a", "c", "p"), setup("a", "c"), view("v", "a", "c", "u"),
		request("g", "r", "to@example.com", "u"), session("s", "u"), reply("user/u", "a", "k"),
		spend(accounts.QuotaRequests, "g", 1, 35), letter("dead", "r"), event("leased", 1, "a", start))
	e.settle(st, e.claim(st, start, all)[0], mail.Outcome{State: mail.Dead, At: minutes(1)})
	taken := e.events(st, start, 1)[0]
	e.put(st, letter("leased", "s"), event("also", 1, "a", start))
	sent := e.claim(st, start, all)[0]
	e.events(st, start, all)
	e.put(st, letter("due", "s"), event("due", 1, "a", start))
	return st, calls(c, sent, taken)
}

func checkCancelled(e *env) {
	c := e.change(user("new"), letter("new", "s"))
	st, every := e.callable(c)
	before := e.dump(st)
	over, cancel := context.WithCancel(e.ctx)
	cancel()
	late, stop := context.WithDeadline(e.ctx, time.Unix(1, 0))
	defer stop()
	for _, ctx := range []context.Context{over, late} {
		for _, call := range every {
			err := call.call(ctx, st)
			e.holds(err != nil, "%s with a context that is over succeeded", call.name)
			for _, decision := range []error{accounts.ErrNotFound, accounts.ErrConflict, accounts.ErrUnknown, mail.ErrFenced} {
				e.holds(!errors.Is(err, decision), "%s with a context that is over answers %q", call.name, err)
			}
		}
		e.unchanged(before, e.dump(st), "a call with a context that is over had an effect")
	}
	e.same(ids(e.claim(st, start, all)), []string{"due"}, "mail after calls with contexts that are over")
	e.same(ops(e.events(st, start, all)), []string{"due/1"}, "events after calls with contexts that are over")
	done := []string{"ApplyAccounts", "ApplyInvites", "Sweep"} // the first two repeat a change, and a sweep takes from the others
	for _, call := range every {
		if !slices.Contains(done, call.name) {
			e.ok(call.call(e.ctx, st), "%s with a context that lasts", call.name)
		}
	}
}

func raceCancelled(e *env) {
	st := e.open()
	e.put(st, agency("g"))
	const workers, each = 8, 25
	applied := make([][each]bool, workers)
	errs := together(workers, func(i int) error {
		random := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // test moments, not secrets
		for n := range each {
			ctx, cancel := context.WithTimeout(e.ctx, time.Duration(random.IntN(1500))*time.Microsecond)
			id := fmt.Sprintf("%d-%d", i, n)
			c := build(accounts.OpID("op-"+id), user(id), member("g", id, roles.Viewer), letter(id, "r"), session(id, id),
				credential(id), ticket(id, token.Reset), identity(id, id), spend(accounts.QuotaRequests, "g", 1, workers*each), reply("user/u", "g", id),
				record("g", id), site("g", id), given("g", id, id, "site.see"), view(id, "g", id, id), event("op-"+id, 1, "g", minutes(n)))
			err := st.ApplyAccess(ctx, c.Change)
			cancel()
			applied[i][n] = err == nil
		}
		return nil
	})
	for _, err := range errs {
		e.ok(err, "a worker")
	}
	count := 0
	for i := range workers {
		for n := range each {
			id := fmt.Sprintf("%d-%d", i, n)
			durable, err := st.Applied(e.ctx, accounts.OpID("op-"+id))
			e.ok(err, "Applied")
			e.holds(durable || !applied[i][n], "a change that succeeded is not there: %s", id)
			if durable {
				count++
			}
			m, err := st.Membership(e.ctx, accounts.StandingKey{User: accounts.UserID(id), Account: "g"})
			e.ok(err, "Membership")
			_, userErr := st.User(e.ctx, accounts.UserKey{ID: accounts.UserID(id)})
			_, sessionErr := st.Session(e.ctx, access.SessionKey{ID: accounts.SessionID(id)})
			_, replyErr := st.Reply(e.ctx, reply("user/u", "g", id).ReplyKey)
			means, _ := st.Means(e.ctx, accounts.UserKey{ID: accounts.UserID(id)})
			_, ticketErr := st.Ticket(e.ctx, access.TicketQuery{Hash: ticket(id, token.Reset).Hash})
			kept, err := st.Recording(e.ctx, accounts.RecordingQuery{
				Account: "g", Client: accounts.ClientID(id), Site: accounts.SiteID(id), Email: address(id),
			})
			e.ok(err, "Recording")
			_, viewErr := st.Viewing(e.ctx, access.ViewKey{Hash: hash("view " + id)})
			parts := []bool{
				m.Version == 1, userErr == nil, sessionErr == nil, replyErr == nil, means.Credential.Version == 1,
				len(means.Identities) == 1, ticketErr == nil, kept.Client.Version == 1, kept.Taken.ID != "", kept.Site.Version == 1,
				kept.Access.Version == 1, kept.Assigned == 1, viewErr == nil,
			}
			for _, there := range parts {
				e.holds(there == durable, "the event of %s is there: %v; its membership, user, session, reply, credential, identity, ticket and client: %v", id, durable, parts)
			}
		}
	}
	e.holds(e.used(st) == count, "%d changes are there, and the counter says %d", count, e.used(st))
	list, err := st.Mails(e.ctx, mail.Query{Limit: all})
	e.ok(err, "Mails")
	e.holds(len(list) == count, "%d changes are there, and %d messages", count, len(list))
	e.put(st, user("afterwards")) // and no lock is left behind
}
