package access

import (
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Batch is the input of [Requests.Send] and [Requests.Preview].
type Batch struct {
	Agency    accounts.AccountID
	Addresses string     // as people paste them: separated by commas, semicolons or line breaks
	Message   string     // personal words to the recipients, at most 1,000 characters
	Level     roles.Role // the level the agency would like; "": not said. Never Owner
	Locale    string     // the language of the mails; "": the agency's

	// Another asks for one more account of people who have connected one at
	// this address already.
	Another bool

	Key string // optional idempotency key; a preview ignores it
}

// Outcome says what became of one address of a batch.
type Outcome string

// The outcomes. A preview gives the same ones.
const (
	Sent             Outcome = "sent"
	AlreadyPending   Outcome = "already pending"
	AlreadyConnected Outcome = "already connected"
	Repeated         Outcome = "repeated"
	Invalid          Outcome = "invalid"
	Own              Outcome = "own address"
	OverLimit        Outcome = "over the daily limit"
	RecipientLimit   Outcome = "recipient limit reached"
)

// Answer is what became of one address.
type Answer struct {
	Input   string         // as it was given
	Email   accounts.Email // the canonical form, "" when invalid
	Outcome Outcome
	Reason  string             // why it is invalid
	Request accounts.RequestID // the request sent, or the one pending
	ResetAt time.Time          // when a limit opens again
}

// BatchAnswer has an answer for each address, in the order given.
type BatchAnswer struct {
	Answers []Answer
	Sent    int
	Left    int       // how many more the agency may send today
	ResetAt time.Time // when the count starts again: the next midnight UTC
}

// limited reports whether a durable limit kept an address from being sent.
func (b BatchAnswer) limited() bool {
	return slices.ContainsFunc(b.Answers, func(a Answer) bool {
		return a.Outcome == OverLimit || a.Outcome == RecipientLimit
	})
}

// unnamed returns the answer without the addresses, as it is kept for an
// idempotency key: an address that is forgotten stays in no answer, and whoever
// comes with the key again brings the addresses too.
func (b BatchAnswer) unnamed() BatchAnswer {
	b.Answers = slices.Clone(b.Answers)
	for i := range b.Answers {
		b.Answers[i].Input, b.Answers[i].Email = "", ""
	}
	return b
}

// named returns an answer with the addresses of its batch.
func (d draft) named(b BatchAnswer) BatchAnswer {
	for i := range b.Answers {
		b.Answers[i].Input, b.Answers[i].Email = d.answers[i].Input, d.answers[i].Email
	}
	return b
}

// SplitAddresses splits what people paste: at commas, semicolons and line
// breaks, and at spaces where these part whole addresses. Empty pieces are
// dropped.
func SplitAddresses(s string) []string {
	var out []string
	for _, piece := range strings.FieldsFunc(s, func(r rune) bool {
		return r == ',' || r == ';' || r == '\n' || r == '\r'
	}) {
		words := strings.Fields(piece)
		whole := len(words) > 1
		for _, w := range words {
			whole = whole && strings.Contains(strings.Trim(w, "@"), "@")
		}
		if !whole {
			if words = nil; strings.TrimSpace(piece) != "" {
				words = []string{strings.TrimSpace(piece)}
			}
		}
		out = append(out, words...)
	}
	return out
}

// draft is a batch whose addresses were read: an answer for each, with an
// outcome only where the address alone decides it.
type draft struct {
	Batch
	answers []Answer
	emails  []accounts.Email // the valid ones, once each
}

func (b Batch) read(op accounts.Operation) (draft, error) {
	d := draft{Batch: b}
	limits, ladder := op.Rules.Limits, op.Rules.Ladder
	if err := accounts.CheckID("agency", b.Agency); err != nil {
		return d, err
	}
	if err := accounts.CheckMessage("message", b.Message, limits.Message); err != nil {
		return d, err
	}
	if err := accounts.CheckLocale(b.Locale); err != nil {
		return d, err
	}
	if b.Level != "" && !ladder.Has(b.Level) {
		return d, &accounts.InvalidError{Field: "level", Reason: "does not exist on the ladder"}
	}
	if b.Level == ladder.Top() {
		return d, &accounts.InvalidError{Field: "level", Reason: "is out of an agency's reach"}
	}
	pieces := SplitAddresses(b.Addresses)
	switch {
	case len(pieces) == 0:
		return d, &accounts.InvalidError{Field: "addresses", Reason: "are missing"}
	case len(pieces) > limits.BatchAddresses:
		return d, &accounts.InvalidError{Field: "addresses", Reason: "are too many for one batch"}
	}
	seen := make(map[accounts.Email]bool, len(pieces))
	d.answers = make([]Answer, len(pieces))
	for i, piece := range pieces {
		a := Answer{Input: clipInput(piece)}
		email, err := accounts.ParseEmail(piece)
		switch {
		case err != nil:
			a.Outcome, a.Reason = Invalid, reasonOf(err)
		case seen[email]:
			a.Email, a.Outcome = email, Repeated
		default:
			seen[email] = true
			a.Email = email
			d.emails = append(d.emails, email)
		}
		d.answers[i] = a
	}
	return d, nil
}

// clipInput keeps an answer from growing with what was pasted.
func clipInput(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if r := []rune(s); len(r) > accounts.MaxEmail {
		return string(r[:accounts.MaxEmail]) + "…"
	}
	return s
}
