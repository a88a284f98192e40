package pgtest

import (
	"bytes"
	"strings"
)

// script follows what a client says, as far as it matters to know which message
// makes a change durable.
type script struct {
	statements map[string]*statement // prepared, by name
	portals    map[string]*statement
	open       bool // in a transaction that a COMMIT ends
	wrote      bool // something that is not durable yet
}

func newScript() script {
	return script{statements: make(map[string]*statement), portals: make(map[string]*statement)}
}

// statement is a text of SQL and what it does, one after the other.
type statement struct {
	text  string
	steps []step
}

type step int

const (
	reads step = iota
	writes
	begins
	commitsIt
	rollsBack
)

// client takes a message of the client.
func (s *script) client(message []byte) Message {
	m := Message{Type: message[0]}
	body := message[headerSize:]
	switch m.Type {
	case msgQuery:
		text, _ := cut(body)
		m.SQL = text
		m.Commits = s.run(parse(text))
		if !s.open && s.wrote { // it was a transaction of its own
			m.Commits, s.wrote = true, false
		}
	case msgParse:
		name, rest := cut(body)
		text, _ := cut(rest)
		m.SQL = text
		s.statements[name] = parse(text)
	case msgBind:
		portal, rest := cut(body)
		name, _ := cut(rest)
		if st := s.statements[name]; st != nil {
			s.portals[portal] = st
			m.SQL = st.text
		}
	case msgRun:
		portal, _ := cut(body)
		if st := s.portals[portal]; st != nil {
			m.SQL = st.text
			m.Commits = s.run(st)
		}
	case msgClose:
		s.forget(body)
	case msgSync:
		if !s.open {
			m.Commits, s.wrote = s.wrote, false
		}
	}
	return m
}

func (s *script) forget(body []byte) {
	if len(body) == 0 {
		return
	}
	name, _ := cut(body[1:])
	if body[0] == 'S' {
		delete(s.statements, name)
	} else {
		delete(s.portals, name)
	}
}

// run takes note of what a statement does, and reports whether it commits what was
// written.
func (s *script) run(st *statement) bool {
	committed := false
	for _, d := range st.steps {
		switch d {
		case reads:
		case writes:
			s.wrote = true
		case begins:
			s.open = true
		case commitsIt:
			committed = committed || s.wrote
			s.open, s.wrote = false, false
		case rollsBack:
			s.open, s.wrote = false, false
		}
	}
	return committed
}

// server takes the state of the transaction, when the server has answered all
// that was said.
func (s *script) server(state byte) {
	const idle = 'I'
	s.open = state != idle
	if !s.open {
		s.wrote = false
	}
}

// cut splits at the first zero byte.
func cut(b []byte) (string, []byte) {
	before, after, _ := bytes.Cut(b, []byte{0})
	return string(before), after
}

func parse(text string) *statement {
	st := &statement{text: text}
	for _, w := range words(text) {
		st.steps = append(st.steps, stepOf(w))
	}
	return st
}

func stepOf(w []string) step {
	second := ""
	if len(w) > 1 {
		second = w[1]
	}
	switch w[0] {
	case "BEGIN", "START":
		return begins
	case "COMMIT", "END":
		if second != "PREPARED" {
			return commitsIt
		}
		return writes
	case "ROLLBACK", "ABORT":
		for _, x := range w[1:] {
			if x == "TO" || x == "PREPARED" {
				return reads
			}
		}
		return rollsBack
	case "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "COMMENT", "DO", "CALL":
		return writes
	case "WITH", "EXPLAIN":
		for i, x := range w {
			switch x {
			case "INSERT", "DELETE", "MERGE":
				return writes
			case "UPDATE": // but not FOR UPDATE, nor FOR NO KEY UPDATE
				if w[i-1] != "FOR" && w[i-1] != "KEY" {
					return writes
				}
			}
		}
	}
	return reads
}

// words returns the words of each statement of a text, in capitals, without what
// is quoted or commented.
func words(text string) [][]string {
	var all [][]string
	var one []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ';':
			if len(one) > 0 {
				all, one = append(all, one), nil
			}
			i++
		case letter(c):
			n := i
			for n < len(text) && (letter(text[n]) || digit(text[n]) || text[n] == '$') {
				n++
			}
			one = append(one, strings.ToUpper(text[i:n]))
			i = n
		default:
			i += skip(text[i:])
		}
	}
	if len(one) > 0 {
		all = append(all, one)
	}
	return all
}

func letter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// skip returns how long what is no word is, at the beginning of a text: a quoted
// text, a comment, or a single character.
func skip(text string) int {
	switch {
	case text[0] == '\'' || text[0] == '"':
		return upTo(text, 1, text[:1])
	case strings.HasPrefix(text, "--"):
		return upTo(text, 2, "\n")
	case strings.HasPrefix(text, "/*"):
		return upTo(text, 2, "*/")
	case text[0] == '$':
		n := 1
		for n < len(text) && (letter(text[n]) || n > 1 && digit(text[n])) {
			n++
		}
		if n < len(text) && text[n] == '$' {
			return upTo(text, n+1, text[:n+1])
		}
	}
	return 1
}

// upTo returns the length of a text up to and with the next mark behind from.
func upTo(text string, from int, mark string) int {
	if i := strings.Index(text[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(text)
}
