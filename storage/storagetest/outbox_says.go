package storagetest

import (
	"bytes"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// says returns what a message says, and nothing else of it.
func says(m mail.Message) mail.Message {
	return mail.Message{Subject: m.Subject, Text: m.Text, HTML: m.HTML, Data: m.Data, Sealed: m.Sealed}
}

// onlyOne are messages that say something in one way each, by their ids.
func onlyOne() map[string]mail.Message {
	list := map[string]mail.Message{}
	for id, erase := range map[string]func(m *mail.Message){
		"subject": func(m *mail.Message) { m.Text, m.Data, m.Sealed = "", mail.Data{}, nil },
		"text":    func(m *mail.Message) { m.Subject, m.Data, m.Sealed = "", mail.Data{}, nil },
		"data":    func(m *mail.Message) { m.Subject, m.Text, m.Sealed = "", "", nil },
		"sealed":  func(m *mail.Message) { m.Subject, m.Text, m.Data = "", "", mail.Data{} },
	} {
		m := letter(id, "r")
		erase(&m)
		list[id] = m
	}
	return list
}

func checkSays(e *env) {
	st := e.open()
	plain, bare := letter("plain", "r"), letter("bare", "r")
	plain.Sealed = nil
	bare.Erase()
	want := []mail.Message{bare, plain}
	for id, text := range map[string]string{
		"json": `{"link":"x"}\u003c\/"'`, "lines": "one\n\n> two\r\nthree\t\u2028four\u0085", "signs": `<a href="x">&amp;%s{{.Link}}$1?1`,
		"letters": "Ünïted ☂ Ελλάδα עברית 日本語 \U0001F600\u202e\u200b", "null": "null", "number": "00012", "quote": `'; DROP TABLE mails; --`,
	} {
		m := letter("says-"+id, "r")
		m.Subject, m.Text, m.ToName, m.User, m.From = text, text, text, text, mail.Sender{Name: text, Address: text}
		m.Data = mail.Data{
			Product: text, Agency: text, Client: text, Account: text, Recipient: text, Sender: text, Role: text, Address: text,
			Message: text, Reason: text, Link: text, Guide: text, Code: text, ExpiresAt: moments(3), At: moments(4),
		}
		want = append(want, m)
	}
	for id, data := range map[string]mail.Data{
		"1": {Code: "042"}, "2": {At: minutes(1)}, "3": {ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)}, "4": {Guide: " "},
	} {
		m := letter("some-"+id, "r")
		m.Data = data
		want = append(want, m)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for id, b := range map[string][]byte{
		"zero": {0}, "zeros": make([]byte, 40), "every": every, "no text": {0xff, 0xfe, 0, 0x80}, "text": []byte("text"), "digits": []byte("12"),
		"long": bytes.Repeat(every, 100),
	} {
		m := letter("sealed-"+id, "r")
		m.Erase()
		m.Sealed = b
		want = append(want, m)
	}
	for _, m := range want {
		stored := m
		stored.HTML = "<p>a page, which is made again</p>"
		fine := stored.Data.At.Add(999 * time.Nanosecond) // which no store keeps
		if !stored.Data.At.IsZero() {
			stored.Data.At = fine.In(time.FixedZone("elsewhere", 3600))
		}
		e.put(st, stored)
		got := e.claim(st, start, all)
		e.same(ids(got), []string{m.ID}, "the message that is due")
		e.same(got[0].Message, m, "the message %s", m.ID)
		e.settle(st, got[0], mail.Outcome{State: mail.Queued, At: start, Next: minutes(1)})
		m.Due = minutes(1)
		got = e.claim(st, minutes(1), all)
		e.same(got[0].Message, m, "the message %s, when it is tried again", m.ID)
		e.settle(st, got[0], mail.Outcome{State: mail.Dead, At: minutes(2)})
		e.put(st, again(m.ID))
		m.Due = start
		got = e.claim(st, start, all)
		e.same(got[0].Message, m, "the message %s, when it died and was queued again", m.ID)
		e.settle(st, got[0], mail.Outcome{State: mail.Sent, At: minutes(2)})
	}
}
