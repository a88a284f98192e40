package storagetest_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

const (
	ruleChannels = "a channel's messages are claimed on it, and on no other"
	ruleSays     = "what a message says comes back as it was, byte for byte"
	ruleUntried  = "an attempt that was not begun does not count"
	ruleBounced  = "a bounce marks mail that was sent, and no other"
	ruleStays    = "a bounce stays, whatever comes afterwards, until it is swept"
	ruleNewest   = "the newest record of each reason is found, in the order asked"
	ruleThousand = "the newest record is asked for at most 1,000 reasons"
	ruleTooLate  = "dead mail past its time stays dead and loses its body"
	ruleWords    = "the texts of dead mail past its time are blanked"
	ruleHeldMail = `what is held of the kind "mail" is told whole, by its keys, without secrets`
	ruleTheirs   = "forgetting a user takes their mail along, wherever it went and why"
	ruleLate     = "queued mail past its time that nobody is sending is given up by a sweep, and says nothing any more"
	ruleOthers   = "forgetting touches nobody else's rows"
	ruleRace     = "dispatchers of both channels, cancellations and bounces at once keep each message's one way"
)

// letters changes the mail of a change on its way.
func letters(spoil func(m *mail.Message)) func() mutant {
	return func() mutant {
		return mutant{apply: stripped(func(c *storagetest.Change) {
			c.Mail = slices.Clone(c.Mail)
			for i := range c.Mail {
				spoil(&c.Mail[i])
			}
		})}
	}
}

// bounces changes what a change says of mail that came back.
func bounces(spoil func(c *storagetest.Change, b *mail.Bounce)) func() mutant {
	return func() mutant {
		return mutant{apply: stripped(func(c *storagetest.Change) {
			c.Bounced = slices.Clone(c.Bounced)
			for i := range c.Bounced {
				spoil(c, &c.Bounced[i])
			}
		})}
	}
}

// picking answers Newest with whatever of all records comes last in an order.
func picking(fits func(r mail.Record, asked mail.Reason) bool, order func(a, b mail.Record) int) func() mutant {
	return broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
		all, err := st.Mails(context.Background(), mail.Query{Limit: 1000})
		list := make([]mail.Record, len(reasons))
		for i, asked := range reasons {
			for _, r := range all {
				if asked != "" && fits(r, asked) && (list[i].ID == "" || order(r, list[i]) > 0) {
					list[i] = r
				}
			}
		}
		return list, err
	}})
}

func exactly(r mail.Record, asked mail.Reason) bool { return r.Reason == asked }

func byTime(a, b mail.Record) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// remembered is a store that shows messages as they once were.
func remembered(
	when func(c storagetest.Change, before mail.Record) bool, shown func(before, now mail.Record) mail.Record,
) func() mutant {
	return func() mutant {
		var mu sync.Mutex
		old := map[string]mail.Record{}
		return mutant{
			apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				all, _ := st.Mails(ctx, mail.Query{Limit: 1000})
				err := storagetest.Apply(ctx, st, c)
				mu.Lock()
				defer mu.Unlock()
				for _, r := range all {
					if err == nil && when(c, r) {
						old[r.ID] = r
					}
				}
				return err
			},
			over: func(st storage.Storage) storage.Storage {
				return loose{Storage: st, listing: func(_ storage.Storage, list []mail.Record) []mail.Record {
					mu.Lock()
					defer mu.Unlock()
					for i, r := range list {
						if before, found := old[r.ID]; found {
							list[i] = shown(before, r)
						}
					}
					return list
				}}
			},
		}
	}
}

// passedOver is a store to which bounces of some mail are no conflict.
func passedOver(fits func(r mail.Record) bool) func() mutant {
	return func() mutant {
		return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
			all, _ := st.Mails(ctx, mail.Query{Limit: 1000})
			c.Bounced = slices.DeleteFunc(slices.Clone(c.Bounced), func(b mail.Bounce) bool {
				var there mail.Record
				for _, r := range all {
					if r.ID == b.ID {
						there = r
					}
				}
				return fits(there)
			})
			return storagetest.Apply(ctx, st, c)
		}}
	}
}

// gaveUp is a store that tells something else of mail that a sweep gave up.
func gaveUp(spoil func(r *mail.Record)) func() mutant {
	return broken(loose{listing: func(_ storage.Storage, list []mail.Record) []mail.Record {
		for i := range list {
			if list[i].State == mail.Dead && list[i].Error == storage.TooLate {
				spoil(&list[i])
			}
		}
		return list
	}})
}

// Every rule of mail on its way can fail, and is found.
func TestTest_MailMutants(t *testing.T) {
	t.Parallel()
	caught(t, []mutation{
		{"an outbox with one queue for all channels", broken(loose{claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
			var got []mail.Delivery
			for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
				c.Channel = channel
				more, err := st.ClaimMail(context.Background(), c)
				if err != nil {
					return nil, err
				}
				got = append(got, more...)
			}
			return got, nil
		}}), "outbox", []string{ruleChannels}, true},
		{"a channel in any case", broken(loose{claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
			c.Channel = mail.Channel(strings.ToLower(string(c.Channel)))
			return st.ClaimMail(context.Background(), c)
		}}), "outbox", []string{ruleChannels}, false},
		{"a channel in the first come's place", broken(loose{claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
			got, err := st.ClaimMail(context.Background(), c)
			slices.SortFunc(got, func(a, b mail.Delivery) int { return cmp.Compare(a.Message.ID, b.Message.ID) })
			return got, err
		}}), "outbox", []string{ruleChannels}, true},
		{"an outbox that keeps no data", letters(func(m *mail.Message) { m.Data = mail.Data{} }), "outbox", []string{ruleSays}, true},
		{"an outbox that keeps some of the data", letters(func(m *mail.Message) { m.Data.Guide = "" }), "outbox", []string{ruleSays}, false},
		{"an outbox that ends what is sealed at a zero", letters(func(m *mail.Message) {
			m.Sealed, _, _ = bytes.Cut(m.Sealed, []byte{0})
		}), "outbox", []string{ruleSays}, true},
		{"an outbox that reads what is sealed as text", letters(func(m *mail.Message) {
			m.Sealed = bytes.ToValidUTF8(m.Sealed, []byte("?"))
		}), "outbox", []string{ruleSays}, true},
		{"an outbox that mends line ends", letters(func(m *mail.Message) {
			m.Text = strings.ReplaceAll(m.Text, "\r\n", "\n")
		}), "outbox", []string{ruleSays}, false},
		{"an outbox that hands out one copy of what is sealed", func() mutant {
			var mu sync.Mutex
			kept := map[string][]byte{}
			return mutant{over: func(st storage.Storage) storage.Storage {
				return loose{Storage: st, claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
					got, err := st.ClaimMail(context.Background(), c)
					mu.Lock()
					defer mu.Unlock()
					for i := range got {
						m := &got[i].Message
						if kept[m.ID] == nil {
							kept[m.ID] = m.Sealed
						}
						m.Sealed = kept[m.ID]
					}
					return got, err
				}}
			}}
		}, "rows", []string{"what was handed in is copied"}, false},
		{"an outbox that erases subject and text alone", func() mutant {
			var mu sync.Mutex
			kept := map[string]mail.Message{}
			return mutant{
				apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
					mu.Lock()
					for _, m := range c.Mail {
						if _, found := kept[m.ID]; !found {
							kept[m.ID] = m
						}
					}
					mu.Unlock()
					return storagetest.Apply(ctx, st, c)
				},
				over: func(st storage.Storage) storage.Storage {
					return loose{Storage: st, claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
						got, err := st.ClaimMail(context.Background(), c)
						mu.Lock()
						defer mu.Unlock()
						for i := range got {
							got[i].Message.Data, got[i].Message.Sealed = kept[got[i].Message.ID].Data, kept[got[i].Message.ID].Sealed
						}
						return got, err
					}}
				},
			}
		}, "outbox", []string{ruleTooLate}, false},
		{"an outbox that counts what was not begun", broken(loose{outcome: func(o *mail.Outcome) { o.Untried = false }}), "outbox", []string{ruleUntried}, true},
		{"an outbox that counts nothing that is put off", broken(loose{outcome: func(o *mail.Outcome) {
			o.Untried = o.State == mail.Queued
		}}), "outbox", []string{ruleUntried}, true},
		{"an outbox that hears of no bounce", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) { c.Bounced = nil })}
		}, "outbox", []string{ruleBounced, ruleStays, ruleNewest}, true},
		{"a bounce at the moment of its change", bounces(func(c *storagetest.Change, b *mail.Bounce) {
			b.At = c.Events[0].At
		}), "outbox", []string{ruleBounced, ruleStays}, false},
		{"a bounce that says nothing", bounces(func(_ *storagetest.Change, b *mail.Bounce) { b.Error = "" }), "outbox", []string{ruleBounced}, true},
		{"a bounce of whatever begins like it", bounces(func(_ *storagetest.Change, b *mail.Bounce) {
			b.ID = strings.ToLower(strings.TrimSpace(b.ID))
		}), "outbox", []string{ruleBounced}, false},
		{"a bounce of what was not sent that is passed over", passedOver(func(r mail.Record) bool {
			return r.State != mail.Sent
		}), "outbox", []string{ruleBounced, ruleStays}, true},
		{"a bounce of what is not there that is passed over", passedOver(func(r mail.Record) bool {
			return r.ID == ""
		}), "atomicity", []string{"nothing of a change is there when it has a bounce of mail that is not there"}, true},
		{"two bounces of one message that count once", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) {
				var once []mail.Bounce
				for _, b := range c.Bounced {
					if !slices.ContainsFunc(once, func(x mail.Bounce) bool { return x.ID == b.ID }) {
						once = append(once, b)
					}
				}
				c.Bounced = once
			})}
		}, "outbox", []string{ruleBounced}, false},
		{"a bounce that a cancelled reason takes back", remembered(func(c storagetest.Change, before mail.Record) bool {
			return before.State == mail.Bounced && slices.ContainsFunc(c.CancelMail, func(r mail.Reason) bool { return r.Covers(before.Reason) })
		}, func(_, now mail.Record) mail.Record {
			now.State = mail.Cancelled
			return now
		}), "outbox", []string{ruleStays}, false},
		{"a bounce that is queued again", remembered(func(c storagetest.Change, before mail.Record) bool {
			return before.State == mail.Bounced && slices.Contains(c.Requeue, before.ID)
		}, func(_, now mail.Record) mail.Record {
			now.State, now.Error = mail.Queued, ""
			return now
		}), "outbox", []string{ruleStays}, false},
		{"a second bounce that is passed over", passedOver(func(r mail.Record) bool {
			return r.State == mail.Bounced
		}), "outbox", []string{ruleStays}, true},
		{"a newest record of what lies below", picking(func(r mail.Record, asked mail.Reason) bool { return asked.Covers(r.Reason) }, byTime), "outbox", []string{ruleNewest}, true},
		{"a newest record of what begins alike", picking(func(r mail.Record, asked mail.Reason) bool {
			return strings.HasPrefix(string(r.Reason), string(asked))
		}, byTime), "outbox", []string{ruleNewest}, true},
		{"a newest record by id", picking(exactly, func(a, b mail.Record) int { return cmp.Compare(a.ID, b.ID) }), "outbox", []string{ruleNewest}, true},
		{"a newest record by when it is due", picking(exactly, func(a, b mail.Record) int {
			return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
		}), "outbox", []string{ruleNewest}, false},
		{"a newest record that is the first of its moment", picking(exactly, func(a, b mail.Record) int {
			return a.CreatedAt.Compare(b.CreatedAt)
		}), "outbox", []string{ruleNewest}, false},
		{"a newest record of what is on its way", picking(func(r mail.Record, asked mail.Reason) bool {
			return r.Reason == asked && r.State == mail.Queued
		}, byTime), "outbox", []string{ruleNewest}, true},
		{"a newest record of what did not come back", picking(func(r mail.Record, asked mail.Reason) bool {
			return r.Reason == asked && r.State != mail.Bounced
		}, byTime), "outbox", []string{ruleNewest}, false},
		{"newest records without those that are not there", broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
			got, err := st.Newest(context.Background(), reasons)
			return slices.DeleteFunc(got, func(r mail.Record) bool { return r.ID == "" }), err
		}}), "outbox", []string{ruleNewest, ruleThousand}, true},
		{"newest records in an order of their own", broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
			return st.Newest(context.Background(), slices.Sorted(slices.Values(reasons)))
		}}), "outbox", []string{ruleNewest, ruleThousand}, true},
		{"newest records for each reason once", broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
			var once []mail.Reason
			for _, r := range reasons {
				if !slices.Contains(once, r) {
					once = append(once, r)
				}
			}
			return st.Newest(context.Background(), once)
		}}), "outbox", []string{ruleNewest}, true},
		{"newest records for any number of reasons", broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
			var list []mail.Record
			for part := range slices.Chunk(reasons, 1000) {
				more, err := st.Newest(context.Background(), part)
				if err != nil {
					return nil, err
				}
				list = append(list, more...)
			}
			return list, nil
		}}), "outbox", []string{ruleThousand}, false},
		{"newest records for fewer reasons", broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
			got, err := st.Newest(context.Background(), reasons[:min(len(reasons), 999)])
			return append(got, make([]mail.Record, len(reasons)-len(got))...), err
		}}), "outbox", []string{ruleThousand}, false},
		{"a newest record of mail without a reason", broken(loose{newest: func(st storage.Storage, reasons []mail.Reason) ([]mail.Record, error) {
			got, err := st.Newest(context.Background(), reasons)
			all, _ := st.Mails(context.Background(), mail.Query{Limit: 1000})
			for i := range got {
				for _, r := range all {
					if reasons[i] == "" && r.Reason == "" {
						got[i] = r
					}
				}
			}
			return got, err
		}}), "outbox", []string{ruleNewest}, false},
		{"an outbox that does not know whom its mail is for", letters(func(m *mail.Message) {
			m.User = ""
		}), "people", []string{ruleForgotten, ruleTheirs, ruleHeldMail}, true},
		{"mail that is a user's by its reason alone", letters(func(m *mail.Message) {
			if !accounts.LoginReason(accounts.UserID(m.User)).Covers(m.Reason) {
				m.User = ""
			}
		}), "people", []string{ruleTheirs, ruleHeldMail}, true},
		{"mail about a login that is its user's, whomever it is for", letters(func(m *mail.Message) {
			for _, id := range []string{"u", "w"} {
				if accounts.LoginReason(accounts.UserID(id)).Covers(m.Reason) {
					m.User = id
				}
			}
		}), "people", []string{ruleTheirs, ruleHeldMail}, false},
		{"mail of users whose ids differ in case", letters(func(m *mail.Message) {
			m.User = strings.ToLower(m.User)
		}), "people", []string{ruleTheirs}, false},
		{"codes alone that are their user's", letters(func(m *mail.Message) {
			if m.Channel != mail.SMS {
				m.User = ""
			}
		}), "people", []string{ruleTheirs, ruleHeldMail}, true},
		{"mail that keeps its address when its user is forgotten", remembered(func(c storagetest.Change, before mail.Record) bool {
			return strings.HasSuffix(before.ID, "-of-u") && len(c.Forget) > 0
		}, func(before, now mail.Record) mail.Record {
			now.To = before.To
			return now
		}), "people", []string{ruleTheirs}, false},
		{"mail that keeps its error when its user is forgotten", remembered(func(c storagetest.Change, before mail.Record) bool {
			return strings.HasSuffix(before.ID, "-of-u") && len(c.Forget) > 0
		}, func(before, now mail.Record) mail.Record {
			now.Error = before.Error
			return now
		}), "people", []string{ruleTheirs}, false},
		{"a sweep that leaves mail that waits", broken(loose{sweeps: func(st storage.Storage, b storage.SweepBefore, limit int) (int, error) {
			queued, _ := st.Mails(context.Background(), mail.Query{State: mail.Queued, Limit: 1000})
			if slices.ContainsFunc(queued, func(r mail.Record) bool { return !r.NotAfter.IsZero() && !r.NotAfter.After(b.Texts) }) {
				b.Texts = time.Time{}
			}
			return st.Sweep(context.Background(), b, limit)
		}}), "sweep", []string{ruleLate}, true},
		{"a sweep that takes mail somebody is sending", broken(loose{claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
			c.Lease /= 3
			return st.ClaimMail(context.Background(), c)
		}}), "sweep", []string{ruleLate}, false},
		{"a sweep of mail a moment before its time is over", broken(loose{sweep: func(b *storage.SweepBefore) {
			b.Texts = b.Texts.Add(time.Microsecond)
		}}), "sweep", []string{ruleLate}, false},
		{"a sweep of mail a moment after its time is over", broken(loose{sweep: func(b *storage.SweepBefore) {
			b.Texts = b.Texts.Add(-time.Microsecond)
		}}), "sweep", []string{ruleLate}, false},
		{"a sweep that says nothing of what it gave up", gaveUp(func(r *mail.Record) { r.Error = "" }), "sweep", []string{ruleLate}, true},
		{"a sweep that gives up when the time was over", gaveUp(func(r *mail.Record) { r.SettledAt = r.NotAfter }), "sweep", []string{ruleLate}, true},
		{"a sweep that takes back what it gives up", gaveUp(func(r *mail.Record) { r.State = mail.Cancelled }), "sweep", []string{ruleLate}, true},
		{"a login that is forgotten with its neighbours'", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) {
				c.Forget = slices.Clone(c.Forget)
				for _, f := range c.Forget {
					if f.User == "u" {
						c.Forget = append(c.Forget, accounts.Forget{User: "uu"})
					}
				}
			})}
		}, "people", []string{ruleOthers}, false},
		{"an export that knows no codes", broken(loose{held: func(_ storage.Storage, q accounts.HeldQuery, list []accounts.Held) []accounts.Held {
			if q.Kind != accounts.HeldMail {
				return list
			}
			return slices.DeleteFunc(list, func(h accounts.Held) bool {
				r, _ := h.Row.(mail.Record)
				return r.Channel == mail.SMS
			})
		}}), "people", []string{ruleHeldMail}, true},
		{"a lease that is shorter than it says, on one channel", func() mutant {
			return mutant{mails: func(c mail.Claim) mail.Claim {
				if c.Channel == mail.SMS {
					c.Lease /= 2
				}
				return c
			}}
		}, "outbox leases", []string{"a lease hides a message until it ends, and no longer"}, true},
		{"an outbox that hands out nothing", broken(loose{claim: func(storage.Storage, mail.Claim) ([]mail.Delivery, error) {
			return nil, nil
		}}), "outbox leases", []string{ruleRace}, true},
		{"an outbox that hands out nothing in the end", func() mutant {
			var begun atomic.Pointer[time.Time]
			return broken(loose{claim: func(st storage.Storage, c mail.Claim) ([]mail.Delivery, error) {
				begun.CompareAndSwap(nil, &c.At)
				if c.At.Sub(*begun.Load()) > 1000*time.Hour {
					return nil, nil
				}
				return st.ClaimMail(context.Background(), c)
			}})()
		}, "outbox leases", []string{ruleRace}, false},
		{"an outbox that loses one of two settlements at once", func() mutant {
			var n atomic.Int32
			second := make(chan struct{})
			return broken(loose{settle: func(st storage.Storage, o mail.Outcome) error {
				switch n.Add(1) {
				case 1:
					select {
					case <-second:
						return nil
					case <-time.After(time.Minute): // nobody settles beside it
					}
				case 2:
					close(second)
				}
				return st.SettleMail(context.Background(), o)
			}})()
		}, "outbox leases", []string{ruleRace}, false},
	})
}
