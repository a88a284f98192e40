package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// Bench measures the services' hot paths on a store, once with 1,000 and once
// with 100,000 client accounts, so that growth shows: Principal as a member and
// as a delegate, Can, a page of the chooser of somebody with that many accounts,
// with 10 and with 5,000, a batch of 35 requests, logins, and approvals,
// invitations and acceptances from eight goroutines. Open returns a fresh and
// empty store; it is called once for each size.
//
// A login costs what its password hash costs, which is made to be slow. Login
// takes the cheapest hash there is, so that the rest shows: three questions and
// two changes, of which one counts the try before anything is compared. What
// that hash costs, Hash tells.
func Bench(b *testing.B, open func(b *testing.B) storage.Storage) {
	b.Helper()
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := newTown(b, open(b), n)
			b.Run("Principal/member", func(b *testing.B) { t.principal(b, theAgency) })
			b.Run("Principal/delegate", func(b *testing.B) { t.principal(b, clientID(n/2)) })
			b.Run("Can", t.can)
			b.Run("Reach", t.reach)
			b.Run("Batch35", t.batch)
			b.Run("Approval", t.approval)
			b.Run("Chooser/10", func(b *testing.B) { t.chooser(b, 10) })
			b.Run("Chooser/5000", func(b *testing.B) { t.chooser(b, 5_000) })
			b.Run("Hash", t.hash)
			b.Run("Login", t.login)
			b.Run("Invite", t.invite)
			b.Run("Accept", t.accept)
		})
	}
}

// town is an agency with n client accounts, all of which its manager can
// enter, and more that have not been asked yet.
type town struct {
	st       storage.Storage
	clock    *tick
	env      *accounts.Env
	requests *access.Requests
	sessions *access.Sessions
	secret   string
	days     int
	asked    int
	all      int
	people   people
}

func clientID(i int) accounts.AccountID { return accounts.AccountID(fmt.Sprintf("client-%06d", i)) }
func ownerID(i int) accounts.UserID     { return accounts.UserID(fmt.Sprintf("owner-%06d", i)) }

func newTown(b *testing.B, st storage.Storage, n int) *town {
	b.Helper()
	t := &town{st: st, clock: new(tick)}
	at := start
	t.clock.at.Store(&at)
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	var err error
	t.env, err = accounts.NewEnv(&accounts.EnvOptions{
		Clock: t.clock, Burst: unlimited{}, Limits: accounts.Limits{SessionIdle: time.Hour, LastSeenEvery: 59 * time.Minute, DelegateIdle: time.Hour, RequestTTL: 100_000 * time.Hour, InvitationsPerDay: 1 << 30},
	})
	must(err)
	t.requests, err = access.NewRequests(st, t.env)
	must(err)
	t.sessions, err = access.NewSessions(st, t.env)
	must(err)

	boss, manager := user("boss"), user("manager")
	must(apply(b.Context(), st, build("seed", boss, manager, agency(string(theAgency)),
		member(string(theAgency), "boss", roles.Owner), member(string(theAgency), "manager", roles.Manager))))
	const chunk = 500
	t.all = n + min(n, 10_000)
	for from := 0; from < t.all; from += chunk {
		var rows []any
		for i := from; i < min(from+chunk, t.all); i++ {
			rows = append(rows, user(string(ownerID(i))), account(string(clientID(i))), member(string(clientID(i)), string(ownerID(i)), roles.Owner))
			if i < n {
				rows = append(rows, connection(string(clientID(i)), string(theAgency), roles.Manager),
					assignment(string(clientID(i)), string(theAgency), "manager", roles.Author))
			}
		}
		must(apply(b.Context(), st, build(accounts.OpID(fmt.Sprint("seed-", from)), rows...)))
	}
	secret, _, err := t.sessions.Start(b.Context(), accounts.Login{User: "manager"}, access.Device{})
	must(err)
	t.secret = secret.Reveal()
	t.asked = n
	return t
}

func (t *town) principal(b *testing.B, account accounts.AccountID) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if p, err := t.sessions.Principal(b.Context(), t.secret, account); err != nil || p.None() {
			b.Fatal(p, err)
		}
	}
}

func (t *town) can(b *testing.B) {
	p, err := t.sessions.Principal(b.Context(), t.secret, theAgency)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !p.Can(roles.ManageRequests) {
			b.Fatal("a manager cannot")
		}
	}
}

func (t *town) reach(b *testing.B) {
	p, err := t.sessions.Principal(b.Context(), t.secret, "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		page, err := t.sessions.Chooser(b.Context(), p.Actor(), access.ChoicePage{})
		if err != nil || len(page) != 50 {
			b.Fatal(len(page), err)
		}
	}
}

// manager signs the manager in on the day that the clock shows.
func (t *town) manager(b *testing.B) accounts.Actor {
	b.Helper()
	secret, _, err := t.sessions.Start(b.Context(), accounts.Login{User: "manager"}, access.Device{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := t.sessions.Principal(b.Context(), secret.Reveal(), theAgency)
	if err != nil {
		b.Fatal(err)
	}
	return p.Actor()
}

// batch sends 35 requests each UTC day.
func (t *town) batch(b *testing.B) {
	actor := t.manager(b)
	n := 0
	for b.Loop() {
		pasted := make([]string, 35)
		for i := range pasted {
			pasted[i] = fmt.Sprintf("to-%d-%d@example.com", t.days, i)
		}
		sent, err := t.requests.Send(b.Context(), actor, access.Batch{Agency: theAgency, Addresses: strings.Join(pasted, ","), Level: roles.Manager})
		if err != nil || sent.Sent != 35 {
			b.Fatal(sent.Sent, err)
		}
		t.days++
		n++
		t.clock.nextDay()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/batch")
}

// claimed empties the outbox and returns the links in it by address.
func (t *town) claimed(b *testing.B) map[string]string {
	b.Helper()
	links := map[string]string{}
	for {
		due, err := t.st.ClaimMail(b.Context(), mail.Claim{Channel: mail.Email, At: t.clock.Now(), Lease: 10_000 * time.Hour, Limit: 500})
		if err != nil {
			b.Fatal(err)
		}
		if len(due) == 0 {
			return links
		}
		for _, d := range due {
			if i := strings.Index(d.Message.Text, "creq_"); i >= 0 {
				links[d.Message.To] = strings.Fields(d.Message.Text[i:])[0]
			}
		}
	}
}

// approval asks b.N clients first, and then measures their approvals.
func (t *town) approval(b *testing.B) {
	links := make([]string, 0, b.N)
	owners := make([]accounts.Actor, 0, b.N)
	first := t.asked
	for len(links) < b.N {
		if t.asked+35 > t.all {
			b.Fatalf("%d accounts are not enough for %d approvals; use a shorter -benchtime", t.all, b.N)
		}
		pasted := make([]string, 35)
		for i := range pasted {
			pasted[i] = string(address(string(ownerID(t.asked + i))))
		}
		t.asked += 35
		t.clock.nextDay()
		actor := t.manager(b)
		if sent, err := t.requests.Send(b.Context(), actor, access.Batch{Agency: theAgency, Addresses: strings.Join(pasted, ",")}); err != nil || sent.Sent != 35 {
			b.Fatal(sent, err)
		}
		byAddress := t.claimed(b)
		for _, to := range pasted {
			if len(links) < b.N {
				links = append(links, byAddress[to])
			}
		}
	}
	for i := range links {
		secret, _, err := t.sessions.Start(b.Context(), accounts.Login{User: ownerID(first + i)}, access.Device{})
		if err != nil {
			b.Fatal(err)
		}
		p, err := t.sessions.Principal(b.Context(), secret.Reveal(), clientID(first+i))
		if err != nil {
			b.Fatal(err)
		}
		owners = append(owners, p.Actor())
	}
	fromEight(b, "approvals", func(i int) error {
		_, err := t.requests.Approve(b.Context(), owners[i], access.Decision{Link: links[i], Account: clientID(first + i)}, roles.Manager)
		return err
	})
}

// fromEight does something b.N times from eight goroutines, and reports how
// many that is in a second, and how long the slowest hundredth takes.
func fromEight(b *testing.B, what string, do func(i int) error) {
	b.Helper()
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	b.ResetTimer()
	errs := together(8, func(int) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= b.N {
				return nil
			}
			began := time.Now()
			if err := do(i); err != nil {
				return err
			}
			took[i] = time.Since(began)
		}
	})
	b.StopTimer()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what+"/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
