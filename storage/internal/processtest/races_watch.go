package processtest

import (
	"context"
	"errors"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// sees reports whether the holder of a session, or of a view, sees the shop.
func (h *host) sees(ctx context.Context, secret string) (bool, error) {
	var yes bool
	var err error
	if strings.HasPrefix(secret, string(token.ViewAs)) {
		var v access.Viewed
		v, err = h.views.Viewed(ctx, secret)
		yes = v.CanSite(shop, seeing)
	} else {
		var p access.Principal
		p, err = h.sessions.Principal(ctx, secret, acme)
		yes = p.CanSite(shop, seeing)
	}
	if errors.Is(err, accounts.ErrNotFound) || errors.Is(err, access.ErrNoSession) {
		err = nil
	}
	return yes, err
}

// watches whether the holder of a secret sees the shop: asks over and over. It says
// so when they do, goes on until it is told that this has ended, and says how many
// of twenty questions that it asked after that were answered with yes.
func watches(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(secret string) error {
		yes, err := h.sees(p.ctx, secret)
		if err != nil {
			return err
		}
		p.say(yes)
		for !p.over() {
			if _, err := h.sees(p.ctx, secret); err != nil {
				return err
			}
		}
		late := 0
		for range 20 {
			yes, err := h.sees(p.ctx, secret)
			if err != nil {
				return err
			}
			if yes {
				late++
			}
		}
		p.say(late)
		return nil
	}, nil
}

// A client is suspended in one process while others ask what they see in two
// tabs, and what is seen by somebody who views as them: every question that is
// asked after the call returned is answered with no, and reactivating revives
// neither tabs nor views (A37, A70, A74, C9, I-09).
func suspend(e *env) {
	s := e.studio()
	cleo := s.client("cleo")
	joined, err := s.setups.SetUp(e.ctx, invites.NewLogin{Link: s.handed(cleo), ID: "cleo", Kept: true})
	e.ok(err, "SetUp")
	secrets := make([]string, 0, 4)
	for range 2 {
		tab, _, err := s.sessions.Start(e.ctx, joined.Login, access.Device{})
		e.ok(err, "Start")
		secrets = append(secrets, tab.Reveal())
	}
	for range 2 {
		view, _, err := s.views.Open(e.ctx, s.viewing(cleo), access.Device{})
		e.ok(err, "Open")
		secrets = append(secrets, view.Reveal())
	}

	c := s.crew("watch", "watch", "watch", "watch")
	for i, m := range c.members {
		m.tell(wordFree, secrets[i])
	}
	for _, m := range c.members {
		equal(e, m.wait(wordSays), "true", "the shop is seen until the client is suspended")
	}
	e.ok(s.clients.Suspend(e.ctx, s.who("olga", acme), cleo), "Suspend")
	for _, m := range c.members {
		m.tell(wordOver, "")
	}
	for _, m := range c.members {
		equal(e, m.wait(wordSays), "0", "questions after the suspension that were answered with yes")
		m.wait(wordEnd)
	}
	c.dismiss()

	e.ok(s.clients.Reactivate(e.ctx, s.who("olga", acme), cleo), "Reactivate")
	for _, secret := range secrets {
		yes, err := s.sees(e.ctx, secret)
		e.ok(err, "looking")
		e.holds(!yes, "something from before comes back")
	}
	again, _, err := s.sessions.Start(e.ctx, joined.Login, access.Device{})
	e.ok(err, "Start")
	yes, err := s.sees(e.ctx, again.Reveal())
	e.ok(err, "looking")
	e.holds(yes, "whoever logs in after it does not see the shop")
}
