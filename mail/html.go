package mail

import (
	"fmt"
	"strings"
)

// Page is what layout.html is filled with.
type Page struct {
	Lang      string // of the words, such as "de"
	Direction string // of writing: "ltr" or "rtl"
	Product   string
	Subject   string
	Preview   string // how the body begins, for lists of mail: not shown on the page itself
	Body      []Block
	Closing   []Block
}

// Block is one paragraph of a [Page]. Exactly one of its fields is filled, except that URL can go with Button.
type Block struct {
	Lines  []string   // words, parted where the text has a line break of its own
	Quote  [][]string // paragraphs of words that a user wrote, each as Lines
	Button string     // the words on the button that leads to URL
	URL    string     // a link, to be shown as well
	Code   string     // what has to be typed in
	Name   string     // an address that is told about
}

// HTML returns the page of a message: the words of its Text, and its subject above them. The language is that of
// the template that [Templates.Render] chose. What is quoted in the text is a quotation here; the Link and the Guide of
// the message's Data are the only links, the first on a button with the address below; everything else is text.
//
// A Text that Render did not make, such as one that somebody edited, is read by the same rules.
func (t *Templates) HTML(m Message) (string, error) {
	l, p, err := t.find(m.Kind, m.Locale)
	if err != nil {
		// A kind that this program does not know (any more): its words are there all the same.
		l, _, _ = t.find(AccessRequested, m.Locale)
	}
	body, below := SplitClosing(m.Text)
	v := Page{
		Lang: l.tag.String(), Direction: l.words.direction(), Product: inert(m.Data.Product, maxName), Subject: m.Subject,
		Body: blocks(body, p.button, m.Data), Closing: blocks(below, "", m.Data),
	}
	v.Preview = preview(v.Body)
	var b strings.Builder
	if err := t.layout.Execute(&b, v); err != nil {
		return "", fmt.Errorf("mail: the page of %s: %w", m.Kind, err)
	}
	return b.String(), nil
}

// preview returns the words at the beginning of a body, as many as a list of mail has room for.
func preview(body []Block) string {
	var words []string
	for _, b := range body {
		if len(b.Lines) == 0 {
			break
		}
		words = append(words, b.Lines...)
	}
	return cut(strings.Join(words, " "), maxPreview)
}

// blocks reads paragraphs, which stand between blank lines.
func blocks(text, button string, d Data) []Block {
	code, address := inert(d.Code, maxName), inert(d.Address, maxAddress)
	var list []Block
	for _, lines := range paragraphs(text) {
		for _, run := range runs(lines) {
			alone := "" // what is empty in the data is never alone
			if len(run) == 1 {
				alone = run[0]
			}
			switch {
			case strings.HasPrefix(run[0], ">"):
				if q := quotation(run, d); len(q) > 0 {
					list = append(list, Block{Quote: q})
				}
			case alone != "" && alone == d.Link:
				list = append(list, Block{Button: button, URL: alone})
			case alone != "" && alone == d.Guide:
				list = append(list, Block{URL: alone})
			case alone != "" && alone == code:
				list = append(list, Block{Code: alone})
			case alone != "" && alone == address:
				list = append(list, Block{Name: alone})
			default:
				list = append(list, Block{Lines: unfold(run, lineWidth)})
			}
		}
	}
	return list
}

// quotation reads the paragraphs of what somebody wrote. Where the data has it the line breaks are theirs, exactly.
func quotation(lines []string, d Data) [][]string {
	var all [][]string
	for _, words := range []string{d.Message, d.Reason} {
		if quote(words) != strings.Join(lines, "\n") {
			continue
		}
		for _, one := range paragraphs(strings.Join(said(words), "\n")) {
			for i := range one {
				one[i] = strings.Join(fold(one[i], lineWidth-2), " ")
			}
			all = append(all, one)
		}
		return all
	}
	bare := make([]string, len(lines))
	for i, line := range lines {
		bare[i] = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
	}
	for _, one := range paragraphs(strings.Join(bare, "\n")) {
		all = append(all, unfold(one, lineWidth-2))
	}
	return all
}
