package mailtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

func rules() []rule {
	return []rule{
		{name: "a message arrives as it is, for its one recipient", run: arrives},
		{name: "words of every kind arrive as they are", run: wordsArrive},
		{name: "a message without a page arrives as text alone", run: textAlone},
		{name: "no field brings in a recipient or a line of its own", run: inert},
		{name: "the sender is the product, unless the message names another", run: senders},
		{name: "the key follows from the ID alone", run: stableKey},
		{name: "different IDs have different keys", run: distinctKeys},
		{name: "many messages at once arrive once each, with their own words", run: concurrent},
		{name: "nothing is said to be sent whose context was over, unless it was", run: overBefore},
		{name: "a refusal for good is permanent", needs: Refuse, run: refused},
		{name: "a refusal for now is an error, and not permanent", needs: Defer, run: deferred},
		{name: "Send comes back soon after its context is done", needs: Hang, run: hangs},
		{name: "many at once come back soon after their contexts are done", needs: Hang, run: hangsAtOnce},
		{name: "a lost answer is worth trying again, with the same key", needs: Lose, run: lost},
		{name: "after all of that a good message is accepted", run: arrives},
	}
}

func arrives(e *env) {
	m := e.message(1)
	e.accepted(m)
	e.same(m, e.arrived(m))
}

func wordsArrive(e *env) {
	for i, words := range []string{
		`Quotes "double", 'single' and \ backslash`,
		"Grüße aus Köln, señor, ça va, 日本語, שלום, 👩‍👩‍👧",
		"=?utf-8?q?looks_encoded?= 100% =41 a=b&c=d",
		"one.\n.\n..\n.one\n.\r\n.\n",
		"From the beginning\n>From quoted\n-- \nsignature  \n\ttab\t\n",
		strings.Repeat("long ", 400),
		strings.Repeat("x", 3000),
		strings.Repeat("é", 1500),
		"--boundary\n--=_\nContent-Type: text/plain\n\n--\n",
		"https://app.example/" + strings.Repeat("SECRET7", 40) + "?a=1&b=%20",
		"{{.Link}} <b>bold</b> <!-- comment --> &amp; $HOME `date`",
	} {
		m := e.message(i)
		m.Text = words + "\n"
		m.HTML = "<pre>" + words + "</pre>\n"
		m.Subject = strings.TrimSpace(strings.Join(strings.Fields(words), " "))
		if r := []rune(m.Subject); len(r) > 150 {
			m.Subject = string(r[:150])
		}
		m.ToName = m.Subject
		e.accepted(m)
		e.same(m, e.arrived(m))
	}
}

func textAlone(e *env) {
	m := e.message(1)
	m.HTML = ""
	e.accepted(m)
	e.same(m, e.arrived(m))
}

func inert(e *env) {
	const attack = "x\r\nBcc: eve@mailtest.example\r\nTo: eve@mailtest.example\r\n\r\n.\r\nRCPT TO:<eve@mailtest.example>\r\n"
	for i, change := range []func(m *mail.Message){
		func(m *mail.Message) { m.Subject = attack },
		func(m *mail.Message) { m.ToName = attack },
		func(m *mail.Message) { m.From.Name = attack },
		func(m *mail.Message) { m.Kind, m.Account, m.Locale = attack, attack, attack },
		func(m *mail.Message) { m.ID += attack },
		func(m *mail.Message) { m.ToName = `", eve@mailtest.example, "` },
		func(m *mail.Message) { m.ToName = "Ada <eve@mailtest.example>," },
		func(m *mail.Message) { m.Text, m.HTML = attack, attack },
	} {
		m := e.message(i)
		change(&m)
		if err := e.send(e.Context(), m); err != nil {
			if !mail.IsPermanent(err) {
				e.Fatalf("a message that cannot be sent as it is must be permanent: %v", err)
			}
			continue
		}
		a := e.arrived(m)
		if strings.ContainsAny(a.Subject, "\r\n") || strings.ContainsAny(a.From.Name, "\r\n") {
			e.Fatal("an end of a line arrived inside a header")
		}
		m.Subject, m.Text, m.HTML = a.Subject, a.Text, a.HTML // they may have been made harmless
		e.same(m, a)
		if eve := e.h.Arrived(e.TB, "eve@mailtest.example"); len(eve) > 0 {
			e.Fatal("a field of a message brought in a recipient")
		}
	}
}

func senders(e *env) {
	product, named, own := e.message(1), e.message(2), e.message(3)
	named.From = mail.Sender{Name: "Grüne Wiese, \"Ltd.\""}
	own.From = mail.Sender{Name: "Elm", Address: "hello@elm.example"}
	var from [3]mail.Sender
	for i, m := range []mail.Message{product, named, own} {
		e.accepted(m)
		from[i] = e.arrived(m).From
		if from[i].Address == "" {
			e.Skip("the harness does not see senders")
		}
	}
	switch {
	case from[1].Address != from[0].Address:
		e.Fatalf("a message that only names its sender came from %q, and not from the product's %q", from[1].Address, from[0].Address)
	case from[1].Name != named.From.Name:
		e.Fatalf("the sender's name arrived as %q, and not as %q", from[1].Name, named.From.Name)
	case from[2] != own.From:
		e.Fatalf("a message from %+v arrived from %+v", own.From, from[2])
	}
}

func stableKey(e *env) {
	m := e.message(1)
	e.accepted(m)
	first := e.arrived(m).Key
	other := e.message(2) // the same message to the eye of whoever tries again: only the ID counts
	other.ID, other.To = m.ID, m.To
	other.Due = other.Due.AddDate(0, 0, 1)
	if err := e.send(e.Context(), other); err != nil {
		e.Fatalf("sending a message again returned %v", err)
	}
	for _, a := range e.h.Arrived(e.TB, m.To) { // one, where the other end takes out copies
		if a.Key != first {
			e.Fatalf("the same ID had the keys %q and %q: nobody could tell the copy after a lost answer", first, a.Key)
		}
	}
}

func distinctKeys(e *env) {
	seen := map[string]string{}
	for i, id := range []string{
		"a", "A", "a.1", "a.2", "a/1", "a%2F1", "a%2f1", "a 1", "a_1", "a-1", "a+1", "a@1", "a<1>", "a\"1", "a.", ".a", "a..1", "ä", "a=1", "a?1",
		strings.Repeat("a", 100), strings.Repeat("a", 101),
	} {
		m := e.message(i)
		m.ID = e.prefix + id
		e.accepted(m)
		key := e.arrived(m).Key
		if before, ok := seen[key]; ok {
			e.Fatalf("the IDs %q and %q have the same key %q: mailboxes would show one of two messages", before, id, key)
		}
		seen[key] = id
	}
}

func concurrent(e *env) {
	const workers, each = 8, 6
	ctx, cancel := context.WithTimeout(e.Context(), time.Minute)
	defer cancel()
	back := make(chan error, workers*each)
	for w := range workers {
		go func() {
			for i := range each {
				err := e.h.Mailer.Send(ctx, e.message(w*each+i))
				back <- err
				if err != nil { // the rule is over
					return
				}
			}
		}()
	}
	late, cancelLate := context.WithTimeout(e.Context(), time.Minute+soon)
	defer cancelLate()
	for range workers * each {
		select {
		case err := <-back:
			if err != nil {
				e.Fatalf("Send from many goroutines returned %v", err)
			}
		case <-late.Done():
			e.Fatal("Send from many goroutines did not come back: they wait for each other")
		}
	}
	for n := range workers * each {
		m := e.message(n)
		e.same(m, e.arrived(m))
	}
}

func overBefore(e *env) {
	ctx, cancel := context.WithCancel(e.Context())
	cancel()
	m := e.message(1)
	err := e.send(ctx, m)
	switch {
	case mail.IsPermanent(err):
		e.Fatalf("the end of a context is not permanent: %v", err)
	case err == nil && len(e.h.Arrived(e.TB, m.To)) != 1:
		e.Fatal("Send returned nil for a message that nobody accepted")
	}
}

func refused(e *env) {
	m := e.message(1)
	err := e.send(e.Context(), m)
	switch {
	case err == nil:
		e.Fatal("Send returned nil for a message that was refused")
	case !mail.IsPermanent(err):
		e.Fatalf("a message that was refused for good would be tried again: %v", err)
	}
	e.discreet(m, err)
}

func deferred(e *env) {
	m := e.message(1)
	err := e.send(e.Context(), m)
	switch {
	case err == nil:
		e.Fatal("Send returned nil for a message that was refused for now")
	case mail.IsPermanent(err):
		e.Fatalf("a message that was refused for now would never be tried again: %v", err)
	}
	e.discreet(m, err)
}

// discreet tells of an error that gives away more than it should. A dispatcher takes it out, so it is no failure.
func (e *env) discreet(m mail.Message, err error) {
	for name, s := range map[string]string{"recipient": m.To, "subject": m.Subject} {
		if strings.Contains(err.Error(), s) {
			e.Logf("the error has the %s in it, which does not belong in logs: %v", name, err)
		}
	}
}

func hangs(e *env) {
	ctx, cancel := context.WithTimeout(e.Context(), limit)
	defer cancel()
	err := e.send(ctx, e.message(1))
	switch {
	case err == nil:
		e.Fatal("Send returned nil, and nobody had answered")
	case mail.IsPermanent(err):
		e.Fatalf("a message that nobody answered would never be tried again: %v", err)
	}
}

func hangsAtOnce(e *env) {
	const many = 12
	ctx, cancel := context.WithTimeout(e.Context(), limit)
	defer cancel()
	back := make(chan error, many)
	for n := range many {
		go func() {
			err := e.h.Mailer.Send(ctx, e.message(n))
			if err == nil {
				err = fmt.Errorf("message %d: Send returned nil, and nobody had answered", n)
			} else if !mail.IsPermanent(err) {
				err = nil
			}
			back <- err
		}()
	}
	late, cancelLate := context.WithTimeout(e.Context(), limit+soon)
	defer cancelLate()
	for range many {
		select {
		case err := <-back:
			if err != nil {
				e.Fatal(err)
			}
		case <-late.Done():
			e.Fatalf("a Send beside others did not come back within %v after its context was done", soon)
		}
	}
}

func lost(e *env) {
	m := e.message(1)
	err := e.send(e.Context(), m)
	switch {
	case err == nil:
		e.Fatal("Send returned nil without an answer: what was lost would count as sent")
	case mail.IsPermanent(err):
		e.Fatalf("a message whose answer was lost would never be tried again: %v", err)
	}
	e.h.Answer(e.TB, Accept)
	e.accepted(m)
	all := e.h.Arrived(e.TB, m.To)
	if len(all) == 0 {
		e.Fatal("nothing arrived")
	}
	for _, a := range all {
		e.same(m, a)
		if a.Key != all[0].Key {
			e.Fatalf("the copies have the keys %q and %q", all[0].Key, a.Key)
		}
	}
}
