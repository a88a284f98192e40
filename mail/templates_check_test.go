package mail_test

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// A mistake in a template is an error that names the file and the rule when the host starts, and not when somebody waits
// for a link.
func TestNewTemplates(t *testing.T) {
	t.Parallel()
	const all = "{{.Agency}} {{.Client}} {{.Sender}} {{.Role}}"
	for _, tc := range []struct{ name, kind, given, want string }{
		{"a file without a subject is refused", mail.AccessApproved, "Hello\n\nBody\n", "the head has one line"},
		{"an empty subject is refused", mail.AccessApproved, "Subject: \n\nBody\n", "the head has one line"},
		{"two subjects are refused", mail.AccessApproved, "Subject: x\nSubject: y\n\nBody\n", "the head has one line"},
		{"a head of a button alone is refused", mail.AccessApproved, "Button: x\n\nBody\n", `no line "Subject: …"`},
		{"a body right after the subject is refused", mail.AccessApproved, "Subject: x\nBody\n", "no blank line"},
		{"a button with a field is refused", mail.AccessApproved, "Subject: x\nButton: {{.Agency}}\n\nBody\n", "button are the same in each mail"},
		{"a subject that can be empty is refused", mail.AccessApproved, "Subject: {{.Recipient}}\n\n" + all, "the subject is empty"},
		{"a subject that can only be empty without two names is refused", mail.ConnectionEnded, "Subject: {{.Sender}}{{.Recipient}}\n\n{{.Agency}} {{.Client}}", "the subject is empty"},
		{"a body that can be empty is refused", mail.Code, "Subject: {{.Code}}\n\n{{if eq .Product \"N\"}}{{else}}x{{end}}", "the body is empty"},
		{"a field that there is not is refused", mail.AccessApproved, "Subject: x\n\n{{.Agenzy}}\n", "{{.Agenzy}}"},
		{"such a field is found where no sample comes to", mail.AccessApproved, "Subject: x\n\n" + all + `{{if eq .Role "Owner"}}{{if .Link}}{{else}}{{with .Agenzy}}{{end}}{{end}}{{end}}`, "{{.Agenzy}}"},
		{"such a field is found in an argument", mail.AccessApproved, "Subject: x\n\n" + all + `{{if and (eq .Role "Owner") (eq (printf "%s" $.Agenzy) "")}}x{{end}}`, "{{.Agenzy}}"},
		{"such a field is found in the subject", mail.AccessApproved, "Subject: {{.Agenzy}}\n\nBody\n", "{{.Agenzy}}"},
		{"such a field is found in the closing", mail.AccessApproved, "Subject: x\n\n" + all + "\n\n--\n{{.Agenzy}}\n", "{{.Agenzy}}"},
		{"a field that the kind does not have is refused", mail.PasswordChanged, "Subject: x\n\n{{.Agency}}\n", "mail of this kind has no {{.Agency}}"},
		{"such a field is found where it is only asked for", mail.PasswordChanged, "Subject: x\n\nx{{if .Link}}x{{end}}\n", "mail of this kind has no {{.Link}}"},
		{"the address of a code, which is where it goes, is refused", mail.Code, "Subject: x\n\n{{.Code}}\n\n{{.Address}}\n", "mail of this kind has no {{.Address}}"},
		{"an unknown function is refused", mail.AccessApproved, "Subject: x\n\n{{shout .Agency}}\n", "shout"},
		{"a broken template is refused", mail.AccessApproved, "Subject: x\n\n{{if .Agency}}\n", "EOF"},
		{"a condition across the closing is refused", mail.AccessApproved, "Subject: x\n\n{{if .Agency}}\n\n--\n{{end}}\n", "EOF"},
		{"what fails with short names is refused", mail.AccessApproved, "Subject: x\n\n" + all + "{{slice .Sender 0 3}}", "out of range"},
		{"a name that is never shown is refused", mail.AccessApproved, "Subject: {{.Agency}}\n\nThe client\n", "never shows {{.Client}}"},
		{"a name that is only shown to some is refused", mail.AccessApproved, "Subject: x\n\n{{.Agency}}{{if .Recipient}} {{.Client}}{{end}}\n", "never shows {{.Client}}"},
		{"a missing address is refused", mail.InvitationDeclined, "Subject: {{.Account}}\n\nx\n", "never shows {{.Address}}"},
		{"a missing code is refused", mail.Code, "Subject: x\n\nx\n", "never shows {{.Code}}"},
		{"a code in a sentence is refused", mail.Code, "Subject: x\n\nIt is {{.Code}}\n", "{{.Code}} must have a paragraph of its own"},
		{"a missing link is refused", mail.PasswordReset, "Subject: x\nButton: x\n\nx\n", "{{.Link}} exactly once"},
		{"a link that is there twice is refused", mail.PasswordReset, "Subject: x\nButton: x\n\n{{.Link}}\n\n{{.Link}}\n", "{{.Link}} exactly once"},
		{"a link in a sentence is refused", mail.PasswordReset, "Subject: x\nButton: x\n\nOpen {{.Link}}\n", "{{.Link}} must have a paragraph of its own"},
		{"a link below a sentence is refused", mail.PasswordReset, "Subject: x\nButton: x\n\nOpen:\n{{.Link}}\n", "{{.Link}} must have a paragraph of its own"},
		{"a link in the closing is refused", mail.PasswordReset, "Subject: x\nButton: x\n\nx\n\n--\n{{.Link}}\n", "{{.Link}} exactly once"},
		{"a link in the subject is refused", mail.PasswordReset, "Subject: {{.Link}}\nButton: x\n\n{{.Link}}\n", "not in the subject"},
		{"a link without a button is refused", mail.PasswordReset, "Subject: x\n\n{{.Link}}\n", `no line "Button: …"`},
		{"a guide in a sentence is refused", mail.AccessRequested, "Subject: {{.Agency}}\nButton: x\n\n{{.Link}}\n\nSee {{.Guide}}\n", "{{.Guide}} must have a paragraph of its own"},
		{"words of users in a sentence are refused", mail.AccessDeclined, "Subject: {{.Agency}} {{.Client}}\n\nThey wrote: {{.Reason}}\n", "{{.Reason}} must have a paragraph of its own"},
		{"words of users in the subject are refused", mail.AccessDeclined, "Subject: {{.Agency}} {{.Client}} {{.Reason}}\n\nx\n", "not in the subject"},
		{"words of users in the closing are refused", mail.AccessDeclined, "Subject: {{.Agency}} {{.Client}}\n\nx\n\n--\n{{.Reason}}\n", "not in the subject or the closing"},
		{"a setup link without its link is refused", mail.SetupInvitation, "Subject: {{.Account}}\n\n{{.Address}}\n", "{{.Link}} exactly once"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := mail.NewTemplates(fstest.MapFS{"en/" + tc.kind + ".txt": file(tc.given)})
			require.ErrorContains(t, err, tc.want)
			require.Regexp(t, "^en/"+tc.kind+`\.txt: `, err.Error())
		})
	}
	for _, tc := range []struct{ name, path, given, want string }{
		{"a folder that is no language is refused", "assets/invited.txt", "x", "assets: the folder is not the name of a language, such as de or pt-BR; if the languages are in it, hand over fs.Sub of it"},
		{"an embed.FS without fs.Sub is refused", "templates/en/invited.txt", "x", "templates: the folder is not the name of a language, such as de or pt-BR; if the languages are in it, hand over fs.Sub of it"},
		{"one whose folder could be a language is refused", "app/en/invited.txt", "x", "app/en: there is a folder in that of a language; if the languages are in app, hand over fs.Sub of it"},
		{"a folder of no language in particular is refused", "und/invited.txt", "x", "und: the folder is not the name of a language"},
		{"a folder of pictures is refused", "pictures/logo.png", "x", "pictures: the folder is not the name of a language"},
		{"a folder without a template is refused", "pt-BR/README.md", "x", "pt-BR: there is no template in the folder"},
		{"a template of another ending is refused", "de/invited.tmpl", "x", "de/invited.tmpl: it is neither a template, which ends in .txt, nor words.txt"},
		{"a template in HTML is refused", "de/invited.html", "x", "de/invited.html: it is neither a template"},
		{"a layout of one language is refused", "de/layout.html", "x", "de/layout.html: the layout is one for all languages, and stands beside their folders"},
		{"an ending in capitals is refused", "de/invited.TXT", "x", "de/invited.TXT: it is neither a template"},
		{"a template that is in no folder is refused", "invited.txt", "x", "invited.txt: it is neither layout.html nor the folder of a language"},
		{"a layout in capitals is refused", "Layout.html", "x", "Layout.html: it is neither layout.html nor the folder of a language"},
		{"a misspelt kind is refused", "en/access-aproved.txt", "Subject: x\n\nx\n", "en/access-aproved.txt: it is all but access-approved.txt; a kind of your own needs a name that is less like it"},
		{"letters that changed places are refused", "en/pasword-rseet.txt", "Subject: x\n\nx\n", "en/pasword-rseet.txt: it is all but password-reset.txt"},
		{"a misspelt kind of another language is refused", "de/invted.txt", "Subject: x\n\nx\n", "de/invted.txt: it is all but invited.txt"},
		{"a kind in capitals is refused", "en/Code.txt", "Subject: x\n\nx\n", "en/Code.txt: it is all but code.txt"},
		{"misspelt words are refused", "en/word.txt", "months: x", "en/word.txt: it is all but words.txt"},
		{"a bad template of another language is refused", "de/no-login.txt", "x", "de/no-login.txt: there is no blank line"},
		{"a bad template of a new language is refused", "pt-BR/no-login.txt", "x", "pt-BR/no-login.txt: there is no blank line"},
		{"a kind that English lacks is refused", "de/of-the-host.txt", "Subject: x\n\nx\n", "de/of-the-host.txt: English, which everybody falls back to, has no such file"},
		{"a language that lacks a kind is refused", "nl/password-changed.txt", "Subject: x\n\nx\n", "nl/access-approved.txt: there is no such file, and no language above has it"},
		{"a script that is not that of the language is a language of its own", "de-Cyrl/words.txt", "direction: ltr", "de-Cyrl/access-approved.txt: there is no such file, and no language above has it"},
		{"words of an unknown name are refused", "de/words.txt", "monthz: x", `de/words.txt: "monthz: x" is none of months, time, direction (ltr or rtl), and role NAME`},
		{"words without a value are refused", "de/words.txt", "months:", `de/words.txt: "months:" is no line of the form name: value`},
		{"eleven months are refused", "de/words.txt", "months: a b c d e f g h i j k", "de/words.txt: months are twelve words, and not 11"},
		{"a time without its day is refused", "de/words.txt", "time: {month} {year} {clock}", "de/words.txt: the time does not show {day}"},
		{"a time without months is refused", "nl/words.txt", "time: {day} {month} {year} {clock}", "nl/words.txt: months and time go together"},
		{"a direction that there is not is refused", "de/words.txt", "direction: down", `de/words.txt: "direction: down" is none of`},
		{"a broken layout is refused", "layout.html", "{{", "layout.html: "},
		{"a layout that names what there is not is refused", "layout.html", "{{.Nothing}}", "layout.html: "},
		{"a layout that does that for one sort of paragraph is refused", "layout.html", strings.ReplaceAll(builtInLayout(t), "{{else if .Code}}", "{{else if .Code}}{{.Nothing}}"), "layout.html: "},
		{"a layout that does that for mail without a closing is refused", "layout.html", strings.ReplaceAll(builtInLayout(t), "{{if .Closing}}", "{{if not .Closing}}{{.Nothing}}{{end}}{{if .Closing}}"), "layout.html: "},
		{"a layout without the guide is refused", "layout.html", strings.ReplaceAll(builtInLayout(t), "{{else if .URL}}", "{{else if .Code}}"), `layout.html: it does not show all of a page: "https://example.com/guide-2" is missing`},
		{"a layout without a link to the page is refused", "layout.html", strings.ReplaceAll(builtInLayout(t), `href="{{.URL}}"`, ""), `layout.html: it does not link all of a page: href="https://example.com/link-1" is missing`},
		{"a layout without quotations is refused", "layout.html", strings.ReplaceAll(builtInLayout(t), "{{range $i, $p := .Quote}}", "{{range $i, $p := slice .Quote 0 1}}"), `layout.html: it does not show all of a page: "quoted-9" is missing`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := mail.NewTemplates(fstest.MapFS{tc.path: file(tc.given)})
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.want, err.Error()[:len(tc.want)], "the file comes first")
		})
	}
	t.Run("two folders of one language are refused", func(t *testing.T) {
		t.Parallel()
		_, err := mail.NewTemplates(fstest.MapFS{"de-AT/words.txt": file("direction: ltr"), "de-at/words.txt": file("direction: ltr")})
		require.EqualError(t, err, "de-at: the folder de-AT is of the same language")
	})
	t.Run("a file system that cannot be read is an error, and not an empty one", func(t *testing.T) {
		t.Parallel()
		_, err := mail.NewTemplates(os.DirFS(filepath.Join(t.TempDir(), "missing")))
		require.ErrorIs(t, err, fs.ErrNotExist)
		for _, op := range []string{"list", "open"} {
			_, err = mail.NewTemplates(failingFS{fstest.MapFS{"de/password-changed.txt": file("x")}, op})
			require.ErrorIs(t, err, errDisk)
		}
	})
	t.Run("a file system with nothing in it is refused", func(t *testing.T) {
		t.Parallel()
		for _, empty := range []fs.FS{fstest.MapFS{}, embed.FS{}, os.DirFS(t.TempDir()), fstest.MapFS{"README.md": file("x"), "_drafts/de/x.txt": file("x")}} {
			_, err := mail.NewTemplates(empty)
			require.EqualError(t, err, "mail: there is neither the folder of a language nor layout.html in the templates; "+
				"hand over fs.Sub of the folder that has them, or nil for the built-in ones alone")
		}
	})
	t.Run("hidden files, those that begin with _, and a README.md are left alone", func(t *testing.T) {
		t.Parallel()
		ts := templates(t, fstest.MapFS{
			"README.md": file("x"), "de/README.md": file("x"), ".git/x.txt": file("x"), "de/.invited.txt": file("x"), "_old/de/x.txt": file("x"),
			"de/_invited.txt": file("x"), "de/_old/invited.txt": file("x"), "_layout.html": file("x"), "de/words.txt": file("role Guest: Gast"),
		})
		require.Equal(t, templates(t, nil).Languages(), ts.Languages())
	})
	t.Run("a kind of the host's own needs a name of its own, and no more", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []string{"trial-ending", "welcome", "invoiced", "note", "code-used", "access-expired"} {
			_, text, err := templates(t, fstest.MapFS{"en/" + kind + ".txt": file("Subject: x\n\nOurs\n")}).Render(kind, "", mail.Data{})
			require.NoError(t, err)
			require.Equal(t, "Ours\n", text)
		}
	})
	t.Run("folders that are links, as in a mounted volume, are read", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "..data", "en"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "..data", "en", "no-login.txt"), []byte("Subject: Mounted\n\nx\n"), 0o600))
		require.NoError(t, os.Symlink(filepath.Join("..data", "en"), filepath.Join(dir, "en")))
		subject, _, err := templates(t, os.DirFS(dir)).Render(mail.NoLogin, "en", data())
		require.NoError(t, err)
		require.Equal(t, "Mounted", subject)
	})
}

func builtInLayout(tb testing.TB) string {
	tb.Helper()
	b, err := os.ReadFile("templates/layout.html")
	require.NoError(tb, err)
	return string(b)
}

var errDisk = errors.New("disk is gone")

// failingFS cannot list the folders below the top, or open files.
type failingFS struct {
	fstest.MapFS
	op string
}

func (f failingFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if f.op == "list" && name != "." {
		return nil, errDisk
	}
	return f.MapFS.ReadDir(name)
}

func (f failingFS) ReadFile(name string) ([]byte, error) {
	if f.op == "open" {
		return nil, errDisk
	}
	return f.MapFS.ReadFile(name)
}
