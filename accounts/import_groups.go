package accounts

import (
	"context"
	"slices"
)

// importChunk is about how many rows become durable together: enough that a
// commit costs little for each, and few enough that a conflict repeats little.
const importChunk = 100

// importing makes one group of rows durable. Decide is called again, with fresh
// facts, after a conflict.
func (s *Service) importing(ctx context.Context, actor Actor, decide func(ctx context.Context, op Operation, c *Change) error) error {
	op := s.env.Begin(actor)
	return s.run(ctx, op, "import", func(ctx context.Context) (Change, error) {
		c := op.Change()
		err := decide(ctx, op, &c)
		return c, err
	})
}

// importRow is a row that breaks no rule by itself: where it stands in the
// input, and for how many it counts.
type importRow interface {
	place() int
	weight() int
}

// importGroup returns the rows, at least one, that become durable next.
func importGroup[T importRow](rows []T) []T {
	n, sum := 0, 0
	for n < len(rows) && (n == 0 || sum+rows[n].weight() <= importChunk) {
		sum += rows[n].weight()
		n++
	}
	return rows[:n]
}

// importGroups takes rows to their answers, a group at a time.
func importGroups[T importRow](ctx context.Context, s *Service, actor Actor, rows []T, out []ImportResult,
	decide func(ctx context.Context, op Operation, c *Change, next []T, answer func(T, ImportResult)) error,
) ([]ImportResult, error) {
	for len(rows) > 0 {
		next := importGroup(rows)
		rows = rows[len(next):]
		if err := s.importing(ctx, actor, func(ctx context.Context, op Operation, c *Change) error {
			return decide(ctx, op, c, next, func(r T, answer ImportResult) { out[r.place()] = answer })
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) importUsers(ctx context.Context, actor Actor, rows []ImportUser) ([]ImportResult, error) {
	queue, out := checkUsers(rows)
	// A row that wants what another row's user gives up comes again after that,
	// whatever their order: else it would be refused now and not the next time.
	waiting := map[UserID][]userRow{}
	for len(queue) > 0 {
		next := importGroup(queue)
		queue = queue[len(next):]
		var decided []userDecision
		if err := s.importing(ctx, actor, func(ctx context.Context, op Operation, c *Change) error {
			decided = decided[:0]
			for _, r := range next {
				f, err := s.userRowFacts(ctx, r)
				if err != nil {
					return err
				}
				decided = append(decided, op.importUser(c, r, f))
			}
			return nil
		}); err != nil {
			return nil, err
		}
		for i, d := range decided {
			out[next[i].place()] = d.ImportResult
			if d.holder != "" {
				waiting[d.holder] = append(waiting[d.holder], next[i])
			}
		}
		for i, d := range decided {
			if id := next[i].want.ID; d.Outcome == ImportUpdated {
				queue = append(queue, waiting[id]...)
				delete(waiting, id)
			}
		}
	}
	return out, nil
}

// userRowFacts reads who has what a row wants.
func (s *Service) userRowFacts(ctx context.Context, r userRow) (userRowFacts, error) {
	var f userRowFacts
	var err error
	if f.Means, err = s.st.Means(ctx, UserKey{ID: r.want.ID}); err != nil && !isNotFound(err) {
		return f, err
	}
	whose := func(key UserKey) (UserID, error) {
		u, err := holder(ctx, s.st, key)
		if err == nil && u.ID == r.want.ID {
			err = ErrConflict // the same import, run beside this one, wrote the user in between
		}
		return u.ID, err
	}
	if r.wantsEmail(f.User) {
		if f.byEmail, err = whose(UserKey{Email: r.want.Email}); err != nil {
			return f, err
		}
	}
	if r.wantsHandle(f.User) {
		if f.byHandle, err = whose(UserKey{Handle: NameKey(r.want.Handle)}); err != nil {
			return f, err
		}
	}
	for _, key := range r.identities {
		owner := r.want.ID
		if !slices.ContainsFunc(f.Identities, func(i Identity) bool { return i.Key() == key }) {
			if owner, err = whose(UserKey{Identity: key}); err != nil {
				return f, err
			}
		}
		f.byIdentity = append(f.byIdentity, owner)
	}
	return f, nil
}

func (s *Service) importAccounts(ctx context.Context, actor Actor, rows []ImportAccount) ([]ImportResult, error) {
	queue, out := checkAccounts(rows)
	return importGroups(ctx, s, actor, queue, out, func(ctx context.Context, op Operation, c *Change, next []accountRow, answer func(accountRow, ImportResult)) error {
		people := people{}
		for _, r := range next {
			was, err := s.st.Account(ctx, r.ID)
			if err != nil && !isNotFound(err) {
				return err
			}
			var owners []User
			if was.ID == "" {
				for _, id := range r.Owners {
					u, err := people.find(ctx, s.st, id)
					if err != nil {
						return err
					}
					owners = append(owners, u)
				}
			}
			answer(r, op.importAccount(c, r, was, owners))
		}
		return nil
	})
}

func (s *Service) importMembers(ctx context.Context, actor Actor, rows []ImportMember) ([]ImportResult, error) {
	queue, out := checkMembers(s.env.Ladder(), rows)
	return importGroups(ctx, s, actor, queue, out, func(ctx context.Context, op Operation, c *Change, next []memberRow, answer func(memberRow, ImportResult)) error {
		people, at := people{}, map[AccountID]*memberPlace{}
		for _, r := range next {
			p := at[r.Account]
			if p == nil {
				// The account is read first. Its version guards the change, so what
				// is read after it cannot be older.
				p = &memberPlace{}
				at[r.Account] = p
				var err error
				if p.account, err = s.st.Account(ctx, r.Account); err != nil && !isNotFound(err) {
					return err
				}
				if p.owners, err = s.st.Owners(ctx, r.Account, op.Rules.Ladder.Top()); err != nil {
					return err
				}
			}
			m, err := s.st.Membership(ctx, StandingKey{User: r.User, Account: r.Account})
			if err != nil {
				return err
			}
			var u User
			var client ClientState
			if m.Role == "" {
				if u, err = people.find(ctx, s.st, r.User); err != nil {
					return err
				}
				if client, err = s.asClient(ctx, r.Account, u); err != nil {
					return err
				}
			}
			answer(r, op.importMember(c, p, m, u, client, r.Role))
		}
		return nil
	})
}

// asClient returns the client record of an account that is there with a user's
// address or as which they log in, zero if there is none.
func (s *Service) asClient(ctx context.Context, account AccountID, u User) (ClientState, error) {
	r, err := s.st.Recording(ctx, RecordingQuery{Account: account, Email: u.Email, User: u.ID})
	if isNotFound(err) {
		return ClientState{}, nil
	}
	return r.Taken, err
}

func (s *Service) importConnections(ctx context.Context, actor Actor, rows []ImportConnection) ([]ImportResult, error) {
	queue, out := checkConnections(s.env.Ladder(), rows)
	return importGroups(ctx, s, actor, queue, out, func(ctx context.Context, op Operation, c *Change, next []connectionRow, answer func(connectionRow, ImportResult)) error {
		for _, r := range next {
			var linked []Linked // one for each colleague, or one without any
			for i := range max(1, len(r.Assigned)) {
				q := LinkedQuery{ConnectionKey: r.key()} // no top role: no owners, who are not told
				if i < len(r.Assigned) {
					q.User = r.Assigned[i].User
				}
				l, err := s.st.Linked(ctx, q)
				if isNotFound(err) {
					linked = nil
					break
				}
				if err != nil {
					return err
				}
				linked = append(linked, l)
			}
			answer(r, op.importConnection(c, r, linked))
		}
		return nil
	})
}

// people are the users that a group of rows has read. One who joins several
// accounts in it is written once, so read once.
type people map[UserID]User

// find returns a user, zero if there is none.
func (p people) find(ctx context.Context, st Reader, id UserID) (User, error) {
	u, known := p[id]
	if known {
		return u, nil
	}
	u, err := holder(ctx, st, UserKey{ID: id})
	if err != nil {
		return User{}, err
	}
	p[id] = u
	return u, nil
}
