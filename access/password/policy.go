package password

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// The length that a policy asks for, in code points.
const (
	DefaultLeast = 15 // where a password is the only factor
	minLeast     = 8
	maxLeast     = 64
)

const (
	// minContext is from how many letters and digits on a word of the context, or of Blocked, is looked for.
	minContext = 4

	// maxContext is how much of a text about a person is read, in bytes. Names and addresses are shorter.
	maxContext = 1_024
)

// PolicyOptions sets up a [Policy]. A field left zero has its default.
type PolicyOptions struct {
	// Least is the least number of code points, 8 to 64. Default 15. Set it lower only where nobody gets in by a password
	// alone, because each login takes a second factor.
	Least int

	// Words are about the product and never about a person: its name, the company's, its domain. They count as the
	// context of every password. Parts of fewer than 4 letters and digits are left out.
	Words []string

	// Blocked are further words and passwords that people choose first, as the built-in ones are: in other languages, or
	// of another trade. Those of fewer than 4 letters and digits are left out.
	Blocked []string

	// Breached reports whether a password is known from a breach, for those that pass all other rules. It is given the
	// NFKC form, and ctx as Check was; it must be safe for use by several goroutines. Where it fails no password can be
	// chosen until it works again; return false and no error to let them pass instead. Its error must not hold the
	// password. Default none.
	Breached func(ctx context.Context, password string) (bool, error)
}

// Policy says which passwords may be chosen. It is safe for use by several goroutines. The zero Policy is not usable;
// [NewPolicy] makes one.
type Policy struct {
	least    int
	words    []string // keys
	lexicon  *lexicon
	breached func(context.Context, string) (bool, error)
}

// NewPolicy returns a Policy. A nil o means all defaults; a bad option is refused with an [*OptionError]. It reads the
// built-in lists, which takes some milliseconds and a megabyte, and starts nothing.
func NewPolicy(o *PolicyOptions) (*Policy, error) {
	var p PolicyOptions
	if o != nil {
		p = *o
	}
	if p.Least == 0 {
		p.Least = DefaultLeast
	}
	if p.Least < minLeast || p.Least > maxLeast {
		return nil, &OptionError{Field: "Least", Reason: "must be 8 to 64"}
	}
	for _, list := range []struct {
		field string
		words []string
	}{{"Words", p.Words}, {"Blocked", p.Blocked}} {
		for _, w := range list.words {
			if len(w) > MaxBytes || !utf8.ValidString(w) {
				return nil, &OptionError{Field: list.field, Reason: "must hold UTF-8 of at most 1,024 bytes each"}
			}
		}
	}
	policy := &Policy{least: p.Least, lexicon: newLexicon(p.Blocked), breached: p.Breached}
	for _, w := range p.Words {
		policy.words = append(policy.words, contextKeys(w)...)
	}
	return policy, nil
}

// Check returns nil if password may be chosen by somebody of whom about tells: their name, their address, the name of
// their account. The package comment has the rules.
//
// Otherwise it returns a [*RefusedError] for the first rule that is broken, or [ErrUnavailable] where Breached fails.
func (p *Policy) Check(ctx context.Context, password string, about ...string) error {
	text, err := normalise(password)
	if err != nil {
		return err
	}
	// As typed and as hashed: one ligature may stand for many letters, and an accent for a character of its own.
	if n := min(utf8.RuneCountInString(password), utf8.RuneCountInString(text)); n < p.least {
		return &RefusedError{Rule: RuleShort, Reason: fmt.Sprintf("has fewer than %d characters", p.least)}
	}
	if err := p.checkGuess(plain(text), about); err != nil {
		return err
	}
	if p.breached == nil {
		return nil
	}
	known, err := p.breached(ctx, text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if known {
		return &RefusedError{Rule: RuleBreached, Reason: "is known from a breach"}
	}
	return nil
}

// checkGuess refuses s where it is guessed too soon.
func (p *Policy) checkGuess(s []rune, about []string) error {
	if n := period(bare(s)); n < p.least || p.lexicon.cheapest(s, nil) <= priceEnough {
		return &RefusedError{Rule: RuleCommon, Reason: "is made of common words, names, dates or patterns"}
	}
	known := p.known(about)
	if len(known) > 0 && p.lexicon.cheapest(s, known) <= priceEnough {
		return &RefusedError{Rule: RuleContext, Reason: "is made of words about you or the product"}
	}
	return nil
}

// known returns the keys of all that is known about a person and the product.
func (p *Policy) known(about []string) map[string]struct{} {
	known := map[string]struct{}{}
	for _, k := range p.words {
		known[k] = struct{}{}
	}
	for _, text := range about {
		for _, k := range contextKeys(text[:min(len(text), maxContext)]) {
			known[k] = struct{}{}
		}
	}
	return known
}
