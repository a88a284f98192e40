package acceptance_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

const pictures = "pictures"

// Every mail looks right in every language, light and dark, on a phone and on a desk, with ordinary words and with hostile
// ones; and in mail programs that take out style sheets.
func TestPages(t *testing.T) {
	t.Parallel()
	const tabs = 2
	b := open(t, tabs)
	require.NoError(t, os.RemoveAll(pictures))
	begun := time.Now()
	var jobs []func(p *tab) error
	var failed sync.Map
	for _, lang := range languages(t) {
		for set, w := range map[string]words{"": ordinary(lang), "hostile-": hostile(lang)} {
			keep := renderings
			if set != "" {
				keep = renderings[:1]
			}
			for kind, m := range subjects(t, lang, set+"pages", w) {
				jobs = append(jobs, func(p *tab) error {
					wrong, err := m.examine(p, filepath.Join(pictures, lang, set+kind), keep)
					if len(wrong) > 0 {
						failed.Store(lang+"/"+set+kind, wrong)
					}
					return err
				})
			}
		}
	}
	work := make(chan func(*tab) error)
	errs := make(chan error, len(jobs))
	var workers sync.WaitGroup
	for range tabs {
		workers.Go(func() {
			p := <-b.tabs
			for job := range work {
				if err := job(p); err != nil {
					errs <- err
				}
			}
		})
	}
	for _, job := range jobs {
		work <- job
	}
	close(work)
	workers.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	failed.Range(func(name, wrong any) bool {
		for _, w := range wrong.([]string) {
			t.Errorf("%s: %s", name, w)
		}
		return true
	})
	t.Logf("%d mails looked at in %v; they are in %s", len(jobs), time.Since(begun).Round(time.Second), pictures)
}

// subjects returns one mail of each kind, as the services wrote it. The newest of a kind stands for all.
func subjects(t *testing.T, lang, set string, w words) map[string]subject {
	t.Helper()
	h := newWorld(t, lang, set, w, byHand{})
	h.everything()
	list, err := templates()
	require.NoError(t, err)
	out := map[string]subject{}
	add := func(m mail.Message) {
		if m.Locale != lang || m.HTML == "" {
			// Nobody is known where there is no login, and a code has no page unless it goes by mail.
			m.Locale = lang
			m.Subject, m.Text, err = list.Render(m.Kind, lang, m.Data)
			require.NoError(t, err)
			m.HTML, err = list.HTML(m)
			require.NoError(t, err)
		}
		button, err := buttonOf(lang, m.Kind)
		require.NoError(t, err)
		out[m.Kind] = subject{m, lang, button}
	}
	for _, l := range h.letters {
		add(l.Message)
	}
	add(h.texts[0])
	require.Len(t, out, len(mail.Kinds()))
	return out
}

// examine looks at a mail in all ways, and returns what is wrong with it. Of some it keeps pictures under a name.
func (m subject) examine(p *tab, name string, keep []rendering) ([]string, error) {
	var wrong []string
	note := func(how string, list []string) {
		for _, w := range list {
			wrong = append(wrong, how+": "+w)
		}
	}
	if err := p.show(m.HTML); err != nil {
		return nil, err
	}
	for _, r := range renderings {
		s, err := p.look(r)
		if err != nil {
			return nil, err
		}
		note(r.String(), m.judge(s))
		if !slices.Contains(keep, r) {
			continue
		}
		if err := p.save(name + "-" + r.String() + ".png"); err != nil {
			return nil, err
		}
	}
	for _, r := range renderings {
		if r.width > 360 {
			continue
		}
		if err := p.show(stripped(m.HTML, m.lang, r.theme)); err != nil {
			return nil, err
		}
		s, err := p.look(r)
		if err != nil {
			return nil, err
		}
		note(r.String()+" without a style sheet", m.judgeBody(s))
	}
	return wrong, nil
}

// save keeps a picture of the page that is shown.
func (p *tab) save(name string) error {
	png, err := p.picture()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, png, 0o644)
}
