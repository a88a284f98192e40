package mail

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
)

// try fills the page with samples, and checks that it shows what nobody could do without.
func (p page) try(kind string, w words) error {
	for _, part := range []*template.Template{p.subject, p.body, p.closing} {
		if err := checkFields(kind, part.Root); err != nil {
			return err
		}
	}
	for _, d := range samples(kind) {
		v, err := d.view(w)
		if err != nil {
			return err
		}
		subject, text, err := p.fill(v)
		if err != nil {
			return err
		}
		if err := p.shows(kind, v, subject, text); err != nil {
			return err
		}
	}
	return nil
}

// samples are fillings of a kind: with all of its fields, without those that it can do without, each alone and all
// together, with names that are short, and with names that are all the same. No sample name could be a word of a
// template, or be parted by a line's end.
func samples(kind string) []Data {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	all := Data{
		Product: "Product<1>", Agency: "Agency<2>", Client: "Client<3>", Account: "Account<4>", Recipient: "Recipient<5>",
		Sender: "Sender<6>", Role: "Role<7>", Address: "address-8@example.com", Code: "904718",
		Message: "Message<9>", Reason: "Reason<10>", Link: "https://example.com/link-11", Guide: "https://example.com/guide-12",
		ExpiresAt: at, At: at,
	}
	may := []string{"Recipient", "Sender", "Role", "Message", "Reason", "Link", "Guide"}
	if f, ok := fields[kind]; ok {
		may = f.may
		for name := range reflect.TypeFor[Data]().Fields() {
			if name := name.Name; name != "Product" && !slices.Contains(f.needs, name) && !slices.Contains(f.may, name) {
				all = all.without(name)
			}
		}
	}
	list := []Data{all, all.without(may...)}
	for _, name := range may {
		list = append(list, all.without(name))
	}
	for _, names := range []string{"N", "Name<13>"} {
		d := all
		for _, field := range []*string{&d.Product, &d.Agency, &d.Client, &d.Account, &d.Recipient, &d.Sender, &d.Role} {
			if *field != "" {
				*field = names
			}
		}
		list = append(list, d)
	}
	return list
}

// without empties fields.
func (d Data) without(names ...string) Data {
	for _, name := range names {
		reflect.ValueOf(&d).Elem().FieldByName(name).SetZero()
	}
	return d
}

// shows checks a sample.
func (p page) shows(kind string, v view, subject, text string) error {
	shown := map[string]string{"Agency": v.Agency, "Client": v.Client, "Account": v.Account, "Address": v.Address, "Code": v.Code}
	for _, field := range fields[kind].needs {
		if name, ok := shown[field]; ok && !strings.Contains(subject+"\n"+text, name) {
			return fmt.Errorf("it never shows {{.%s}}, which its kind is about", field)
		}
	}
	body, closing := SplitClosing(text)
	for field, words := range map[string]string{"Link": v.Link, "Guide": v.Guide, "Message": v.Message, "Reason": v.Reason, "Code": v.Code} {
		if words == "" {
			continue
		}
		n := strings.Count(body, words)
		switch {
		case field == "Link" && n != 1 && slices.Contains(fields[kind].needs, field):
			return errors.New("the text must have {{.Link}} exactly once")
		case field != "Code" && strings.Contains(subject+closing, words):
			return fmt.Errorf("{{.%s}} belongs in the body, and not in the subject or the closing", field)
		case n > 1:
			return fmt.Errorf("the text has {{.%s}} more than once", field)
		case n == 1 && !strings.Contains("\n\n"+body+"\n", "\n\n"+words+"\n\n"):
			return fmt.Errorf("{{.%s}} must have a paragraph of its own", field)
		case n == 1 && field == "Link" && p.button == "":
			return errors.New(`there is a link, and the head has no line "Button: …" with the words on its button`)
		}
	}
	return nil
}

// checkFields finds the fields that a template names, also where no sample comes to, and refuses those that there are
// not, and those that mail of that kind does not have. Within range and with, where the dot is something else, the
// samples have to do.
func checkFields(kind string, n parse.Node) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		return checkEach(kind, n.Nodes)
	case *parse.ActionNode:
		return checkFields(kind, n.Pipe)
	case *parse.IfNode:
		return checkEach(kind, []parse.Node{n.Pipe, n.List, n.ElseList})
	case *parse.WithNode:
		return checkEach(kind, []parse.Node{n.Pipe, n.ElseList})
	case *parse.RangeNode:
		return checkEach(kind, []parse.Node{n.Pipe, n.ElseList})
	case *parse.TemplateNode:
		return checkFields(kind, n.Pipe)
	case *parse.PipeNode:
		if n == nil {
			return nil
		}
		for _, c := range n.Cmds {
			if err := checkEach(kind, c.Args); err != nil {
				return err
			}
		}
	case *parse.FieldNode:
		return checkField(kind, n.Ident[0])
	case *parse.VariableNode:
		if len(n.Ident) > 1 && n.Ident[0] == "$" {
			return checkField(kind, n.Ident[1])
		}
	}
	return nil
}

func checkEach(kind string, nodes []parse.Node) error {
	for _, n := range nodes {
		if err := checkFields(kind, n); err != nil {
			return err
		}
	}
	return nil
}

func checkField(kind, name string) error {
	if _, ok := reflect.TypeFor[view]().FieldByName(name); !ok {
		return fmt.Errorf("there is no field {{.%s}}", name)
	}
	if f, ok := fields[kind]; ok && name != "Product" && !slices.Contains(f.needs, name) && !slices.Contains(f.may, name) {
		return fmt.Errorf("mail of this kind has no {{.%s}}", name)
	}
	return nil
}

// misspelt returns what the name of a file was meant to be, if it is not that but no more than a slip or two away: one
// for short names. A mail of such a kind would never be sent, and the built-in template would stay.
func misspelt(name string) (meant string) {
	known := append(Kinds(), strings.TrimSuffix(wordsName, ".txt"))
	if slices.Contains(known, name) {
		return ""
	}
	for _, k := range known {
		most := 1
		if len(k) > 7 {
			most = 2
		}
		if slips(name, k) <= most {
			return k
		}
	}
	return ""
}

// slips counts what has to be mended to make b of a: letters that are wrong, missing, too many, or in each other's place.
func slips(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := append(make([]int, 0, len(b)+1), i+1)
		for j := range len(b) {
			n := last[j]
			if a[i] != b[j] {
				n = 1 + min(n, last[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				n = min(n, before[j-1]+1)
			}
			row = append(row, n)
		}
		before, last = last, row
	}
	return last[len(b)]
}
