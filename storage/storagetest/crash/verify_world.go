package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

// event is a row of the audit.
type event struct {
	op      string
	seq     int
	kind    string
	account string
	agency  string
	user    string
	request string
	invite  string
	session string
	client  string
	site    string
	by      string
	taken   bool
}

// message is a row of the outbox.
type message struct {
	id, kind, to, state string
}

// world is what one transaction read of the database, beside the ports.
type world struct {
	own    string // begins the ids of this run
	events []event
	byOp   map[string][]event // by number
	mails  []message
	mailed map[string][]message // by operation
	rows   map[string]int64     // the versions of this run's rows
	logins map[string]int       // of this run's users
	asked  map[string]int       // requests made, by agency and day
	used   map[string]int       // counters of requests, by agency and day
	states map[string]string    // of requests
	keys   map[string]bool      // idempotency keys
	emails [][3]string          // id, canonical and typed address of live users
	broken []string             // rules that statements found broken
	rules  []string             // those that were looked at
}

// tables are those whose rows have versions, with the columns that name a row.
// Requests have ids of their own in all agencies of a run.
func tables() map[string]string {
	return map[string]string{
		"users":       "id",
		"accounts":    "id",
		"memberships": "account_id || '|' || user_id",
		"connections": "client_id || '|' || agency_id",
		"assignments": "client_id || '|' || agency_id || '|' || user_id",
		"requests":    "id",
		"invitations": "account_id || '|' || id",
		"clients":     "account_id || '|' || id",
		"sites":       "account_id || '|' || id",
		"site_access": "account_id || '|' || client_id || '|' || site_id",
		"setup_links": "account_id || '|' || client_id",
		"sessions":    "id",
	}
}

// scan reads the columns of one row.
type scan func(dest ...any) error

// readWorld reads everything at one moment, since others may go on working.
func readWorld(ctx context.Context, db *sql.DB, c config) (w *world, err error) {
	w = &world{
		own: c.name + "-", byOp: map[string][]event{}, mailed: map[string][]message{}, rows: map[string]int64{}, logins: map[string]int{},
		asked: map[string]int{}, used: map[string]int{}, states: map[string]string{}, keys: map[string]bool{},
	}
	o := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if c.sqlite != "" {
		o = nil // a transaction of SQLite reads one moment in any case
	}
	var tx *sql.Tx
	if err := patiently(ctx, func() (err error) { tx, err = db.BeginTx(ctx, o); return err }); err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	each := func(query string, take func(scan) error) error {
		return eachRow(ctx, tx, query, take)
	}
	if err := errors.Join(w.readEvents(each), w.readRows(each), w.readCounts(each)); err != nil {
		return nil, err
	}
	for _, r := range rules() {
		w.rules = append(w.rules, r.id)
		if err := each(r.query, func(s scan) error {
			var what string
			err := s(&what)
			w.broken = append(w.broken, r.id+": "+r.says+": "+what)
			return err
		}); err != nil {
			return nil, errors.Join(errors.New(r.id), err)
		}
	}
	return w, nil
}

// eachRow runs a statement in a database or a transaction.
func eachRow(ctx context.Context, in interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string, take func(scan) error,
) error {
	rows, err := in.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := take(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// reader runs a statement.
type reader func(query string, take func(scan) error) error

func (w *world) readEvents(each reader) error {
	err := each(`SELECT op, seq, kind, account_id, agency_id, user_id, request_id, invitation_id, session_id, client_id, site_id, by_user, taken
		FROM chatelaine_events`, func(s scan) error {
		var e event
		var taken int64
		err := s(&e.op, &e.seq, &e.kind, &e.account, &e.agency, &e.user, &e.request, &e.invite, &e.session, &e.client, &e.site, &e.by, &taken)
		e.taken = taken != 0
		w.events = append(w.events, e)
		w.byOp[e.op] = append(w.byOp[e.op], e)
		return err
	})
	for _, list := range w.byOp {
		slices.SortFunc(list, func(a, b event) int { return cmp.Compare(a.seq, b.seq) })
	}
	return errors.Join(err, each(`SELECT id, kind, recipient, state FROM chatelaine_mails ORDER BY id`, func(s scan) error {
		var m message
		err := s(&m.id, &m.kind, &m.to, &m.state)
		w.mails = append(w.mails, m)
		op := opOf(m.id)
		w.mailed[op] = append(w.mailed[op], m)
		return err
	}))
}

// opOf returns the operation that a message belongs to.
func opOf(id string) string {
	if i := strings.LastIndexByte(id, '.'); i >= 0 {
		return id[:i]
	}
	return id
}

func (w *world) readRows(each reader) error {
	var all error
	for table, key := range tables() {
		all = errors.Join(all, each(`SELECT `+key+`, version FROM chatelaine_`+table, func(s scan) error {
			var id string
			var version int64
			err := s(&id, &version)
			if strings.HasPrefix(id, w.own) {
				w.rows[table+"|"+id] = version
			}
			return err
		}))
	}
	return all
}

func (w *world) readCounts(each reader) error {
	const day = `86400000000`
	number := func(into map[string]int) func(scan) error {
		return func(s scan) error {
			var key string
			var n int64
			err := s(&key, &n)
			into[key] = int(n)
			return err
		}
	}
	return errors.Join(
		each(`SELECT id, logins FROM chatelaine_users`, number(w.logins)),
		each(`SELECT agency_id || '|' || CAST(created_at / `+day+` AS TEXT), count(*) FROM chatelaine_requests GROUP BY 1`, number(w.asked)),
		each(`SELECT subject || '|' || CAST(day AS TEXT), used FROM chatelaine_quotas WHERE kind = 'requests'`, number(w.used)),
		each(`SELECT id, state FROM chatelaine_requests`, func(s scan) error {
			var id, state string
			err := s(&id, &state)
			w.states[id] = state
			return err
		}),
		each(`SELECT key FROM chatelaine_replies`, func(s scan) error {
			var key string
			err := s(&key)
			w.keys[key] = true
			return err
		}),
		each(`SELECT id, email, address FROM chatelaine_users WHERE deleted_at = 0`, func(s scan) error {
			var u [3]string
			err := s(&u[0], &u[1], &u[2])
			w.emails = append(w.emails, u)
			return err
		}),
	)
}
