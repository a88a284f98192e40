package accounts

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ImportSite is a site as the host has it. Of one that is there already it
// replaces everything, as [PutSite] does.
type ImportSite struct {
	Account AccountID
	ID      SiteID // the host's own id
	Name    string // 1 to 100 characters
	Alias   string // at most 100 characters
	URL     string // http or https
	Domain  string // such as "bakery.example"

	// CreatedAt is as for [ImportUser].
	CreatedAt time.Time
}

// ImportClient is a client record as the host has it. Of one that is there
// already it replaces the details and the notes, also by empty ones; the address
// never changes.
type ImportClient struct {
	Account   AccountID
	ID        ClientID // the host's own id
	FirstName string   // 1 to 100 characters
	LastName  string   // 1 to 100 characters
	Email     string   // the login name
	Company   string   // at most 200 characters
	Postal    string   // at most 500 characters on any number of lines
	Phone     string   // at most 50 characters
	Notes     string   // at most 10,000 characters
	Locale    string   // a BCP 47 language tag

	// User is who logs in as the client, if somebody does already; "": nobody
	// yet, or whoever does. It is only ever set: one user for a record, and one
	// record of an account for a user, who is no member there.
	User UserID

	// Sites are what the client may do, at most [MaxImportRow]. They are given or
	// overwritten; those not named stay.
	Sites []SiteChoice

	// CreatedAt is as for [ImportUser].
	CreatedAt time.Time
}

type siteRow struct {
	importAt
	want Site
}

func (r siteRow) weight() int { return 1 }

// clientRow is a client of an import that breaks no rule by itself. Contested
// tells that another row of the account wants the address, or the user, too.
type clientRow struct {
	importAt
	want  Client
	sites []SiteChoice

	contestedEmail bool
	contestedUser  bool
}

func (r clientRow) weight() int { return 1 + len(r.sites) }

// checkSites is checkUsers for sites.
func checkSites(rows []ImportSite) ([]siteRow, []ImportResult) {
	ids := map[SiteKey]int{}
	for i := range rows {
		ids[SiteKey{Account: rows[i].Account, ID: rows[i].ID}]++
	}
	return checkRows(rows, func(at importAt, in ImportSite) (siteRow, error) {
		r := siteRow{importAt: at}
		if err := CheckID("id", in.ID); err != nil {
			return r, err
		}
		var err error
		r.want, err = CreateSite{Account: in.Account, ID: in.ID, Name: in.Name, Alias: in.Alias, URL: in.URL, Domain: in.Domain}.site()
		if err == nil && ids[r.want.SiteKey] > 1 {
			err = twice("id")
		}
		if err == nil {
			r.want.CreatedAt, err = checkCreated(in.CreatedAt)
		}
		return r, err
	})
}

// checkClients is checkUsers for clients. They come out by account.
func checkClients(rows []ImportClient, rules Rules) ([]clientRow, []ImportResult) {
	type login struct {
		account AccountID
		value   string
	}
	ids, emails, users, order := map[ClientKey]int{}, map[login]int{}, map[login]int{}, map[AccountID]int{}
	for _, r := range rows {
		ids[ClientKey{Account: r.Account, ID: r.ID}]++
		if email, err := ParseEmail(r.Email); err == nil {
			emails[login{r.Account, string(email)}]++
		}
		if r.User != "" {
			users[login{r.Account, string(r.User)}]++
		}
		if _, known := order[r.Account]; !known {
			order[r.Account] = len(order)
		}
	}
	queue, out := checkRows(rows, func(at importAt, in ImportClient) (clientRow, error) {
		r, err := in.row(at, rules)
		if err == nil && ids[r.want.ClientKey] > 1 {
			err = twice("id")
		}
		r.contestedEmail = emails[login{in.Account, string(r.want.Email)}] > 1
		r.contestedUser = users[login{in.Account, string(in.User)}] > 1
		return r, err
	})
	slices.SortStableFunc(queue, func(a, b clientRow) int { return order[a.want.Account] - order[b.want.Account] })
	return queue, out
}

func (in ImportClient) row(at importAt, rules Rules) (clientRow, error) {
	r := clientRow{importAt: at}
	if err := CheckID("id", in.ID); err != nil {
		return r, err
	}
	var err error
	if r.want, err = (CreateClient{
		Account: in.Account, ID: in.ID, FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, Company: in.Company,
		Postal: in.Postal, Phone: in.Phone, Notes: in.Notes, Locale: in.Locale,
	}).client(); err != nil {
		return r, err
	}
	if in.User != "" {
		if err := CheckID("user", in.User); err != nil {
			return r, err
		}
		r.want.User = in.User
	}
	if len(in.Sites) > MaxImportRow {
		return r, tooMany("sites")
	}
	if err := checkChoices(rules, in.Sites); err != nil {
		return r, err
	}
	for i, choice := range in.Sites {
		set, err := rules.Catalog.Choose(nil, choice.Permissions...)
		if err != nil {
			return r, inPlace("sites", i, "a permission that the catalogue does not have")
		}
		r.sites = append(r.sites, SiteChoice{Site: choice.Site, Permissions: set})
	}
	r.want.CreatedAt, err = checkCreated(in.CreatedAt)
	return r, err
}

func (s *Service) importSites(ctx context.Context, actor Actor, rows []ImportSite) ([]ImportResult, error) {
	queue, out := checkSites(rows)
	return importGroups(ctx, s, actor, queue, out, func(ctx context.Context, op Operation, c *Change, next []siteRow, answer func(siteRow, ImportResult)) error {
		for _, r := range next {
			f, err := s.st.Recording(ctx, RecordingQuery{Account: r.want.Account, Site: r.want.ID})
			if err != nil && !isNotFound(err) {
				return err
			}
			answer(r, op.importSite(c, r, f))
		}
		return nil
	})
}

// importSite decides what becomes of a site of an import, and adds it to a
// change.
func (o Operation) importSite(c *Change, r siteRow, f Recording) ImportResult {
	was, want := f.Site, r.want
	switch {
	case f.Account.ID == "":
		return notImported(absent("the account"))
	case !f.Account.ClosedAt.IsZero():
		return notImported(&InvalidError{Field: "account", Reason: "is closed"})
	case !was.RemovedAt.IsZero():
		return notImported(&InvalidError{Field: "id", Reason: "is that of a site that was removed; it is never given again"})
	case want.CreatedAt.After(o.At):
		return notImported(&InvalidError{Field: "createdAt", Reason: "is in the future"})
	}
	outcome, kind := ImportUpdated, EventSiteUpdated
	if was.ID == "" {
		outcome, kind = ImportCreated, EventSiteCreated
		want.CreatedAt, want.UpdatedAt = o.created(want.CreatedAt), o.At
	} else {
		want.Version, want.CreatedAt, want.UpdatedAt = was.Version, was.CreatedAt, was.UpdatedAt
	}
	if want == was {
		return ImportResult{Outcome: ImportUnchanged}
	}
	want.UpdatedAt = o.At
	o.importRelies(c, f.Account, false)
	c.Sites = append(c.Sites, want)
	o.Record(c, Event{Kind: kind, Account: want.Account, Site: want.ID})
	return ImportResult{Outcome: outcome}
}

// clientRowFacts is what decides about a client of an import.
type clientRowFacts struct {
	Recording
	user     User        // whom the row names, where the record has nobody yet
	member   MemberState // of that user, in the account
	elsewise ClientState // the record as which that user logs in already
	sites    []Recording // one for each site of the row
}

func (s *Service) importClients(ctx context.Context, actor Actor, rows []ImportClient) ([]ImportResult, error) {
	queue, out := checkClients(rows, s.env.Rules())
	return importGroups(ctx, s, actor, queue, out, func(ctx context.Context, op Operation, c *Change, next []clientRow, answer func(clientRow, ImportResult)) error {
		people := people{}
		for _, r := range next {
			f, err := s.clientRowFacts(ctx, r, people)
			if isNotFound(err) {
				answer(r, notImported(absent("the account")))
				continue
			}
			if err != nil {
				return err
			}
			answer(r, op.importClient(c, r, f))
		}
		return nil
	})
}

// clientRowFacts reads what there is of a client. The account comes first: its
// version guards the change, so what is read after it cannot be older.
func (s *Service) clientRowFacts(ctx context.Context, r clientRow, people people) (clientRowFacts, error) {
	var f clientRowFacts
	var err error
	key := r.want.ClientKey
	if f.Recording, err = s.st.Recording(ctx, RecordingQuery{Account: key.Account, Client: key.ID, Email: r.want.Email}); err != nil {
		return f, err
	}
	if id := r.want.User; id != "" && f.Client.User == "" {
		if f.user, err = people.find(ctx, s.st, id); err != nil {
			return f, err
		}
		m, err := s.st.Membership(ctx, StandingKey{User: id, Account: key.Account})
		if err != nil {
			return f, err
		}
		f.member = m.MemberState
		taken, err := s.st.Recording(ctx, RecordingQuery{Account: key.Account, User: id})
		if err != nil {
			return f, err
		}
		f.elsewise = taken.Taken
	}
	for _, choice := range r.sites {
		site, err := s.st.Recording(ctx, RecordingQuery{Account: key.Account, Client: key.ID, Site: choice.Site})
		if err != nil {
			return f, err
		}
		if site.Client.Version != f.Client.Version {
			return f, ErrConflict
		}
		f.sites = append(f.sites, site)
	}
	return f, nil
}

// importClient decides what becomes of a client of an import, and adds it to a
// change, with the sites that the row names.
func (o Operation) importClient(c *Change, r clientRow, f clientRowFacts) ImportResult {
	was := f.Client
	client, err := o.importedClient(r, f)
	if err != nil {
		return notImported(err)
	}
	given, err := o.importedSites(r, f)
	if err != nil {
		return notImported(err)
	}
	client.UpdatedAt = was.UpdatedAt
	if client == was && len(given) == 0 {
		return ImportResult{Outcome: ImportUnchanged}
	}
	outcome, kind := ImportUpdated, EventClientUpdated
	if was.ID == "" {
		outcome, kind = ImportCreated, EventClientCreated
	}
	// Whoever adds a member meanwhile has to know: of the address by the account,
	// and of who logs in by the user's row.
	o.importRelies(c, f.Account, was.ID == "")
	if client.User != was.User && !slices.ContainsFunc(c.Users, func(u User) bool { return u.ID == f.user.ID }) {
		u := f.user
		u.UpdatedAt = o.At
		c.Users = append(c.Users, u)
	}
	if client.User != was.User && was.ID != "" { // a setup link that waits to be mailed leads nowhere now
		c.CancelMail = append(c.CancelMail, RecordReason(client.ClientKey))
	}
	if client != was {
		o.Record(c, Event{Kind: kind, Account: client.Account, Client: client.ID, User: client.User})
	}
	for _, s := range given {
		o.give(c, client.User, s.Access, s.Permissions)
	}
	o.touch(c, client)
	return ImportResult{Outcome: outcome}
}

// importedClient returns the record as the row makes it, or why it does not.
func (o Operation) importedClient(r clientRow, f clientRowFacts) (Client, error) {
	was, want := f.Client, r.want
	switch {
	case !f.Account.ClosedAt.IsZero():
		return was, &InvalidError{Field: "account", Reason: "is closed"}
	case !was.DeletedAt.IsZero():
		return was, &InvalidError{Field: "id", Reason: "is that of a client who was deleted; it is never given again"}
	case !was.SuspendedAt.IsZero():
		return was, &InvalidError{Field: "id", Reason: "is that of a client who is suspended; reactivate them"}
	case want.CreatedAt.After(o.At):
		return was, &InvalidError{Field: "createdAt", Reason: "is in the future"}
	case was.ID != "" && was.Email != want.Email:
		return was, &InvalidError{Field: "email", Reason: "is not the client's, which never changes"}
	case was.ID == "" && (f.Taken.There() || f.Member || r.contestedEmail):
		return was, taken("email")
	case was.User != "" && want.User != "" && was.User != want.User:
		return was, &InvalidError{Field: "user", Reason: "is not who logs in as the client"}
	}
	client := was
	if was.ID == "" {
		client = want
		client.User = ""
		client.CreatedAt = o.created(want.CreatedAt)
	} else {
		client.FirstName, client.LastName, client.Company, client.Postal = want.FirstName, want.LastName, want.Company, want.Postal
		client.Phone, client.Notes, client.Locale = want.Phone, want.Notes, want.Locale
	}
	if want.User == "" || was.User != "" {
		return client, nil
	}
	switch {
	case f.user.ID == "" || !f.user.DeletedAt.IsZero():
		return was, absent("the user")
	case f.member.Role != "" && f.member.EndedAt.IsZero(), f.elsewise.There(), r.contestedUser:
		return was, taken("user")
	}
	client.User = want.User
	if client.ActiveAt.IsZero() {
		client.ActiveAt = o.At
	}
	return client, nil
}

// importedSites returns the sites that the row gives and the client does not
// have like this.
func (o Operation) importedSites(r clientRow, f clientRowFacts) ([]ChosenSite, error) {
	var given []ChosenSite
	more := 0
	for i, choice := range r.sites {
		access := f.sites[i].Access
		switch {
		case !f.sites[i].Site.Live():
			return nil, inPlace("sites", i, "a site that is not one of the account's")
		case !access.EndedAt.IsZero():
			return nil, inPlace("sites", i, "a site that was taken away from the client; assign it again")
		case access.Version == 0:
			more++
		case slices.Equal(access.Permissions, choice.Permissions):
			continue
		}
		access.SiteAccessKey = SiteAccessKey{Account: r.want.Account, Client: r.want.ID, Site: choice.Site}
		given = append(given, ChosenSite{Site: f.sites[i].Site, Access: access, Permissions: choice.Permissions})
	}
	if most := o.Rules.Limits.SitesPerClient; f.Assigned+more > most {
		return nil, &InvalidError{Field: "sites", Reason: fmt.Sprintf("would be more than the %d that a client can have", most)}
	}
	return given, nil
}
