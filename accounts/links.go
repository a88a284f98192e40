package accounts

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Links builds the addresses of the host's pages that mails lead to, and says
// from whom mail comes. It is never told anything about an HTTP request, so a
// forged host header cannot reach a mail.
//
// A white-label host embeds [NewLinks] and replaces the methods that take an
// account, to answer with that account's own domain. What asks somebody of
// another account, or makes a login that is good everywhere, has no account here:
// it is always the product's own. Whoever holds such a domain, by its DNS or its
// certificates, can read the secrets of the links that lead there, so a setup link
// proves an address only where its page is on the host of LogIn.
type Links interface {
	// AccessRequest returns the page on which a client sees an access request
	// and decides it. Secret is a token of letters, digits and "_".
	AccessRequest(secret string) string
	// Invitation returns the page on which somebody sees an invitation, and
	// accepts or declines it.
	Invitation(secret string) string
	// SetUp returns the page on which a client of an account sets a first
	// password.
	SetUp(account AccountID, secret string) string
	// ViewAs returns the page that opens a view as a client of an account, on the
	// domain where its clients log in: each domain has a cookie of its own.
	ViewAs(account AccountID, secret string) string
	// ProveAddress returns the page on which a user proves their own address,
	// signed in.
	ProveAddress(secret string) string
	// ChangeAddress returns the page on which a user confirms another address,
	// signed in.
	ChangeAddress(secret string) string
	// ResetPassword returns the page on which a user sets a new password.
	ResetPassword(secret string) string
	// LogIn returns the page on which users log in.
	LogIn() string
	// Connections returns the page on which an account's owners see who has
	// access to it.
	Connections(account AccountID) string
	// Clients returns the page on which an agency sees its clients.
	Clients(agency AccountID) string
	// Guide returns a page that explains how to grant access, or "".
	Guide() string
	// Sender returns from whom an account's own client records have their mail, which
	// is mail.SetupInvitation and mail.SetupRefreshed. All other mail is the
	// product's. The zero Sender is the product, too; a name stands in such mail in
	// place of the product's.
	Sender(account AccountID) mail.Sender
}

// pages is the default Links: paths below one base.
type pages struct{ base, guide string }

// NewLinks returns the Links that an environment has by default: the pages are
// below the base URL, such as https://app.example.com, or
// http://localhost:8080 for ""; guide is the page that explains how to grant
// access, or "". All mail comes from the product. It returns an
// [InvalidError] for "baseURL" and "guideURL".
func NewLinks(base, guide string) (Links, error) {
	if base == "" {
		base = "http://localhost:8080"
	}
	for field, s := range map[string]string{"baseURL": base, "guideURL": guide} {
		if s == "" {
			continue
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.Fragment != "" {
			return nil, &InvalidError{Field: field, Reason: "is not a plain http or https URL"}
		}
		if field == "baseURL" && u.RawQuery != "" {
			return nil, &InvalidError{Field: field, Reason: "has a query"}
		}
	}
	return pages{base: strings.TrimRight(base, "/"), guide: guide}, nil
}

// AccessRequest implements Links.
func (p pages) AccessRequest(secret string) string {
	return p.base + "/access-requests/" + url.PathEscape(secret)
}

// Invitation implements Links.
func (p pages) Invitation(secret string) string {
	return p.base + "/invitations/" + url.PathEscape(secret)
}

// SetUp implements Links.
func (p pages) SetUp(_ AccountID, secret string) string {
	return p.base + "/set-up/" + url.PathEscape(secret)
}

// ViewAs implements Links.
func (p pages) ViewAs(_ AccountID, secret string) string {
	return p.base + "/view-as/" + url.PathEscape(secret)
}

// ProveAddress implements Links.
func (p pages) ProveAddress(secret string) string {
	return p.base + "/address/prove/" + url.PathEscape(secret)
}

// ChangeAddress implements Links.
func (p pages) ChangeAddress(secret string) string {
	return p.base + "/address/change/" + url.PathEscape(secret)
}

// ResetPassword implements Links.
func (p pages) ResetPassword(secret string) string {
	return p.base + "/password/reset/" + url.PathEscape(secret)
}

// LogIn implements Links.
func (p pages) LogIn() string { return p.base + "/login" }

// Connections implements Links.
func (p pages) Connections(account AccountID) string {
	return fmt.Sprintf("%s/accounts/%s/connections", p.base, url.PathEscape(string(account)))
}

// Clients implements Links.
func (p pages) Clients(agency AccountID) string {
	return fmt.Sprintf("%s/accounts/%s/clients", p.base, url.PathEscape(string(agency)))
}

// Guide implements Links.
func (p pages) Guide() string { return p.guide }

// Sender implements Links.
func (p pages) Sender(AccountID) mail.Sender { return mail.Sender{} }
