package mail

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Placeholder stands in a [Draft] where the link will be. It is the same in every language, and never translated.
const Placeholder = "[[LINK]]"

// MaxDraft is the greatest length of a draft's text in characters; its subject has at most 150.
const MaxDraft = 5000

// Draft is a mail that somebody may edit before it is sent: its subject, and its text as plain text with [Placeholder]
// exactly once, where the link will be. The link itself is made when the mail is sent, so nobody who edits sees it.
type Draft struct {
	Subject string
	Text    string
}

// DraftError says which part of a draft cannot be sent, and why: "subject" or "text". It never repeats the words.
type DraftError struct {
	Field  string
	Reason string
}

func (e *DraftError) Error() string { return "mail: the " + e.Field + " " + e.Reason }

// Clean returns the draft as it will be sent, or a [*DraftError]. A draft that was cleaned is the same when it is cleaned
// again, so what was shown is what is sent.
//
// What people wrote is inert, as in [Templates.Render]: characters that are not shown but act are taken out, and no
// address with a scheme, or with "www.", becomes a link. (Bare names such as example.com stay, and some mail programs make
// links of them.) Controls become spaces in the subject and ends of lines in the text. The placeholder gets a paragraph of
// its own, and lines are wrapped. Lines that begin with ">" are a quotation, as in any mail.
//
// A draft without a subject, of more than 150 characters in it or [MaxDraft] in the text, and one whose text does not
// have the placeholder exactly once, or whose subject has it, is refused.
func (d Draft) Clean() (Draft, error) {
	bad := func(field, reason string) (Draft, error) { return Draft{}, &DraftError{Field: field, Reason: reason} }
	tooLong := func(most int) string { return fmt.Sprintf("is longer than %d characters", most) }
	// What cleaning takes out may be as long again, and no more.
	if len(d.Subject) > 2*utf8.UTFMax*maxSubject {
		return bad("subject", tooLong(maxSubject))
	}
	if len(d.Text) > 2*utf8.UTFMax*MaxDraft {
		return bad("text", tooLong(MaxDraft))
	}
	d.Subject = unlink(oneLine(d.Subject))
	switch {
	case d.Subject == "":
		return bad("subject", "is missing")
	case strings.Contains(d.Subject, Placeholder):
		return bad("subject", "has the placeholder "+Placeholder+", which belongs in the text")
	case utf8.RuneCountInString(d.Subject) > maxSubject:
		return bad("subject", tooLong(maxSubject))
	}
	text := unlink(lines(d.Text))
	if strings.Count(text, Placeholder) != 1 {
		return bad("text", "does not have the placeholder "+Placeholder+" exactly once")
	}
	above, below, _ := strings.Cut(text, Placeholder)
	d.Text = wrap(strings.TrimSpace(above) + "\n\n" + Placeholder + "\n\n" + strings.TrimSpace(below))
	if utf8.RuneCountInString(d.Text) > MaxDraft {
		return bad("text", tooLong(MaxDraft))
	}
	return d, nil
}

// Fill returns the text with the link in place of the placeholder, and not a character changed besides.
func (d Draft) Fill(link string) string { return strings.Replace(d.Text, Placeholder, link, 1) }

// DraftOf returns the draft of a text whose one link is still to be made: the text as it was rendered with some other
// link in its place. It is a [*DraftError] for the field "text" if the text does not have that link exactly once.
func DraftOf(subject, text, link string) (Draft, error) {
	if link == "" || strings.Count(text, link) != 1 {
		return Draft{}, &DraftError{Field: "text", Reason: "does not have its link exactly once"}
	}
	return Draft{Subject: subject, Text: strings.Replace(text, link, Placeholder, 1)}.Clean()
}
