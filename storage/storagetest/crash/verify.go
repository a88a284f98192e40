package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// verdict is what a verification found.
type verdict struct {
	Present, Absent     int // of the operations whose answer nobody has
	Events, Mails, Rows int
	Checked             []string
	Problems            []string
	More                int // problems that are not listed
}

// listed is how many problems a verdict lists of one sort.
const listed = 10

func (v *verdict) text() string {
	lines := slices.Clone(v.Problems)
	if v.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", v.More))
	}
	return "  " + strings.Join(lines, "\n  ")
}

// verifier reads the whole database, beside the ledger.
type verifier struct {
	c  config
	st storage.Storage
	b  *book
	w  *world

	mu    sync.Mutex
	v     verdict
	count map[string]int
}

// wrong notes what does not hold, under the rule that it breaks.
func (v *verifier) wrong(rule, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count[rule]++; v.count[rule] > listed {
		v.v.More++
		return
	}
	v.v.Problems = append(v.v.Problems, rule+": "+fmt.Sprintf(format, args...))
}

// checked notes what was looked at, each once.
func (v *verifier) checked(rules ...string) {
	for _, rule := range rules {
		if !slices.Contains(v.v.Checked, rule) {
			v.v.Checked = append(v.v.Checked, rule)
		}
	}
}

// verify is the process that looks at the database.
func verify(ctx context.Context, c config, out io.Writer) error {
	st, err := c.open(ctx, 8)
	if err != nil {
		return err
	}
	defer st.close()
	b, err := readBook(c.ledger)
	if err != nil {
		return err
	}
	v := &verifier{c: c, st: st.Storage, b: b, count: map[string]int{}}
	db, err := c.bare()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if c.final && c.alone {
		if err := v.drain(ctx, db); err != nil {
			return err
		}
	}
	if v.w, err = readWorld(ctx, db, c); err != nil {
		return err
	}
	for _, text := range b.wrong {
		v.wrong("an answer", "%s", text)
	}
	v.operations()
	v.versions()
	v.replies()
	v.queue()
	v.handedOver()
	v.sound()
	for _, look := range []func(context.Context) error{v.states, v.lists} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	if err := v.whole(ctx, db); err != nil {
		return err
	}
	v.v.Events, v.v.Mails, v.v.Rows = len(v.w.events), len(v.w.mails), len(v.w.rows)
	return json.NewEncoder(out).Encode(v.v)
}

// drain sends and hands over what is left, so that everything comes to its end.
// What killed workers had is leased for a while.
func (v *verifier) drain(ctx context.Context, db *sql.DB) error {
	var mu sync.Mutex
	tell := func(x line) error {
		mu.Lock()
		defer mu.Unlock()
		x.At = time.Now().UnixMicro()
		v.b.note(x)
		return nil
	}
	post, err := newDispatcher(v.st, tell)
	if err != nil {
		return err
	}
	feed, err := newFeed(v.st, tell)
	if err != nil {
		return err
	}
	if err := v.settledBefore(ctx, db); err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); rest(ctx, 50*time.Millisecond) {
		if _, err := post.Flush(ctx); err != nil {
			return err
		}
		if _, err := feed.Flush(ctx); err != nil {
			return err
		}
		var left int
		if err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM chatelaine_mails WHERE state = 'queued')
			+ (SELECT count(*) FROM chatelaine_events WHERE taken = 0)`).Scan(&left); err != nil || left == 0 {
			return err
		}
	}
	return nil // what is left then is found
}

// settledBefore finds what was settled, and would be settled once more now.
func (v *verifier) settledBefore(ctx context.Context, db *sql.DB) error {
	return errors.Join(
		eachRow(ctx, db, `SELECT id FROM chatelaine_mails WHERE state = 'queued'`, func(s scan) error {
			var id string
			err := s(&id)
			for _, x := range v.b.settled[id] {
				if x.State == string(mail.Sent) {
					v.wrong("sending", "%s was settled as sent, and is queued", id)
				}
			}
			return err
		}),
		eachRow(ctx, db, `SELECT op, seq FROM chatelaine_events WHERE taken = 0`, func(s scan) error {
			var op string
			var seq int
			err := s(&op, &seq)
			if _, taken := v.b.taken[eventKey(op, seq)]; taken {
				v.wrong("handing over", "%s was taken, and is offered again", eventKey(op, seq))
			}
			return err
		}),
	)
}
