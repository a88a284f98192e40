package accounts

import (
	"fmt"
	"net/url"
	"strings"
)

// Links builds the addresses of the host's pages that mails lead to. It is
// never told anything about an HTTP request, so a forged host header cannot
// reach a mail.
type Links interface {
	// AccessRequest returns the page on which a client sees an access request
	// and decides it. Secret is a token of letters, digits and "_".
	AccessRequest(secret string) string
	// Invitation returns the page on which somebody sees an invitation, and
	// accepts or declines it.
	Invitation(secret string) string
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
}

// pages is the default Links: paths below one base.
type pages struct{ base, guide string }

func newPages(base, guide string) (Links, error) {
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
