package smtp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

func TestMessageID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"0195f1c2-7d3a-7000-8000-000000000001.1": "<0195f1c2-7d3a-7000-8000-000000000001.1@willow.example>",
		"a/b":                                    "<a%2Fb@willow.example>",
		"a%2Fb":                                  "<a%252Fb@willow.example>",
		"a@b>":                                   "<a%40b%3E@willow.example>",
		".a..b.":                                 "<%2Ea.%2Eb%2E@willow.example>",
		"x\r\nBcc: y":                            "<x%0D%0ABcc%3A%20y@willow.example>",
		"ü":                                      "<%C3%BC@willow.example>",
	} {
		require.Equal(t, want, smtp.MessageID(id, "willow.example"))
		for _, header := range []string{want, " " + want + "\r\n", strings.Trim(want, "<>")} {
			got, ok := smtp.ParseMessageID(header)
			require.True(t, ok, header)
			require.Equal(t, id, got)
		}
	}
}

func TestParseMessageID(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		"", "<>", "<@willow.example>", "<a>", "<a@>", "<a@b@c.example>", "<a b@willow.example>", "<a%2@willow.example>", "<a%@willow.example>",
		"<a%2f@willow.example>", "<%61@willow.example>", "<a..b@willow.example>", "<a.@willow.example>", "<a@willow example>", "<ü@willow.example>",
		"<a@willow.example> <b@willow.example>", "<a$b@willow.example>",
	} {
		_, ok := smtp.ParseMessageID(header)
		require.False(t, ok, "%q is none of ours", header)
	}
}

// Each ID has one Message-ID, which gives it back, and nothing else does; no ID brings a byte into a header that has a meaning
// there (A85, A88).
func FuzzParseMessageID(f *testing.F) {
	for _, x := range []string{"a", "a/b", "%", "..", "\r\n", "<a@willow.example>", "a%2Fb@willow.example"} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x string) {
		if x != "" {
			header := smtp.MessageID(x, "willow.example")
			require.Regexp(t, `^<[A-Za-z0-9_%.-]+@willow\.example>$`, header)
			got, ok := smtp.ParseMessageID(header)
			require.True(t, ok)
			require.Equal(t, x, got)
		}
		if id, ok := smtp.ParseMessageID(x); ok {
			_, domain, _ := strings.Cut(strings.Trim(x, "<> \t\r\n"), "@")
			require.Equal(t, smtp.MessageID(id, domain), "<"+strings.Trim(strings.Trim(x, " \t\r\n"), "<>")+">")
		}
	})
}
