package mail

import (
	"strings"
	"unicode/utf8"
)

const (
	lineWidth = 72 // characters of a line of text
	// closingLine is the line above the closing of a text. No other line ends with a space, so it is the only one.
	closingLine = "-- "
)

// JoinClosing puts a closing below a text.
func JoinClosing(text, closing string) string { return text + "\n" + closingLine + "\n" + closing }

// SplitClosing parts a text from its closing, which is empty if there is none.
func SplitClosing(text string) (body, closing string) {
	body, closing, _ = strings.Cut(text, "\n"+closingLine+"\n")
	return body, closing
}

// UnwrapLines joins the lines of a text that were wrapped at 72 characters, for what wraps lines by itself, such as the screen
// of a phone. Line breaks that were meant stay, and so do quotations and the closing.
func UnwrapLines(text string) string {
	var b strings.Builder
	body, closing := SplitClosing(text)
	for i, part := range []string{body, closing} {
		if part == "" {
			continue
		}
		if i > 0 {
			b.WriteString("\n" + closingLine + "\n")
		}
		for j, lines := range paragraphs(part) {
			if j > 0 {
				b.WriteString("\n")
			}
			for _, run := range runs(lines) {
				if strings.HasPrefix(run[0], ">") {
					b.WriteString(strings.Join(run, "\n") + "\n")
					continue
				}
				b.WriteString(strings.Join(unfold(run, lineWidth), "\n") + "\n")
			}
		}
	}
	return b.String()
}

// paragraphs are the lines that stand between blank ones.
func paragraphs(text string) [][]string {
	var all [][]string
	var one []string
	for line := range strings.SplitSeq(text+"\n\n", "\n") {
		switch {
		case line != "":
			one = append(one, line)
		case len(one) > 0:
			all, one = append(all, one), nil
		}
	}
	return all
}

// runs parts a paragraph where a quotation begins or ends.
func runs(lines []string) [][]string {
	var all [][]string
	for i, line := range lines {
		if i == 0 || strings.HasPrefix(line, ">") != strings.HasPrefix(lines[i-1], ">") {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], line)
	}
	return all
}

// quote puts "> " before each line of what somebody wrote, after wrapping it.
func quote(s string) string {
	var out []string
	for _, line := range said(s) {
		if line == "" {
			out = append(out, ">")
		}
		for _, part := range fold(line, lineWidth-2) {
			out = append(out, "> "+part)
		}
	}
	return strings.Join(out, "\n")
}

// said returns the lines of what somebody wrote, made inert, with at most one blank line between two others.
func said(s string) []string {
	var out []string
	for line := range strings.SplitSeq(cut(strings.TrimSpace(lines(s)), maxWords), "\n") {
		line = unlink(strings.Join(strings.Fields(line), " "))
		if line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return out
}

// wrap folds long lines, drops spaces at their ends, and leaves at most one blank line between paragraphs.
func wrap(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRight(line, " \t\r")
		rest, quoted := strings.CutPrefix(line, ">")
		switch {
		case line == "" && (len(out) == 0 || out[len(out)-1] == ""):
		case utf8.RuneCountInString(line) <= lineWidth:
			out = append(out, line)
		case quoted:
			for _, part := range fold(rest, lineWidth-2) {
				out = append(out, "> "+part)
			}
		default:
			for i, part := range fold(line, lineWidth) {
				// A ">" within a name must not begin a line, which would then be a quotation.
				if rest, ok := strings.CutPrefix(part, ">"); ok && i > 0 {
					part = "›" + rest
				}
				out = append(out, part)
			}
		}
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// fold breaks a line into lines of at most width characters, between words where it can. A link is never broken, and
// neither is a line at a space that does not break.
func fold(line string, width int) []string {
	var out []string
	var b strings.Builder
	n := 0
	flush := func() {
		if n > 0 {
			out = append(out, b.String())
			b.Reset()
			n = 0
		}
	}
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ' ' || r == '\t' }) {
		size := utf8.RuneCountInString(word)
		if n > 0 && n+1+size > width {
			flush()
		}
		for ; size > width && !strings.Contains(word, "://"); size -= width {
			runes := []rune(word)
			out = append(out, string(runes[:width]))
			word = string(runes[width:])
		}
		if n > 0 {
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += size
	}
	flush()
	return out
}

// unfold joins lines that fold parted: those whose next line begins with a word that had no room. Any other line break was
// meant.
func unfold(lines []string, width int) []string {
	out := lines[:1:1]
	last := utf8.RuneCountInString(lines[0])
	for _, line := range lines[1:] {
		word, _, _ := strings.Cut(line, " ")
		if last+1+utf8.RuneCountInString(word) > width {
			out[len(out)-1] += " " + line
		} else {
			out = append(out, line)
		}
		last = utf8.RuneCountInString(line)
	}
	return out
}
