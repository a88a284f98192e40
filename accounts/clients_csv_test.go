package accounts_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// An export is the list as CSV, by the letter: a header, a line for each client,
// every cell quoted, lines ended by CR LF; and it is on record (C2, A105).
func TestClients_Export(t *testing.T) {
	t.Parallel()

	w := studio(t)
	w.put(func() accounts.Client {
		c := client("studio", "odd")
		c.FirstName, c.Company, c.Notes, c.SuspendedAt = `Say "hi"`, "a, b; c", "one\ntwo", start
		return c
	}())
	var b bytes.Buffer
	require.NoError(t, w.recs.Export(t.Context(), w.as("mia"), accounts.ExportClients{Account: "studio"}, &b))
	golden(t, "clients.csv", strings.ReplaceAll(b.String(), "\r\n", "\n"))
	require.Equal(t, 5, strings.Count(b.String(), "\r\n"))
	require.Equal(t, 5+4+1, strings.Count(b.String(), "\n"), "four postal addresses have two lines, and a note")
	e := w.one(0)
	require.Equal(t, []any{accounts.EventClientsExported, accounts.AccountID("studio"), accounts.UserID("mia")}, []any{e.Kind, e.Account, e.By.User})

	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, accounts.ClientColumns(), rows[0])
	require.Len(t, rows, 5)
	for _, row := range rows[1:] {
		require.NotContains(t, strings.Join(row, " "), "rival")
	}
}

// An export goes page by page: it has every client once, whatever the page's
// size, and only those that fit; who loses the right meanwhile gets no further
// page (A37, A39, I-28).
func TestClients_Export_pages(t *testing.T) {
	t.Parallel()

	w := studio(t, func(o *accounts.EnvOptions) { o.Limits.PageDefault, o.Limits.PageMax = 3, 3 })
	for i := range 10 {
		w.put(client("studio", fmt.Sprintf("more-%d", i)))
	}
	ids := func(in accounts.ExportClients) []string {
		var b bytes.Buffer
		in.Account = "studio"
		require.NoError(t, w.recs.Export(t.Context(), w.as("mia"), in, &b))
		rows, err := csv.NewReader(&b).ReadAll()
		require.NoError(t, err)
		var all []string
		for _, row := range rows[1:] {
			all = append(all, row[0])
		}
		return all
	}
	require.Len(t, ids(accounts.ExportClients{}), 13)
	require.Equal(t, []string{"in"}, ids(accounts.ExportClients{Statuses: []accounts.ClientStatus{accounts.ClientActive}}))
	require.Len(t, ids(accounts.ExportClients{Search: "more"}), 10)
	require.Empty(t, ids(accounts.ExportClients{Search: "nothing like it"}))

	reads := 0
	tapped := w.tappedRecords(func(method string, after bool) error {
		if method == "ClientRecords" && after {
			if reads++; reads == 2 {
				require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("abe"), "studio", "mia", roles.Viewer))
			}
		}
		return nil
	})
	var b bytes.Buffer
	require.ErrorIs(t, tapped.Export(t.Context(), w.as("mia"), accounts.ExportClients{Account: "studio"}, &b), roles.ErrDenied)
	require.Equal(t, 1+6, strings.Count(b.String(), "\"\r\n"), "the header and two pages")
}

// A writer that fails ends the export with its own error, which stays on record.
func TestClients_Export_fails(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	for _, n := range []int{0, 10, 300} {
		require.ErrorIs(t, w.recs.Export(ctx, w.as("mia"), accounts.ExportClients{Account: "studio"}, &nothing{n}), errFull)
	}
	require.Len(t, w.feed(), 3)
	require.Equal(t, "writer", field(t, w.recs.Export(ctx, w.as("mia"), accounts.ExportClients{Account: "studio"}, nil)))
	require.Equal(t, "statuses", field(t, w.recs.Export(ctx, w.as("mia"), accounts.ExportClients{Account: "studio", Statuses: []accounts.ClientStatus{"x"}}, &nothing{})))
	require.Equal(t, accounts.ErrNotFound, w.recs.Export(ctx, job(), accounts.ExportClients{Account: "nowhere"}, &nothing{}))
	require.Equal(t, accounts.ErrNotFound, w.recs.Export(ctx, w.as("mia"), accounts.ExportClients{Account: "nowhere"}, &nothing{}))
	require.Len(t, w.feed(), 3)
}

// No cell of an export is a formula, by the separators of the file or by those
// of somebody who opens it otherwise; what is no formula is told as it is
// (OWASP, CSV injection; A89).
func TestClients_Export_formulas(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+49 30": "'+49 30", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t'=1", "\rx": "'\rx", "\n=1": "'\n'=1",
		" =1": "' =1", `"=1`: `'"=1`, "\u200b=1": "'\u200b=1", "＝1": "'＝1", "a;=1": "a;'=1", "a; =1": "a;' =1", "a\n+1": "a\n'+1", `a;"=1`: `a;'"=1`,
		"Ann": "Ann", "a=b": "a=b", "a-b": "a-b", "o'Hara": "o'Hara", "'=1": "'=1", "": "", "a;b": "a;b", "a\nb": "a\nb", "a,-b": "a,-b", "x@y.example": "x@y.example",
	} {
		w := studio(t)
		c := client("studio", "odd")
		c.Notes = text
		w.put(c)
		var b bytes.Buffer
		require.NoError(t, w.recs.Export(t.Context(), job(), accounts.ExportClients{Account: "studio", Search: "odd"}, &b))
		rows, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(b.String(), "\r\n", "\n"))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, want, rows[1][7], "%q", text)
	}
}

// Whatever the fields hold, a reader of CSV gets as many cells as there are
// columns and the text of each, but for apostrophes; and no cell, read with any
// usual separator, begins with what makes a formula (A88, A89).
func FuzzClients_Export(f *testing.F) {
	for _, s := range []string{"=1", "a;=1", "\"", "\"\"=1;", "'", "\r\n=x", "\r\r\n", "|=1", ";;=1", "+1,+1", "\u00a0-1", "a\"\n\"=1", "\t", "a\"; \"=1"} {
		f.Add(s, "x")
		f.Add("x", s)
	}
	f.Fuzz(func(t *testing.T, notes, name string) {
		w := studio(t)
		c := client("studio", "odd")
		c.Notes, c.FirstName = notes, name
		w.put(c)
		var b bytes.Buffer
		require.NoError(t, w.recs.Export(t.Context(), job(), accounts.ExportClients{Account: "studio"}, &b))
		text := b.String()
		if utf8.ValidString(text) && !strings.Contains(text, "\r") {
			t.Fatal("lines end with CR LF")
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 5)
		bare := func(s string) string { return strings.ReplaceAll(s, "'", "") }
		read := func(s string) string { return bare(strings.ReplaceAll(s, "\r\n", "\n")) } // as a reader of CSV has it
		for _, row := range rows {
			require.Len(t, row, len(accounts.ClientColumns()))
			if row[0] == "odd" {
				require.Equal(t, read(notes), bare(row[7]))
				require.Equal(t, read(name), bare(row[1]))
			}
			for _, cell := range row {
				for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";|\t\r\n", r) }) {
					part = strings.TrimLeftFunc(part, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
					require.False(t, part != "" && strings.ContainsRune("=+-@", rune(part[0])), "%q", cell)
				}
			}
		}
	})
}

// A search finds what it should: from three characters on wherever they stand,
// one or two where a word begins, and everything with none; spelling and spaces
// are those of names. Whatever is asked, it ends, and what is found is there.
func FuzzSearchFits(f *testing.F) {
	for _, tt := range [][2]string{{"ann o'hara", "an"}, {"ann", "ha"}, {"ba", "a"}, {"a\nb", "b"}, {"日本語", "本"}, {"x", ""}, {"aaa", "aa"}, {"%", "%"}, {"ü", "Ü"}} {
		f.Add(tt[0], tt[1])
	}
	f.Fuzz(func(t *testing.T, name, search string) {
		text := accounts.Site{Name: name}.SearchText()
		got, term := accounts.SearchFits(text, search), accounts.NameKey(search)
		want := strings.Contains(text, term)
		if n := utf8.RuneCountInString(term); want && (n == 1 || n == 2) {
			want = false
			runes := []rune(text)
			for i := range runes {
				if strings.HasPrefix(string(runes[i:]), term) && (i == 0 || !accounts.IsWord(runes[i-1])) {
					want = true
				}
			}
		}
		if utf8.ValidString(text) {
			require.Equal(t, want, got, "%q in %q", term, text)
		}
		require.True(t, accounts.SearchFits(text, ""))
		if utf8.RuneCountInString(accounts.NameKey(name)) > 2 {
			require.True(t, accounts.SearchFits(text, name), "a name finds itself")
		}
	})
}

// What lists and exports say of a client's moments is in UTC.
func TestClients_Export_moments(t *testing.T) {
	t.Parallel()

	w := studio(t)
	c := client("studio", "abroad")
	c.CreatedAt = start.In(time.FixedZone("there", 7200))
	w.put(c)
	var b bytes.Buffer
	require.NoError(t, w.recs.Export(t.Context(), job(), accounts.ExportClients{Account: "studio", Search: "abroad"}, &b))
	require.Contains(t, b.String(), `"2026-03-02T10:00:00Z","","",""`)
}
