package processtest

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

func mails() []race {
	return []race{
		{"eight processes send what others take back and report, and each message goes once or not at all", raceDispatch},
	}
}

func mailJobs() map[string]job {
	return map[string]job{"email": dispatches, "sms": dispatches, "take back": takesBack}
}

// What the processes say of a message, and of a reason.
const (
	mailClaimed = "claimed" // id, when the claim began
	mailSent    = "sent"    // id
	mailTaken   = "taken"   // reason, when taking it back was over
)

const (
	messages = 400
	reasons  = 20
)

// takenBack reports whether a reason is one in four, which are taken back.
func takenBack(reason int) bool { return reason%4 == 0 }

func messageID(i int) string { return fmt.Sprintf("m%03d", i) }

// dispatches claims and settles on one channel until nothing is due, and says
// which messages it was given, and which were recorded as sent. It gives one in
// five back.
func dispatches(p *process) (func(string) error, error) {
	st, err := p.open()
	channel := mail.Channel(p.job)
	return func(string) error {
		for n := 0; ; n++ {
			began := time.Now().UnixNano()
			got, err := st.ClaimMail(p.ctx, mail.Claim{Channel: channel, At: noon, Lease: time.Hour, Limit: 1 + n%4})
			if errors.Is(err, accounts.ErrConflict) {
				continue // busy
			}
			if err != nil || len(got) == 0 {
				return err
			}
			for i, d := range got {
				if d.Message.Channel != channel {
					return fmt.Errorf("%s goes by %s and was claimed on %s", d.Message.ID, d.Message.Channel, channel)
				}
				p.say(fmt.Sprint(mailClaimed, " ", d.Message.ID, " ", began))
				o := mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: noon}
				if (n+i)%5 == 4 {
					o.State, o.Next, o.Untried = mail.Queued, noon, true
				}
				err := until(p.ctx, func() error { return st.SettleMail(p.ctx, o) })
				switch {
				case err == nil && o.State == mail.Sent:
					p.say(fmt.Sprint(mailSent, " ", d.Message.ID, " 0"))
				case err != nil && !errors.Is(err, mail.ErrFenced):
					return err
				}
			}
		}
	}, err
}

// takesBack takes one reason in four back, and reports messages as come back that
// have been sent.
func takesBack(p *process) (func(string) error, error) {
	st, err := p.open()
	return func(string) error {
		for i := range reasons {
			if takenBack(i) {
				c := change(fmt.Sprint("cancel-", i), func(c *access.Change) { c.CancelMail = []mail.Reason{mail.ReasonFor("r", fmt.Sprint(i))} })
				if err := until(p.ctx, func() error { return st.ApplyAccess(p.ctx, c) }); err != nil {
					return err
				}
				p.say(fmt.Sprint(mailTaken, " ", i, " ", time.Now().UnixNano()))
			}
			for n := i; n < messages; n += reasons {
				id := messageID(n)
				err := st.ApplyAccess(p.ctx, change("back-"+id, func(c *access.Change) {
					c.Bounced = []mail.Bounce{{ID: id, At: noon, Error: "no such mailbox"}}
				}))
				if err != nil && !errors.Is(err, accounts.ErrConflict) { // it was not sent yet, or never is
					return err
				}
			}
			time.Sleep(5 * time.Millisecond) // the others are at work by then
		}
		return nil
	}, err
}

// Eight processes send the mail of two channels, while another takes reasons
// back and reports messages as come back. Each message goes once, on its own
// channel, or is taken back; none is given to anybody whose claim began when its
// reason was gone; and what came back is what was sent (A85, A87, I-22, I-24).
func raceDispatch(e *env) {
	s := e.scene()
	e.ok(s.st.ApplyAccess(e.ctx, change("promise", func(c *access.Change) {
		for i := range messages {
			c.Mail = append(c.Mail, mail.Message{
				ID: messageID(i), Channel: []mail.Channel{mail.Email, mail.SMS}[i%2], Kind: "test", Account: "a", To: "x@example.com",
				Subject: "Subject", Text: "Text", Reason: mail.ReasonFor("r", fmt.Sprint(i%reasons)), Due: noon, CreatedAt: noon,
			})
		}
	})), "400 messages")
	c := s.crew("email", "sms", "email", "sms", "email", "sms", "email", "sms", "take back")
	list := c.held(same(""))
	c.dismiss()
	e.holds(c.met, "no two processes were under way at one moment")

	sent := map[string]bool{}
	gone := map[int]int64{}
	given := map[string]int64{} // the last claim
	busy := 0
	for _, a := range list {
		for k, line := range a.lines {
			var what, id string
			var at int64
			_, err := fmt.Sscan(line, &what, &id, &at)
			e.ok(err, "%q", line)
			switch what {
			case mailClaimed:
				given[id] = max(given[id], at)
				if k == 0 {
					busy++
				}
			case mailSent:
				e.holds(!sent[id], "%s was sent twice", id)
				sent[id] = true
			case mailTaken:
				reason, err := strconv.Atoi(id)
				e.ok(err, "%q", line)
				gone[reason] = at
			}
		}
	}
	e.holds(busy > 1, "%d of 8 dispatchers were given something", busy)
	equal(e, len(gone), reasons/4, "reasons that were taken back")
	records, err := s.st.Mails(e.ctx, mail.Query{Limit: 1000})
	e.ok(err, "Mails")
	equal(e, len(records), messages, "records")
	states := map[mail.State]int{}
	for i, r := range records { // in the order of their ids
		states[r.State]++
		if at, taken := gone[i%reasons]; taken {
			e.holds(given[r.ID] <= at, "%s was given to somebody who asked when its reason was gone", r.ID)
		}
		if sent[r.ID] {
			e.holds(r.State == mail.Sent || r.State == mail.Bounced, "%s was sent, and is %s", r.ID, r.State)
			continue
		}
		equal(e, r.State, mail.Cancelled, "%s, which nobody sent", r.ID)
		e.holds(takenBack(i%reasons), "%s was taken back, and nobody took back its reason", r.ID)
	}
	e.holds(states[mail.Cancelled] > 0 && len(sent) > 0, "the messages ended as %v, and %d were sent", states, len(sent))
	e.Logf("%v; %d dispatchers at work", states, busy)
}
