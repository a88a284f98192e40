package smtp_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// An Error that a host's own test makes has words, whatever is missing in it.
func TestError(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*smtp.Error{
		"smtp: connecting: no answer":                 {Phase: smtp.Connect},
		"smtp: MAIL: context canceled":                {Phase: smtp.MailFrom, Err: context.Canceled},
		"smtp: RCPT: refused with 550 5.1.1":          {Phase: smtp.RcptTo, Code: 550, Status: "5.1.1", Reply: "5.1.1 <ada@willow.example>"},
		"smtp: connecting: refused with 554: go away": {Phase: smtp.Connect, Code: 554, Reply: "go  away"},
	} {
		require.EqualError(t, e, want)
	}
}
