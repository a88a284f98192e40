package accounts

import (
	"bufio"
	"context"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chatelaine-go/chatelaine/roles"
)

// ExportClients is the input of [Clients.Export].
type ExportClients struct {
	Account  AccountID
	Search   string         // as in [ClientPage]
	Statuses []ClientStatus // any of these; empty: all
}

// ClientColumns returns the header of an export: the names of its columns.
func ClientColumns() []string {
	return []string{
		"id", "first_name", "last_name", "email", "company", "postal_address", "phone", "notes", "locale",
		"status", "sites", "created_at", "invited_at", "active_at", "suspended_at",
	}
}

// Export writes an account's client records as CSV, newest first: a header
// ([ClientColumns]) and a line for each client, in UTF-8, as RFC 4180 says. It
// goes page by page and never holds them all; records that are made meanwhile
// are not in it. The actor is somebody who manages clients, a job or an
// operator; one who loses the right meanwhile gets no further page.
//
// Whoever opens the file in a spreadsheet runs no formula that somebody put into
// a field: each cell is quoted, and where one begins with "=", "+", "-", "@" or a
// control character, or would if another character parted the cells, an
// apostrophe stands before it. So "+49 30 1234" reads "'+49 30 1234". Times are in
// UTC, as RFC 3339 says; sites are parted by "; ", each with its permissions in
// brackets.
//
// The export is on record first, also when it is broken off. An error of the
// writer ends it, and is returned.
func (s *Clients) Export(ctx context.Context, actor Actor, in ExportClients, w io.Writer) error {
	if err := checkClientPage(in.Account, in.Search, in.Statuses); err != nil {
		return err
	}
	if w == nil {
		return &InvalidError{Field: "writer", Reason: "is missing"}
	}
	op := s.s.env.Begin(actor)
	if err := s.s.run(ctx, op, EventClientsExported, func(ctx context.Context) (Change, error) {
		account, err := s.s.st.Account(ctx, in.Account)
		if err != nil && (actor.IsHost() || !isNotFound(err)) {
			return Change{}, err
		}
		st, err := standing(ctx, s.s.st, actor.user, in.Account)
		if err != nil {
			return Change{}, err
		}
		return op.ExportClients(st, account)
	}); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	writeCSV(out, ClientColumns())
	q := ClientRecordQuery{Account: in.Account, Search: in.Search, Statuses: in.Statuses, Limit: s.s.env.Limits().PageMax}
	for {
		page, err := s.s.st.ClientRecords(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range page {
			writeCSV(out, e.cells())
		}
		if err := out.Flush(); err != nil || len(page) < q.Limit {
			return err
		}
		q.Before = page[len(page)-1].Cursor()
		if err := s.s.mayRead(ctx, actor, in.Account, roles.ManageClients, EventClientsExported, nil); err != nil {
			return err
		}
	}
}

// ExportClients decides whether somebody gets all client records of an account.
// It is on record.
func (o Operation) ExportClients(actor Standing, account Account) (Change, error) {
	if !o.Actor.IsHost() {
		if err := o.May(actor, roles.ManageClients); err != nil {
			return Change{}, err
		}
		if account.Version != actor.Account.Version {
			return Change{}, ErrConflict
		}
	}
	c := o.Relying()
	c.Guards = append(c.Guards, Guard{Account: account.ID, Version: account.Version})
	o.Record(&c, Event{Kind: EventClientsExported, Account: account.ID})
	return c, nil
}

// cells returns the line of a client, in the order of ClientColumns.
func (e ClientEntry) cells() []string {
	c := e.Client
	var sites strings.Builder
	for i, g := range e.Sites {
		if i > 0 {
			sites.WriteString("; ")
		}
		sites.WriteString(g.Name)
		sites.WriteString(" (")
		for j, p := range g.Permissions {
			if j > 0 {
				sites.WriteByte(' ')
			}
			sites.WriteString(string(p))
		}
		sites.WriteByte(')')
	}
	return []string{
		string(c.ID), c.FirstName, c.LastName, string(c.Email), c.Company, c.Postal, c.Phone, c.Notes, c.Locale,
		string(e.Status()), sites.String(), moment(c.CreatedAt), moment(c.InvitedAt), moment(c.ActiveAt), moment(c.SuspendedAt),
	}
}

func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// writeCSV writes one line. Every cell is quoted, so that one that looks like
// two is one. The writer keeps its first error until it is flushed.
func writeCSV(w *bufio.Writer, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_ = w.WriteByte('"')
		_, _ = w.WriteString(strings.ReplaceAll(inert(cell), `"`, `""`))
		_ = w.WriteByte('"')
	}
	_, _ = w.WriteString("\r\n")
}

// inert returns the text of a cell with an apostrophe wherever a spreadsheet
// would find the beginning of a formula: at the start, and behind what parts
// cells for somebody who opens the file with other separators than its own.
func inert(s string) string {
	const parts = ";|\t\r\n"
	var b strings.Builder
	if strings.IndexAny(s, "\t\r\n") == 0 {
		b.WriteByte('\'')
	}
	for s != "" {
		n := strings.IndexAny(s, parts) + 1
		if n == 0 {
			n = len(s)
		}
		if formula(s[:n]) {
			b.WriteByte('\'')
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}

// formula reports whether what is seen of a text begins with a sign that makes
// it a formula, also in its wide form. Spaces, quotes and what is not printed hide
// nothing.
func formula(s string) bool {
	s = strings.TrimLeftFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == '"' || r == utf8.RuneError || !unicode.IsPrint(r)
	})
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", r)
}
