package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// shape is what an operation leaves behind as a whole: events in their order,
// and mail.
type shape struct {
	events []string
	mails  []string
	maybe  bool // done again, it changes nothing
}

// shapeOf returns what an operation leaves, given how many requests it sent.
func shapeOf(o *operation, sent int) (shape, bool) {
	repeated := func(kind string, n int) []string { return slices.Repeat([]string{kind}, n) }
	one := func(event string, mails ...string) (shape, bool) {
		return shape{events: []string{event}, mails: mails}, true
	}
	switch o.what {
	case "send", "send-again":
		return shape{repeated("request.sent", sent), repeated("access-requested", sent), true}, true
	case "disable":
		n, _ := strconv.Atoi(o.sets["=requests"])
		return shape{events: append([]string{"client-access.disabled"}, repeated("request.ended", n)...)}, true
	case "put-user":
		return shape{events: []string{"user.created"}, maybe: true}, true
	case "join-programme":
		return shape{events: []string{"programme.joined"}, maybe: true}, true
	case "enable-access":
		return shape{events: []string{"client-access.enabled"}, maybe: true}, true
	case "add-member":
		return shape{events: []string{"member.added"}, maybe: true}, true
	case "approve":
		return shape{events: []string{"request.approved", "colleague.assigned"}, mails: []string{"access-approved"}}, true
	case "decline":
		return shape{events: []string{"request.declined", "request.declined"}, mails: []string{"access-declined"}}, true
	case "accept-new":
		return shape{events: []string{"user.created", "invitation.accepted"}, mails: []string{"invitation-accepted"}}, true
	case "create-client":
		return shape{events: []string{"client.created", "site.assigned"}}, true
	case "set-up":
		return shape{events: []string{"user.created", "client.joined"}}, true
	case "open-account":
		return one("account.created")
	case "resend":
		return one("request.resent", "access-requested")
	case "withdraw":
		return one("request.withdrawn")
	case "cap":
		return one("connection.cap-changed", "cap-changed")
	case "assign":
		return one("colleague.assigned", "colleague-assigned")
	case "unassign":
		return one("colleague.unassigned")
	case "end":
		return one("connection.ended", "connection-ended")
	case "close":
		return one("account.closed")
	case "invite":
		return one("invitation.sent", "invited")
	case "reinvite":
		return one("invitation.resent", "invited")
	case "revoke":
		return one("invitation.revoked")
	case "turn-down":
		return one("invitation.declined", "invitation-declined")
	case "accept":
		return one("invitation.accepted", "invitation-accepted")
	case "role":
		return one("member.role-changed")
	case "suspend":
		return one("member.suspended")
	case "reactivate":
		return one("member.reactivated")
	case "remove":
		return one("member.removed")
	case "start", "log-in":
		return one("session.started")
	case "switch":
		return one("session.switched")
	case "sign-out":
		return one("session.ended")
	case "sign-up":
		return one("user.created", "address-proof")
	case "create-site":
		return one("site.created")
	case "edit":
		return one("client.updated")
	case "give":
		return one("site.assigned")
	case "take":
		return one("site.unassigned")
	case "suspend-client":
		return one("client.suspended")
	case "reactivate-client":
		return one("client.reactivated")
	case "delete-client":
		return one("client.deleted")
	case "hand-over":
		return one("setup-link.generated")
	}
	return shape{}, false
}

// did returns the events of an operation that tell of changes, in their order.
func (w *world) did(op string) []string {
	var kinds []string
	for _, e := range w.byOp[op] {
		if e.kind != "refused" {
			kinds = append(kinds, e.kind)
		}
	}
	return kinds
}

// operations compares each operation of the ledger with what is there of it
// (A84, A98, I-21, I-25, I-29).
func (v *verifier) operations() {
	for _, o := range v.b.ops {
		kinds, mails := v.w.did(o.id), v.w.mailed[o.id]
		sent := 0
		for _, k := range kinds {
			if k == "request.sent" {
				sent++
			}
		}
		want, known := shapeOf(o, sent)
		if !known {
			v.wrong("the program", "it does not know what %q leaves", o.what)
			continue
		}
		if o.unknown() {
			if len(kinds) > 0 {
				v.v.Present++
			} else {
				v.v.Absent++
			}
		}
		switch {
		case len(kinds) > 0 && (o.state == lineRefused || o.state == lineFailed):
			v.wrong("answers", "%s (%s) was answered with %q, and has left %v", o.id, o.what, o.err, kinds)
		case len(kinds) == 0 && o.state == lineDone && !want.maybe:
			v.wrong("answers", "%s (%s) was acknowledged, and there is nothing of it", o.id, o.what)
		case len(kinds) == 0 && len(mails) > 0:
			v.wrong("mail", "%s (%s) has left %d messages, and no event", o.id, o.what, len(mails))
		case len(kinds) > 0:
			v.compare(o, want, kinds, mails)
		}
		if o.state == lineDone && (o.what == "send" || o.what == "send-again") {
			v.sent(o, sent)
		}
	}
	v.foreign()
	v.checked("mail", "events", "answers")
}

// compare reports what an operation left that it must not, or not all of it.
func (v *verifier) compare(o *operation, want shape, kinds []string, mails []message) {
	if !slices.Equal(kinds, want.events) {
		v.wrong("events", "%s (%s, %s) has left the events %v, and not %v", o.id, o.what, o.state, kinds, want.events)
	}
	found := make([]string, len(mails))
	for _, m := range mails {
		n, err := strconv.Atoi(strings.TrimPrefix(m.id, o.id+"."))
		if err != nil || n < 1 || n > len(found) || found[n-1] != "" {
			v.wrong("mail", "%s (%s, %s) has left a message %s, of %d", o.id, o.what, o.state, m.id, len(mails))
			return
		}
		found[n-1] = m.kind
	}
	if !slices.Equal(found, want.mails) {
		v.wrong("mail", "%s (%s, %s) has left the mail %v, and not %v", o.id, o.what, o.state, found, want.mails)
	}
}

// sent compares how many requests an answer told of with how many there are, of
// this call or of the first one with its idempotency key (I-27).
func (v *verifier) sent(o *operation, sent int) {
	first := o.sets["=first"]
	if first == "" {
		if sent != o.n {
			v.wrong("answers", "%s was answered with %d requests, and has sent %d", o.id, o.n, sent)
		}
		return
	}
	before := 0
	for _, k := range v.w.did(first) {
		if k == "request.sent" {
			before++
		}
	}
	if sent > 0 && before > 0 || sent+before != o.n {
		v.wrong("replies", "%s was answered with %d requests, has sent %d, and %d were sent with the same key before", o.id, o.n, sent, before)
	}
}

// foreign looks at what no operation of this ledger wrote.
func (v *verifier) foreign() {
	for op, list := range v.w.byOp {
		for i, e := range list {
			if e.seq != i+1 {
				v.wrong("events", "the events of %s are numbered %s", op, numbers(list))
				break
			}
		}
		if strings.HasPrefix(op, v.w.own) && v.b.ops[op] == nil && len(v.w.did(op)) > 0 {
			v.wrong("events", "nobody began %s, and it has left %v", op, v.w.did(op))
		}
	}
	for op, list := range v.w.mailed {
		if len(v.w.byOp[op]) == 0 {
			v.wrong("mail", "there is mail of %s, such as %s, and no event of it", op, list[0].id)
		}
	}
}

func numbers(list []event) string {
	text := make([]string, len(list))
	for i, e := range list {
		text[i] = strconv.Itoa(e.seq)
	}
	return strings.Join(text, ", ")
}

// replies compares the answers that are kept for idempotency keys with the
// operations that had a key (A96, I-27).
func (v *verifier) replies() {
	want := map[string]bool{}
	for _, o := range v.b.ops {
		// A batch that is over the limit leaves the record of that alone, and an answer.
		if key := o.sets["=key"]; key != "" && len(v.w.byOp[o.id]) > 0 {
			if first := o.sets["=first"]; first != "" {
				key = first
			}
			want[key] = true
			if len(v.w.did(o.id)) > 0 && !v.w.keys[key] {
				v.wrong("replies", "%s (%s) is there, and the answer to its key is not", o.id, o.what)
			}
		}
	}
	for key := range v.w.keys {
		if strings.HasPrefix(key, v.w.own) && !want[key] {
			v.wrong("replies", "an answer is kept for the key %s, and its operation has left nothing", key)
		}
	}
	v.checked("replies")
}

// queue follows the mail that was settled (A85, I-22).
func (v *verifier) queue() {
	state := map[string]string{}
	for _, m := range v.w.mails {
		state[m.id] = m.state
	}
	for id, list := range v.b.settled {
		sent := 0
		for _, s := range list {
			if s.State != "sent" {
				continue
			}
			sent++
			if state[id] != "sent" && state[id] != "bounced" {
				v.wrong("sending", "%s was settled as sent, and is %q", id, state[id])
			}
			for _, at := range v.b.copies[id] {
				if at > s.At {
					v.wrong("sending", "%s was sent again after it was settled as sent", id)
				}
			}
		}
		if sent > 1 {
			v.wrong("sending", "%s was settled as sent %d times", id, sent)
		}
	}
	for id := range v.b.copies {
		if state[id] == "" {
			v.wrong("mail", "%s was sent, and there is no such message", id)
		}
	}
	if v.c.final && v.c.alone {
		for _, m := range v.w.mails {
			switch {
			case m.state == "queued":
				v.wrong("sending", "%s is queued, and nobody sends it", m.id)
			case m.state == "sent" && len(v.b.copies[m.id]) == 0:
				v.wrong("sending", "%s is sent, and nobody sent it", m.id)
			}
		}
	}
	v.checked("sending")
}

// handedOver follows the events that the host was given (D3).
func (v *verifier) handedOver() {
	there := map[string]bool{}
	for _, e := range v.w.events {
		key := eventKey(e.op, e.seq)
		there[key] = true
		if _, taken := v.b.taken[key]; taken && !e.taken {
			v.wrong("handing over", "%s was taken, and is offered again", key)
		}
		if v.c.final && v.c.alone && (!e.taken || v.b.handed[key] == 0) {
			v.wrong("handing over", "%s is there, was handed over %d times, and taken: %v", key, v.b.handed[key], e.taken)
		}
	}
	for key := range v.b.handed {
		if !there[key] {
			v.wrong("handing over", "%s was handed over, and is not there", key)
		}
	}
	v.checked("handing over")
}

// stateOf names a thing whose state can be asked.
func stateOf[T ~string](kind string, id T, more ...any) string {
	key := kind + "|" + string(id)
	for _, m := range more {
		key += "|" + fmt.Sprint(m)
	}
	return key
}
