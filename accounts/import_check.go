package accounts

import (
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// notImported is the answer for a row that is refused.
func notImported(err error) ImportResult { return ImportResult{Outcome: ImportRefused, Err: err} }

func twice(field string) error {
	return &InvalidError{Field: field, Reason: "stands in another row of the import too"}
}

func tooMany(field string) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf("has more than %d entries", MaxImportRow)}
}

// inPlace names the entry that breaks a rule by its place, counted from 1.
func inPlace(field string, i int, what string) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf("has, in place %d, %s", i+1, what)}
}

// importAt is where a row stands in its list.
type importAt int

func (a importAt) place() int { return int(a) }

// userRow is a user of an import who breaks no rule by themselves. Contested
// are the values that another row of the import wants too.
type userRow struct {
	importAt
	want       User
	identities []IdentityKey
	hash       string

	contestedEmail      bool
	contestedHandle     bool
	contestedIdentities []bool // in the order of the identities
}

func (r userRow) weight() int { return 1 + len(r.identities) }

// wantsEmail reports whether the row would give the user another address.
func (r userRow) wantsEmail(u User) bool { return r.want.Email != "" && r.want.Email != u.Email }

// wantsHandle reports whether the row would give the user a user name that is
// told apart from the one they have.
func (r userRow) wantsHandle(u User) bool {
	return r.want.Handle != "" && NameKey(r.want.Handle) != NameKey(u.Handle)
}

type accountRow struct {
	importAt
	ImportAccount
}

func (r accountRow) weight() int { return 1 + len(r.Owners) }

type memberRow struct {
	importAt
	ImportMember
}

func (r memberRow) weight() int { return 1 }

type connectionRow struct {
	importAt
	ImportConnection
}

func (r connectionRow) weight() int { return 1 + len(r.Assigned) }

func (r connectionRow) key() ConnectionKey { return ConnectionKey{Client: r.Client, Agency: r.Agency} }

// size returns how many rows an import has, those inside rows included.
func (in Import) size() int {
	n := len(in.Users) + len(in.Accounts) + len(in.Members) + len(in.Connections) + len(in.Sites) + len(in.Clients)
	for i := range in.Users {
		n += len(in.Users[i].Identities)
	}
	for i := range in.Accounts {
		n += len(in.Accounts[i].Owners)
	}
	for i := range in.Connections {
		n += len(in.Connections[i].Assigned)
	}
	for i := range in.Clients {
		n += len(in.Clients[i].Sites)
	}
	return n
}

// checkUsers returns the users who break no rule by themselves, and answers the
// others.
func checkUsers(rows []ImportUser) ([]userRow, []ImportResult) {
	ids, emails, handles, identities := map[UserID]int{}, map[Email]int{}, map[string]int{}, map[IdentityKey]int{}
	for i := range rows {
		ids[rows[i].ID]++
		if email, err := ParseEmail(rows[i].Email); err == nil {
			emails[email]++
		}
		if key := NameKey(rows[i].Handle); key != "" {
			handles[key]++
		}
		for _, key := range rows[i].Identities {
			identities[key]++
		}
	}
	return checkRows(rows, func(at importAt, in ImportUser) (userRow, error) {
		r, err := in.row(at)
		if err == nil && ids[in.ID] > 1 {
			err = twice("id")
		}
		if err != nil {
			return r, err
		}
		r.contestedEmail = emails[r.want.Email] > 1
		r.contestedHandle = handles[NameKey(r.want.Handle)] > 1
		for _, key := range r.identities {
			r.contestedIdentities = append(r.contestedIdentities, identities[key] > 1)
		}
		return r, nil
	})
}

func (in ImportUser) row(at importAt) (userRow, error) {
	r := userRow{importAt: at, identities: in.Identities, hash: in.Password}
	if len(in.Identities) > MaxImportRow {
		return r, tooMany("identities")
	}
	var err error
	if r.want, err = (PutUser{
		ID: in.ID, Name: in.Name, Handle: in.Handle, Email: in.Email, Proven: in.Proven, Locale: in.Locale,
		Identities: in.Identities,
	}).user(); err != nil {
		return r, err
	}
	if in.Kept && in.Password != "" {
		return r, &InvalidError{Field: "password", Reason: "is given for a user whose login the host keeps"}
	}
	r.want.Kept = in.Kept
	if err := checkHash(in.Password); err != nil {
		return r, err
	}
	r.want.CreatedAt, err = checkCreated(in.CreatedAt)
	return r, err
}

func checkHash(hash string) error {
	if len(hash) > MaxHash {
		return &InvalidError{Field: "password", Reason: "is longer than 512 bytes"}
	}
	for i := range len(hash) {
		if hash[i] < ' ' || hash[i] > '~' {
			return &InvalidError{Field: "password", Reason: "has a character that is not printable ASCII"}
		}
	}
	return nil
}

// checkCreated returns when a row came to the host. Stores keep whole
// microseconds since 1970, of which none is never.
func checkCreated(at time.Time) (time.Time, error) {
	if at.IsZero() {
		return at, nil
	}
	if at = at.UTC().Truncate(time.Microsecond); at.Before(time.UnixMicro(1)) {
		return at, &InvalidError{Field: "createdAt", Reason: "is not after the beginning of 1970"}
	}
	return at, nil
}

// checkAccounts is [checkUsers] for accounts.
func checkAccounts(rows []ImportAccount) ([]accountRow, []ImportResult) {
	ids := map[AccountID]int{}
	for i := range rows {
		ids[rows[i].ID]++
	}
	return checkRows(rows, func(at importAt, in ImportAccount) (accountRow, error) {
		r := accountRow{at, in}
		if err := r.check(); err != nil {
			return r, err
		}
		if ids[in.ID] > 1 {
			return r, twice("id")
		}
		var err error
		r.CreatedAt, err = checkCreated(in.CreatedAt)
		return r, err
	})
}

func (r accountRow) check() error {
	if err := CheckID("id", r.ID); err != nil {
		return err
	}
	if r.Kind != "" && !r.Kind.valid() {
		return &InvalidError{Field: "kind", Reason: "is not standard, agency or franchise"}
	}
	if err := checkText("name", r.Name, 1, maxName); err != nil {
		return err
	}
	if err := checkText("plan", r.Plan, 0, maxName); err != nil {
		return err
	}
	if err := CheckLocale(r.Locale); err != nil {
		return err
	}
	if len(r.Owners) > MaxImportRow {
		return tooMany("owners")
	}
	seen := map[UserID]bool{}
	for _, id := range r.Owners {
		if err := CheckID("owners", id); err != nil {
			return err
		}
		if seen[id] {
			return &InvalidError{Field: "owners", Reason: "has a user twice"}
		}
		seen[id] = true
	}
	return nil
}

// checkMembers is [checkUsers] for members. They come out by account, and new
// owners first: only then is it known who is the last one.
func checkMembers(l *roles.Ladder, rows []ImportMember) ([]memberRow, []ImportResult) {
	pairs, order := map[StandingKey]int{}, map[AccountID]int{}
	for _, r := range rows {
		pairs[StandingKey{User: r.User, Account: r.Account}]++
		if _, known := order[r.Account]; !known {
			order[r.Account] = len(order)
		}
	}
	queue, out := checkRows(rows, func(at importAt, in ImportMember) (memberRow, error) {
		r := memberRow{at, in}
		if err := checkIDs(in.Account, in.User); err != nil {
			return r, err
		}
		if !l.Has(in.Role) {
			return r, &InvalidError{Field: "role", Reason: "is not a role of the ladder"}
		}
		if pairs[StandingKey{User: in.User, Account: in.Account}] > 1 {
			return r, twice("user")
		}
		return r, nil
	})
	rank := func(r memberRow) int {
		if r.Role == l.Top() {
			return 2 * order[r.Account]
		}
		return 2*order[r.Account] + 1
	}
	slices.SortStableFunc(queue, func(a, b memberRow) int { return rank(a) - rank(b) })
	return queue, out
}

// checkConnections is [checkUsers] for connections.
func checkConnections(l *roles.Ladder, rows []ImportConnection) ([]connectionRow, []ImportResult) {
	pairs := map[ConnectionKey]int{}
	for i := range rows {
		pairs[ConnectionKey{Client: rows[i].Client, Agency: rows[i].Agency}]++
	}
	return checkRows(rows, func(at importAt, in ImportConnection) (connectionRow, error) {
		r := connectionRow{at, in}
		err := r.check(l)
		if err == nil && pairs[r.key()] > 1 {
			err = twice("agency")
		}
		return r, err
	})
}

func (r connectionRow) check(l *roles.Ladder) error {
	if err := r.key().check(); err != nil {
		return err
	}
	if r.Client == r.Agency {
		return &InvalidError{Field: "agency", Reason: "is the client itself"}
	}
	if l.CanAssign(l.Top(), r.Cap, roles.Delegate) != nil {
		return &InvalidError{Field: "cap", Reason: "is not a role that a delegate may have"}
	}
	if len(r.Assigned) > MaxImportRow {
		return tooMany("assigned")
	}
	seen := map[UserID]bool{}
	for i, a := range r.Assigned {
		if err := CheckID("assigned.user", a.User); err != nil {
			return err
		}
		if l.CanAssign(r.Cap, a.Role, roles.Delegate) != nil {
			return inPlace("assigned", i, "a role that is not on the ladder, or higher than the cap")
		}
		if seen[a.User] {
			return &InvalidError{Field: "assigned", Reason: "has a user twice"}
		}
		seen[a.User] = true
	}
	return nil
}

// checkRows returns the rows that break no rule by themselves, and the answers
// to all, of which those to the others are filled.
func checkRows[In, Row any](rows []In, check func(at importAt, in In) (Row, error)) ([]Row, []ImportResult) {
	queue, out := make([]Row, 0, len(rows)), make([]ImportResult, len(rows))
	for i := range rows {
		r, err := check(importAt(i), rows[i])
		if err != nil {
			out[i] = notImported(err)
			continue
		}
		queue = append(queue, r)
	}
	return queue, out
}
