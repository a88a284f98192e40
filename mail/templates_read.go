package mail

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

const (
	english   = "en"
	wordsName = "words.txt"
)

// lang is what there is of one language.
type lang struct {
	tag   language.Tag
	words words
	pages map[string]page // by kind, those of the languages above included
}

// file is one that was read.
type file struct{ name, text string }

// source is what files say of one language, before it is understood: a template cannot be tried before all words are
// known.
type source struct {
	tag   language.Tag
	words []file // the built-in one first
	kinds map[string]file
}

// reader collects files.
type reader struct {
	langs  map[string]*source
	layout file
}

// read adds what a file system has. What is there already is replaced. What has no meaning there is an error, since whoever
// put it there meant something by it.
func (r *reader) read(fsys fs.FS) error {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return fmt.Errorf("mail: reading templates: %w", err)
	}
	seen, found := map[string]string{}, false
	for _, e := range entries {
		name := e.Name()
		if passedOver(name) {
			continue
		}
		found = true
		info, err := fs.Stat(fsys, name) // follows links, as those of a mounted volume
		switch {
		case err != nil:
			return fmt.Errorf("mail: reading templates: %w", err)
		case info.IsDir():
			err = r.readLang(fsys, name, seen)
		case name == layoutName:
			r.layout, err = readFile(fsys, name)
		default:
			err = fmt.Errorf("%s: it is neither %s nor the folder of a language", name, layoutName)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("mail: there is neither the folder of a language nor %s in the templates; "+
			"hand over fs.Sub of the folder that has them, or nil for the built-in ones alone", layoutName)
	}
	return nil
}

// passedOver reports what editors, systems and hosts leave beside files. It is what go:embed passes over, and a README.
func passedOver(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "README.md"
}

func (r *reader) readLang(fsys fs.FS, dir string, seen map[string]string) error {
	tag, err := language.Parse(dir)
	if err != nil || tag == language.Und {
		return fmt.Errorf("%s: the folder is not the name of a language, such as de or pt-BR; if the languages are in it, hand over fs.Sub of it", dir)
	}
	key := tag.String()
	if other, ok := seen[key]; ok {
		return fmt.Errorf("%s: the folder %s is of the same language", dir, other)
	}
	seen[key] = dir
	if r.langs[key] == nil {
		r.langs[key] = &source{tag: tag, kinds: map[string]file{}}
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return fmt.Errorf("mail: reading templates: %w", err)
	}
	found := false
	for _, e := range entries {
		if passedOver(e.Name()) {
			continue
		}
		found = true
		if err := r.readEntry(fsys, dir, e, r.langs[key]); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s: there is no template in the folder", dir)
	}
	return nil
}

// readEntry reads one file of a language.
func (r *reader) readEntry(fsys fs.FS, dir string, e fs.DirEntry, into *source) error {
	name := dir + "/" + e.Name()
	kind, ok := strings.CutSuffix(e.Name(), ".txt")
	switch {
	case e.IsDir():
		return fmt.Errorf("%s: there is a folder in that of a language; if the languages are in %s, hand over fs.Sub of it", name, dir)
	case e.Name() == layoutName:
		return fmt.Errorf("%s: the layout is one for all languages, and stands beside their folders", name)
	case !ok:
		return fmt.Errorf("%s: it is neither a template, which ends in .txt, nor %s", name, wordsName)
	}
	if meant := misspelt(kind); meant != "" {
		return fmt.Errorf("%s: it is all but %s.txt; a kind of your own needs a name that is less like it", name, meant)
	}
	f, err := readFile(fsys, name)
	switch {
	case err != nil:
		return err
	case e.Name() == wordsName:
		into.words = append(into.words, f)
	default:
		into.kinds[kind] = f
	}
	return nil
}

func readFile(fsys fs.FS, name string) (file, error) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return file{}, fmt.Errorf("mail: reading templates: %w", err)
	}
	return file{name, string(b)}, nil
}

// settle understands what was read, checks that nothing is missing, and prepares to find the best language of each kind.
func (r *reader) settle() (*Templates, error) {
	t := &Templates{langs: map[string]*lang{}, match: map[string]matcher{}}
	layout, err := newLayout(r.layout.text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layoutName, err)
	}
	t.layout = layout
	t.order = append([]string{english}, slices.DeleteFunc(slices.Sorted(maps.Keys(r.langs)), func(s string) bool { return s == english })...)
	for _, name := range t.order {
		l, err := r.lang(name)
		if err != nil {
			return nil, err
		}
		t.langs[name] = l
	}
	for _, name := range t.order {
		for _, kind := range Kinds() {
			if _, ok := t.langs[name].pages[kind]; !ok {
				return nil, fmt.Errorf("%s/%s.txt: there is no such file, and no language above has it", name, kind)
			}
		}
		for kind := range t.langs[name].pages {
			if _, ok := t.langs[english].pages[kind]; !ok {
				return nil, fmt.Errorf("%s: English, which everybody falls back to, has no such file", r.langs[name].kinds[kind].name)
			}
		}
	}
	same := map[string]matcher{} // a matcher is large
	for kind := range t.langs[english].pages {
		var m matcher
		var tags []language.Tag
		for _, name := range t.order {
			if _, ok := t.langs[name].pages[kind]; ok {
				m.langs, tags = append(m.langs, name), append(tags, t.langs[name].tag)
			}
		}
		key := strings.Join(m.langs, " ")
		if _, ok := same[key]; !ok {
			m.Matcher = language.NewMatcher(tags)
			same[key] = m
		}
		t.match[kind] = same[key]
	}
	return t, nil
}

// lang understands one language, on top of those that it is a region of.
func (r *reader) lang(name string) (*lang, error) {
	own := r.langs[name]
	line := []*source{own} // and those above, the nearest first
	for up := own.tag.Parent(); up != language.Und; up = up.Parent() {
		if s := r.langs[up.String()]; s != nil {
			line = append(line, s)
		}
	}
	l := &lang{tag: own.tag, pages: map[string]page{}}
	for _, s := range slices.Backward(line) {
		for _, f := range s.words {
			over, err := l.words.with(f.text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			l.words = over
		}
	}
	for _, s := range line {
		for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
			if _, ok := l.pages[kind]; ok {
				continue
			}
			f := s.kinds[kind]
			p, err := parsePage(l.words, f.text)
			if err == nil {
				err = p.try(kind, l.words)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			l.pages[kind] = p
		}
	}
	return l, nil
}
