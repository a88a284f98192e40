// Jointx shows a host that keeps its own users, in a table of its own, in the
// same SQLite database as the library. Somebody who was invited registers: the
// host's row and the library's are written in one transaction, and are there
// together or not at all.
//
//	go run ./examples/jointx
//
// What to copy:
//
//   - open: one *sql.DB for both, with the complete DSN that sqlite.New asks for.
//   - registerIn: services bound to the transaction with With(store.JoinSQL(tx)),
//     and invites.NewLogin with the host's own id and Kept, which says that the
//     host keeps the login: no link and no reset ever sets a password for it.
//   - inTx: accounts.Repeat around the whole transaction.
//
// What to avoid: calling a service that is not bound to the transaction while
// one is open, since it would wait for it; and using what a joined call
// returned, such as a login, before the commit.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "jointx:", err)
		os.Exit(1)
	}
}

// run tells what happens to both sides' tables, step by step.
func run(ctx context.Context, w io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "chatelaine-jointx-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h, err := open(ctx, filepath.Join(dir, "app.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()

	link, err := h.begin(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "Nora is user 41 of the host, has badge 1, and has invited Ben to her studio.")
	if err := h.show(ctx, w, link); err != nil {
		return err
	}

	ben := person{ID: "42", Name: "Ben", Email: bensMail, Badge: 1}
	_, err = h.register(ctx, link, ben)
	if err == nil {
		return errors.New("two people got badge 1")
	}
	fmt.Fprintln(w, "\nBen registers, and is given badge 1 by mistake. Everything is rolled back:")
	fmt.Fprintln(w, " ", err)
	if err := h.show(ctx, w, link); err != nil {
		return err
	}

	ben.Badge = 2
	joined, err := h.register(ctx, link, ben)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "\nHe registers again, with badge 2. Everything is committed:")
	if err := h.show(ctx, w, link); err != nil {
		return err
	}

	// The login that was returned opens a session, now that it is committed.
	cookie, _, err := h.sessions.Start(ctx, joined.Login, access.Device{})
	if err != nil {
		return err
	}
	p, err := h.sessions.Principal(ctx, cookie.Reveal(), studio)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s is signed in at %s, as %s.\n", p.UserName, p.AccountName, p.Role())
	return nil
}

const (
	studio = accounts.AccountID("studio")

	bensMail = "ben@mail.example"
)

// schema is the host's own.
const schema = `
CREATE TABLE users (
	id    TEXT PRIMARY KEY,
	name  TEXT NOT NULL,
	email TEXT NOT NULL UNIQUE
);
CREATE TABLE badges (
	number  INTEGER PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES users,
	account TEXT NOT NULL
);`

// pragmas make every connection of the handle one that the store can keep its
// promises on. With _txlock=immediate a transaction waits for its turn at its
// beginning, and nobody overtakes it.
const pragmas = "?_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate"

// host is a program with a database of its own.
type host struct {
	db          *sql.DB
	env         *accounts.Env
	store       *sqlite.Store
	accounts    *accounts.Service
	invitations *invites.Service
	sessions    *access.Sessions
	post        *mail.Dispatcher
	mailbox     *mailtest.Recorder
}

// open opens the host's database, and the library on the same handle.
func open(ctx context.Context, file string) (*host, error) {
	db, err := sql.Open("sqlite", "file:"+file+pragmas)
	if err != nil {
		return nil, err
	}
	h := &host{db: db, mailbox: new(mailtest.Recorder)}
	if err := h.wire(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *host) wire(ctx context.Context) error {
	if _, err := h.db.ExecContext(ctx, schema); err != nil {
		return err
	}
	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", BaseURL: "https://app.letterbird.example"})
	if err != nil {
		return err
	}
	h.env = env
	if h.store, err = sqlite.New(ctx, h.db, nil); err != nil {
		return err
	}
	if h.accounts, err = accounts.New(h.store, env); err != nil {
		return err
	}
	if h.invitations, err = invites.New(h.store, env, nil); err != nil {
		return err
	}
	if h.sessions, err = access.NewSessions(h.store, env); err != nil {
		return err
	}
	h.post, err = mail.NewDispatcher(h.store, h.mailbox, env.DispatcherOptions(mail.Email))
	return err
}

// close gives back the store's connections first: the handle is the host's.
func (h *host) close() error {
	var err error
	if h.store != nil {
		err = h.store.Close()
	}
	return errors.Join(err, h.db.Close())
}

// person is a row of the host's, with the badge that goes with it.
type person struct {
	ID, Name, Email string
	Badge           int
}

// begin makes Nora a user of the host and the owner of the studio, has her
// invite Ben, and returns the link in his mail.
func (h *host) begin(ctx context.Context) (string, error) {
	nora := person{ID: "41", Name: "Nora", Email: "nora@studio.example", Badge: 1}
	job := accounts.System("sign-up")
	if err := h.inTx(ctx, func(tx *sql.Tx) error {
		if err := insertUser(ctx, tx, nora); err != nil {
			return err
		}
		graph := h.accounts.With(h.store.JoinSQL(tx))
		if _, err := graph.PutUser(ctx, job, accounts.PutUser{
			ID: accounts.UserID(nora.ID), Name: nora.Name, Email: nora.Email, Proven: true,
		}); err != nil {
			return err
		}
		a, err := graph.CreateAccount(ctx, job, accounts.CreateAccount{ID: studio, Name: "Northlight Studio", Owner: accounts.UserID(nora.ID)})
		if err != nil {
			return err
		}
		return insertBadge(ctx, tx, nora, a.ID)
	}); err != nil {
		return "", err
	}
	cookie, _, err := h.sessions.Start(ctx, accounts.Login{User: accounts.UserID(nora.ID), Method: "host"}, access.Device{})
	if err != nil {
		return "", err
	}
	p, err := h.sessions.Principal(ctx, cookie.Reveal(), studio)
	if err != nil {
		return "", err
	}
	if _, err := h.invitations.Invite(ctx, p.Actor(), invites.Invite{Account: studio, Email: bensMail, Role: roles.Author}); err != nil {
		return "", err
	}
	if _, err := h.post.Flush(ctx); err != nil {
		return "", err
	}
	m, _ := h.mailbox.Last(bensMail)
	const page = "https://app.letterbird.example/invitations/"
	url, ok := mailtest.Link(m, page)
	if !ok {
		return "", errors.New("no invitation in Ben's mailbox")
	}
	return strings.TrimPrefix(url, page), nil
}

// register makes the holder of an invitation's link a user of the host and a
// member of the account, or neither. What it returns is committed.
func (h *host) register(ctx context.Context, link string, p person) (invites.Joined, error) {
	var joined invites.Joined
	err := h.inTx(ctx, func(tx *sql.Tx) (err error) {
		joined, err = h.registerIn(ctx, tx, link, p)
		return err
	})
	if err != nil {
		return invites.Joined{}, err
	}
	return joined, nil
}

// registerIn is register inside a transaction. What it returns is provisional
// until that is committed.
func (h *host) registerIn(ctx context.Context, tx *sql.Tx, link string, p person) (invites.Joined, error) {
	if err := insertUser(ctx, tx, p); err != nil {
		return invites.Joined{}, err
	}
	joined, err := h.invitations.With(h.store.JoinSQL(tx)).AcceptNew(ctx, invites.NewLogin{
		Link: link, ID: accounts.UserID(p.ID), Name: p.Name, Kept: true,
	})
	if err != nil {
		return invites.Joined{}, err
	}
	// The host goes on with what it was told. If this fails, Ben joined nothing.
	return joined, insertBadge(ctx, tx, p, joined.Membership.Account)
}

func insertUser(ctx context.Context, tx *sql.Tx, p person) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO users (id, name, email) VALUES (?, ?, ?)", p.ID, p.Name, p.Email)
	return err
}

func insertBadge(ctx context.Context, tx *sql.Tx, p person, account accounts.AccountID) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO badges (number, user_id, account) VALUES (?, ?, ?)", p.Badge, p.ID, account)
	return err
}

// inTx runs a unit in a transaction and commits it. When the library answers
// accounts.ErrRepeat, others changed the same things after the transaction
// began: what it sees does not change by asking again, so the whole of it is
// rolled back and run anew, the host's part included. A unit therefore does
// nothing that a rollback does not undo, and starts from nothing each time.
func (h *host) inTx(ctx context.Context, unit func(tx *sql.Tx) error) error {
	return accounts.Repeat(ctx, h.env, func(ctx context.Context) error { return once(ctx, h.db, unit) })
}

func once(ctx context.Context, db *sql.DB, unit func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := unit(tx); err != nil {
		return err
	}
	return tx.Commit()
}
