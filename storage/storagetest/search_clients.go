package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// clientSearchChecks prove that clients and sites are found by what people
// type, whatever the index behind.
func clientSearchChecks() []check {
	const inert = "text that people type must not be read as a pattern or as a statement (A104)"
	const index = "an index must find what a look at every row would, and nothing else (C1)"
	return []check{
		{"a search finds exactly the clients and sites that it fits", inert, checkClientSearch},
		{"a search looks into every field that is said, and into no other", index, checkClientFields},
		{"one and two characters are found where a word begins", index, checkClientBeginnings},
		{"a search finds what a row says now, and not what it said", index, checkClientRenamed},
		{"a search of one account finds nothing of another, however alike they are", "nobody learns of another account's clients (A52)", checkClientTenants},
		{"a word that many have and one that few have are paged alike", index, checkClientMany},
		{"a search, a status and a page go together", index, checkClientSearchStatus},
	}
}

// phrases are what a client or a site is called.
func phrases() []string {
	return append(names(), "Ana María Nuñez", "Joan-Pere d'Arc", "Ελένη Παπαδοπούλου", "Straße & Söhne GmbH", "Bakery (North)", "bake", "X Æ A-12",
		"tab\tand  double  spaces", "e\u0301te\u0301", "\u00e9t\u00e9", "co-op", "co op", "coop", "AB", "A", "王 小明", "王小明", "mixed 日本 words",
		"new\nline", "OR NOT", "NEAR", "\"quoted phrase\"", "col:name", "^start", "{a b}", "a+b-c", "% %", "__init__", "\\%", "ｆｕｌｌ ｗｉｄｔｈ", "Banana")
}

func phraseTerms() []string {
	list := append(terms(), "na", "ana", "an", "a m", "ía", "maría nuñez", "a maría", "nuñez", "ez", "d'a", "'arc", "ελ", "πα", "ένη", "λένη πα", "& s",
		"gmbh", "(n", "(north", "rth)", "æ", "x æ", "-12", "12", "1", "tab and", "and double", "d  d", "\t", "été", "e\u0301", "te\u0301", "co-", "co o",
		"coop", "op", "ab", "AB", "王", "小明", "王小", "王 小", "ed 日", "日本", "本 w", "new line", "new\nline", "w\nl", "or not", "near", "\"q", "ed ph",
		"l:n", ":n", "^s", "^", "{a", "{a b}", "a+b", "+b-c", "b-", "% %", "__in", "it__", "\\%", "full width", "ｆｕｌｌ", "ll w", "*", "na*", "?na", "ana OR",
		"NOT", "\u0000", "a\u0000b", "\ufffd", "🙂", "nanana", "bananana", "banana", "\U0001f600 s", strings.Repeat("a", 3), strings.Repeat("ana ", 200))
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// phrased has a client and a site under each phrase in account 1. Nothing else
// of them holds a part of a term.
func (e *env) phrased(st storage.Storage) (clients []accounts.Client, sites []accounts.Site) {
	e.Helper()
	rows := []any{account("1"), account("2")}
	for i, phrase := range phrases() {
		c, s := record("1", fmt.Sprint("9", i)), site("1", fmt.Sprint("9", i))
		c.FirstName, c.LastName, c.Address, c.CreatedAt = phrase, "", "", minutes(-i/3)
		s.Name, s.Domain, s.CreatedAt = phrase, "", minutes(-i/3)
		rows = append(rows, c, s)
		c.Version, s.Version = 1, 1
		clients, sites = append(clients, c), append(sites, s)
	}
	e.put(st, rows...)
	slices.SortFunc(clients, func(a, b accounts.Client) int {
		return newestRecord(accounts.ClientCursor{CreatedAt: a.CreatedAt, ID: a.ID}, accounts.ClientCursor{CreatedAt: b.CreatedAt, ID: b.ID})
	})
	slices.SortFunc(sites, func(a, b accounts.Site) int { return newestSite(a.Cursor(), b.Cursor()) })
	return clients, sites
}

func (e *env) findRecords(st storage.Storage, q accounts.ClientRecordQuery) []accounts.ClientID {
	e.Helper()
	var ids []accounts.ClientID
	for _, x := range e.records(st, q) {
		ids = append(ids, x.Client.ID)
	}
	return ids
}

func (e *env) findSites(st storage.Storage, q accounts.SiteQuery) []accounts.SiteID {
	e.Helper()
	if q.Limit == 0 {
		q.Limit = all
	}
	got, err := st.Sites(e.ctx, q)
	e.ok(err, "Sites, search %q", q.Search)
	var ids []accounts.SiteID
	for _, s := range got {
		ids = append(ids, s.ID)
	}
	return ids
}

// fitsText is what SearchFits promises, told in another way: a term of more than
// two characters is a part of the text, and a shorter one stands where a word
// begins.
func fitsText(text, search string) bool {
	term := accounts.NameKey(search)
	if n := utf8.RuneCountInString(term); n == 0 || n > 2 {
		return strings.Contains(text, term)
	}
	runes := []rune(text)
	for i := range runes {
		if strings.HasPrefix(string(runes[i:]), term) && (i == 0 || !accounts.IsWord(runes[i-1])) {
			return true
		}
	}
	return false
}

func checkClientSearch(e *env) {
	st := e.open()
	clients, sites := e.phrased(st)
	found := 0
	for _, term := range phraseTerms() {
		var wantClients []accounts.ClientID
		var wantSites []accounts.SiteID
		for _, c := range clients {
			if fitsText(c.SearchText(), term) {
				wantClients = append(wantClients, c.ID)
			}
		}
		for _, s := range sites {
			if fitsText(s.SearchText(), term) {
				wantSites = append(wantSites, s.ID)
			}
		}
		found += len(wantClients)
		e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "1", Search: term}), wantClients, "ClientRecords, search %q", term)
		e.same(e.findSites(st, accounts.SiteQuery{Account: "1", Search: term}), wantSites, "Sites, search %q", term)
		e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "2", Search: term}), nil, "ClientRecords of an account without any, search %q", term)
	}
	e.holds(found > 100, "the terms find only %d clients together", found)
}

func checkClientFields(e *env) {
	st := e.open()
	c, s := record("a", "c"), site("a", "p")
	c.FirstName, c.LastName, c.Address, c.Email = "firstpart", "lastpart", "Typed@Address.example", "canonical@xn--thing.example"
	c.Phone, c.Postal, c.Company, c.Notes, c.Locale = "+34 (600) 12-34-56", "12 High Street\n08001 Barcelona", "Companyname", "secretnote", "xlocale"
	s.Name, s.Alias, s.URL, s.Domain = "Sitename", "a1b2c3", "https://where.example/path", "own-domain.example"
	e.put(st, account("a"), user("u"), c, s)
	for term, want := range map[string][2]bool{
		"firstpart": {true, false}, "lastpart": {true, false}, "firstpart lastpart": {true, false}, "PART LAST": {true, false},
		"typed@address": {true, false}, "address.example": {true, false}, "canonical@": {}, "xn--": {},
		"+34 (600)": {true, false}, "34600123456": {true, false}, "6001234": {true, false}, "12-34": {true, false}, "3460 0": {},
		"high street": {true, false}, "street 08001": {true, false}, "08001 barc": {true, false}, "companyname": {true, false},
		"secretnote": {}, "xlocale": {}, "name of": {},
		"sitename": {false, true}, "a1b2c3": {false, true}, "https://w": {false, true}, "ere.example/p": {false, true}, "own-d": {false, true},
		"lastpart\ntyped": {}, "lastparttyped": {}, "lastpart typed": {}, "part typed": {}, "sitename a1b2c3": {}, "namea1": {},
		"example own": {}, ".example": {true, true},
	} {
		got := [2]bool{
			len(e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: term})) > 0,
			len(e.findSites(st, accounts.SiteQuery{Account: "a", Search: term})) > 0,
		}
		e.holds(got == want, "the search %q finds the client and the site: %v, want %v", term, got, want)
	}
}

func checkClientBeginnings(e *env) {
	st := e.open()
	texts := []string{"alba b", "cal al", "xal", "al-b", "b_al", "1al", "al", "ñal", "aĺ", "日al", "al日", "(al", "x'al", "x al", "xalx al"}
	rows := []any{account("a")}
	var clients []accounts.Client
	for i, text := range texts {
		c := record("a", fmt.Sprint("9", i))
		c.FirstName, c.LastName, c.Address = text, "", ""
		s := site("a", fmt.Sprint("9", i))
		s.Name, s.Domain = text, ""
		rows, clients = append(rows, c, s), append(clients, c)
	}
	e.put(st, rows...)
	slices.SortFunc(clients, func(a, b accounts.Client) int { return -compareText(a.ID, b.ID) })
	for _, term := range []string{"a", "al", "AL", " al ", "l", "b", "-", "-b", "_", "(", "(a", "'", "日", "日a", "l日", "ñ", "ña", "́", "ĺ", "1", "1a", "x", "xa", "alb", "al ", "l a"} {
		var want []accounts.ClientID
		var sites []accounts.SiteID
		for _, c := range clients {
			if fitsText(c.SearchText(), term) {
				want, sites = append(want, c.ID), append(sites, accounts.SiteID(c.ID))
			}
		}
		e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: term}), want, "ClientRecords, search %q", term)
		e.same(e.findSites(st, accounts.SiteQuery{Account: "a", Search: term}), sites, "Sites, search %q", term)
	}
}

func checkClientRenamed(e *env) {
	st := e.open()
	c, s := record("a", "c"), site("a", "p")
	c.FirstName, c.LastName, c.Address, c.Company, s.Name, s.Domain = "walnut", "grove", "", "", "walnut shop", ""
	e.put(st, account("a"), user("u"), c, s, record("a", "d"), site("a", "q"))
	is := func(what string, terms map[string]bool) {
		e.Helper()
		for term, want := range terms {
			clients := e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: term})
			sites := e.findSites(st, accounts.SiteQuery{Account: "a", Search: term})
			e.holds((len(clients) == 1) == want && (len(sites) == 1) == want, "%s, the search %q finds %v and %v", what, term, clients, sites)
		}
	}
	is("at first", map[string]bool{"walnut": true, "wa": true, "chestnut": false, "ch": false, "nut": true})
	c.Version, s.Version, c.FirstName, s.Name = 1, 1, "chestnut", "chestnut shop"
	e.put(st, c, s)
	is("after a change of names", map[string]bool{"walnut": false, "wa": false, "chestnut": true, "ch": true, "nut": true})
	c.Version, s.Version, c.CreatedAt, s.CreatedAt = 2, 2, minutes(9), minutes(9)
	e.put(st, c, s)
	is("after a change of places", map[string]bool{"walnut": false, "chestnut": true, "nut": true})
	e.refused(st, "a stale change of a name", func() any { c := c; c.Version, c.FirstName = 1, "walnut"; return c }())
	is("after a change that was refused", map[string]bool{"walnut": false, "chestnut": true, "nut": true})
	tx := e.begin(st)
	c.Version, s.Version, c.FirstName, s.Name = 3, 3, "walnut", "walnut shop"
	e.ok(apply(e.ctx, tx.Store(), e.change(c, s)), "a change in a transaction")
	inside := e.findRecords(tx.Store(), accounts.ClientRecordQuery{Account: "a", Search: "walnut"})
	e.holds(len(inside) == 1, "inside a transaction the search finds %v", inside)
	e.ok(tx.Rollback(), "Rollback")
	is("after a change that was rolled back", map[string]bool{"walnut": false, "wa": false, "chestnut": true, "ch": true, "nut": true})
	c.FirstName, s.Name = "chestnut", "chestnut shop"
	c.DeletedAt, s.RemovedAt = minutes(5), minutes(5)
	e.put(st, c, s)
	is("after the end", map[string]bool{"walnut": false, "chestnut": false, "ch": false, "nut": false, "shop": false})
	c.Version, s.Version, c.DeletedAt, s.RemovedAt = 4, 4, c.SuspendedAt, c.SuspendedAt
	e.put(st, c, s)
	is("after the return", map[string]bool{"walnut": false, "chestnut": true, "ch": true})
	gone := erasedClient(c)
	gone.Version = 5
	e.put(st, gone, accounts.Forget{Email: c.Email})
	for _, term := range []string{"chestnut", "ch", "grove", "nut"} {
		got := e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: term})
		e.holds(len(got) == 0, "a client who was erased is found by %q: %v", term, got)
	}
	first, second := record("b", "1"), record("b", "2") // rows that exchange what they say
	first.FirstName, second.FirstName = "walnut", "chestnut"
	e.put(st, account("b"), first, second)
	first.Version, second.Version, first.FirstName, second.FirstName = 1, 1, "chestnut", "walnut"
	e.put(st, first, second)
	e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "b", Search: "walnut"}), []accounts.ClientID{"2"}, "after an exchange")
	e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "b", Search: "chestnut"}), []accounts.ClientID{"1"}, "after an exchange")
}

func checkClientTenants(e *env) {
	st := e.open()
	ids := []accounts.AccountID{"a", "A", "aa", "a.", "b", "a1", "1", "10"}
	words := []string{"bakery", "ba", "b", "North", "quill", "zz", "日本", "100%", "o'neil"}
	var rows []any
	for n, id := range ids {
		rows = append(rows, account(string(id)))
		for i := range 40 {
			c, s := record(string(id), fmt.Sprint("9", i)), site(string(id), fmt.Sprint("9", i))
			c.FirstName, c.LastName, c.CreatedAt = words[(i+n)%len(words)], words[i%(n+1)], minutes(i/7)
			s.Name, s.CreatedAt = c.Name(), minutes(i/7)
			if n == 3 && i%2 == 0 {
				c.DeletedAt, s.RemovedAt = minutes(1), minutes(1)
			}
			rows = append(rows, c, s)
		}
	}
	only := record("b", "only")
	only.FirstName = "xylophone"
	m := newModel()
	c := e.change(append(rows, only)...)
	e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	e.ok(apply(e.ctx, m, c), "the model")
	for _, id := range append(ids, "nowhere", "") {
		for _, term := range append(words, "xylophone", "xyl", "xy", "name", "bakery bakery", "quill zz", "", "nothing") {
			q, s := accounts.ClientRecordQuery{Account: id, Search: term, Limit: 30}, accounts.SiteQuery{Account: id, Search: term, Limit: 30}
			want, err := m.ClientRecords(e.ctx, q)
			e.ok(err, "the model")
			e.same(e.records(st, q), want, "the clients of %q, search %q", id, term)
			sites, err := m.Sites(e.ctx, s)
			e.ok(err, "the model")
			got, err := st.Sites(e.ctx, s)
			e.ok(err, "Sites")
			e.same(got, sites, "the sites of %q, search %q", id, term)
			if id != "b" && strings.HasPrefix(term, "xyl") {
				e.holds(len(want) == 0, "the model finds another account's client")
			}
		}
	}
}

// checkClientMany has so many rows that a store may change its plan between a
// word that all of them have and one that a few have.
func checkClientMany(e *env) {
	st := e.open()
	const many = 2600 / slowly
	var want []accounts.ClientID // of the rare word, newest first
	for from := 0; from < many; from += 650 {
		rows := []any{}
		if from == 0 {
			rows = append(rows, account("a"), account("b"))
		}
		for i := from; i < min(from+650, many); i++ {
			id := fmt.Sprintf("%05d", i)
			c := record("a", id)
			c.FirstName, c.LastName, c.Address, c.CreatedAt = "common", "word", "", minutes(i/3)
			if i%400 == 7 {
				c.Company = "rareness"
				want = append([]accounts.ClientID{c.ID}, want...)
			}
			rows = append(rows, c)
			if i%10 == 0 { // the rare word is common elsewhere
				o := record("b", id)
				o.FirstName = "rareness"
				rows = append(rows, o)
			}
		}
		e.put(st, rows...)
	}
	e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: "rareness"}), want, "a word that few have")
	e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: "ra"}), want, "the beginning of a word that few have")
	e.same(e.findRecords(st, accounts.ClientRecordQuery{Account: "a", Search: "rarest"}), nil, "a word that nobody has")
	for term, total := range map[string]int{"common": many, "co": many, "mon w": many, "w": many, "rareness": len(want), "": many} {
		n, q := 0, accounts.ClientRecordQuery{Account: "a", Search: term, Limit: 700}
		if term == "rareness" {
			q.Limit = 2
		}
		var last accounts.ClientCursor
		for {
			page := e.records(st, q)
			if len(page) == 0 {
				break
			}
			for _, x := range page {
				e.holds(last == accounts.ClientCursor{} || newestRecord(last, x.Cursor()) < 0, "search %q: %v is listed behind %v", term, x.Cursor(), last)
				last = x.Cursor()
			}
			n += len(page)
			q.Before = last
			e.holds(n <= total, "search %q: more than the %d that there are", term, total)
		}
		e.holds(n == total, "search %q, page by page: %d of %d", term, n, total)
	}
}

func checkClientSearchStatus(e *env) {
	st := e.open()
	list := e.recordsFixture(st)
	for _, term := range []string{"name of", "fi", "live", "3-", "3-b", "7-empty", "elsewhere", "gone"} {
		for _, states := range [][]accounts.ClientStatus{nil, {"active"}, {"lead", "suspended"}, {"site-assigned"}, {"invited", "site-assigned"}} {
			var want []accounts.ClientEntry
			for _, x := range list {
				if (states == nil || slices.Contains(states, statusOf(x))) && fitsText(x.Client.SearchText(), term) {
					want = append(want, x)
				}
			}
			for size := 1; size <= 4; size++ {
				var got []accounts.ClientEntry
				q := accounts.ClientRecordQuery{Account: "a", Search: term, Statuses: states, Limit: size}
				for {
					page := e.records(st, q)
					e.holds(len(page) <= size, "a page of at most %d has %d entries", size, len(page))
					if len(page) == 0 {
						break
					}
					got, q.Before = append(got, page...), page[len(page)-1].Cursor()
					e.holds(len(got) <= len(want), "in pages of %d there are more entries than %d", size, len(want))
				}
				e.same(got, want, "the search %q among %v, in pages of %d", term, states, size)
			}
		}
	}
}
