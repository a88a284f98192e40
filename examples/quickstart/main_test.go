package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// secret is what a mailed link carries, another one each time.
var secret = regexp.MustCompile(`c[a-z]{3}_[A-Z2-7]{52}`)

// tell runs a story, or all, and returns what it told, with secrets masked.
func tell(t *testing.T, story string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, false, story, posting{}), "%s", &out)
	return secret.ReplaceAllString(out.String(), "(a secret)")
}

func TestRun(t *testing.T) {
	t.Parallel()
	all := tell(t, "")

	t.Run("every story goes as told, without colours when the output is no terminal", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, len(stories), strings.Count(all, "\nEverything went as told.\n"))
		require.NotContains(t, all, "\x1b")
	})

	for _, s := range stories {
		t.Run("the story "+s.name+" can be told alone, and is the same each time but for its secrets", func(t *testing.T) {
			t.Parallel()
			require.Contains(t, all, tell(t, s.name))
		})
	}

	for title, plot := range plots {
		t.Run("the story "+title+" shows what it promises, in order", func(t *testing.T) {
			t.Parallel()
			_, rest, found := strings.Cut(all, title+"\n")
			require.True(t, found)
			for _, line := range plot {
				_, after, found := strings.Cut(rest, line)
				require.True(t, found, "%q, in what follows:\n%s", line, rest)
				rest = after
			}
		})
	}

	t.Run("a story that does not exist is refused with those that do", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, false, "nonsense", posting{}), "agency")
	})
}

// plots are what stories are about: a line that is gone is a promise that is not
// shown any more.
var plots = map[string][]string{
	"Many accounts, one login": {
		"refused: Hanna logs in with a wrong password",
		"the address is proven.",
		`role is not offered by the plan "essentials"`,
		"Hanna invites Lucy as Author.",
		"https://app.letterbird.example/invitations/(a secret)",
		"refused: He accepts in a browser where Hanna is signed in",
		"refused: Somebody who saw the link accepts with a new password for Ravi",
		"refused: Ravi, signed in as himself, accepts\n      enter a code to do this",
		"refused: He mistypes them",
		"He accepts again, and is Admin of Tansy Books.",
		"In one step she is Author there and signed in;",
		"There is nothing to ask: she is at Tansy Books, as Author.",
		"Calla Bakery  Manager  through Patel Prints",
		"Tansy Books   Admin    as a member",
		"refused: Somebody replays the cookie that he had before",
		"He returns to Patel Prints in one step.",
		"all 5 seats of the account are taken, 2 of them by pending invitations",
		"refused: Kim opens the link",
		"refused: Ben, who has signed up and proven his address, accepts\n      the invitation is void",
		"by Ravi Patel  revoked",
		"by Ravi Patel  void",
		"Every older session is over:",
		"refused: The thief goes on with her phone",
		"from 198.51.100.7, this one",
		"She ends the one on the till.",
		"the user is the only owner of an account",
		"refused: She makes Lucy the owner, 15 minutes after her login",
		"Lucy Tan    Owner",
		"her place at Tansy Books, as Admin",
		"She confirms. Her name, her address and her password are erased.",
		"She signs up anew, and is somebody new",
		"ownership.transferred    by hanna, for lucy",
		"Everything went as told.",
	},
	"An agency and its own clients": {
		"Paula Reyes, lead.",
		"refused: He writes her down twice",
		`finds it by its domain.`,
		`refused: He gives it to Paula with the permission "SOE"`,
		"STATS_TAB, EDIT, SEO, BLOG, LIMITED_EDITING.",
		"Paula Reyes, site-assigned.",
		"refused: He writes words of his own, without the link",
		"https://clients.juniper.example/set-up/(a secret)",
		"This mail was sent by Juniper Web.",
		"Paula Reyes, invited.",
		"refused: Theo, a Manager, wants to see what Paula sees",
		"[ Mara Holm views as Paula Reyes ]",
		"refused: From there she changes what Paula may do",
		"refused: From there she views as somebody else",
		"refused: She stops, and the page is loaded once more",
		"29 days later Paula opens the link.",
		"SEO: yes. PUBLISH: no.",
		"refused: She asks for Juniper Web's list of clients",
		"refused: Somebody finds the mail later and opens the link",
		"Paula Reyes, active.",
		"Her next click sees it, with no new invitation:\n     The Kiln Diary     PUBLISH, BLOG\n",
		"refused: Bo opens the copy, to choose a password for Paula",
		"Birch & Daughters  as a client\n     Juniper Web        as a client",
		"refused: Paula, still signed in, loads her shop once more",
		"At Birch & Daughters nothing has changed for her.",
		"refused: Paula's old session",
		"She logs in again, and has what she had.",
		"no spreadsheet adds it up.",
		"Mara deletes her record",
		"refused: Paula looks for her shop",
		"refused              by mara, viewing as this client",
		"client.deleted       by mara",
		"Everything went as told.",
	},
}

func TestTeller_refused(t *testing.T) {
	t.Parallel()
	teller := &teller{w: &bytes.Buffer{}}

	require.Error(t, teller.refused(nil, errWanted, "something"), "what was to be refused and was allowed fails the story")
	require.Error(t, teller.refused(errOther, errWanted, "something"), "and so does another reason than told")
	require.NoError(t, teller.refused(errWanted, errWanted, "something"))
}

var errWanted, errOther = errors.New("wanted"), errors.New("other")
