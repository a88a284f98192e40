package mail

import (
	"maps"
	"slices"
)

// The kinds of mail that have a built-in template. Each says to whom it goes and which fields of [Data] it needs; the
// others are optional, and Product is always needed. A kind uses no fields but those that it names.
//
// These are about an agency and its clients.
const (
	// AccessRequested goes to the address that an agency asked for access. It needs Agency, Sender (who asks), Link and
	// ExpiresAt; Role (the level asked for), Message and Guide are optional. It does not use Recipient: the mail is the
	// same whether or not the address is known.
	AccessRequested = "access-requested"
	// AccessApproved goes to the owners of the agency. It needs Agency, Client, Sender (who approved), Role (the highest
	// role given) and At; Link and Recipient are optional.
	AccessApproved = "access-approved"
	// AccessDeclined goes to whoever sent the request. It needs Agency, Client (the address that was asked) and At; Reason
	// and Recipient are optional.
	AccessDeclined = "access-declined"
	// Assigned goes to the colleague. It needs Agency, Client, Sender (who assigned), Role and At; Link and Recipient are
	// optional.
	Assigned = "colleague-assigned"
	// ConnectionEnded goes to the owners of the side that did not end it. It needs Agency, Client and At; Sender (who ended
	// it) and Recipient are optional.
	ConnectionEnded = "connection-ended"
	// CapChanged goes to the owners of the agency. It needs Agency, Client, Sender (who changed it), Role (the new highest
	// role) and At; Recipient is optional.
	CapChanged = "cap-changed"
	// ProgrammeLeft goes to the owners of each client account. It needs Agency, Client and At; Recipient is optional.
	ProgrammeLeft = "programme-left"
)

// The kinds about an invitation to an account.
const (
	// Invited goes to the invited address. It needs Account, Sender (who invites; the account's name where there is nobody
	// to name), Link and ExpiresAt; Role (the one offered) and Message are optional. It does not use Recipient: the mail
	// is the same whether or not the address is known.
	Invited = "invited"
	// InvitationAccepted goes to the inviter. It needs Account, Sender (who joined), Role (the one given, which can be less
	// than was offered) and At; Recipient is optional.
	InvitationAccepted = "invitation-accepted"
	// InvitationDeclined goes to the inviter. It needs Account, Address (that was invited) and At; Recipient is optional.
	InvitationDeclined = "invitation-declined"
)

// The kinds about the clients of an account.
const (
	// SetupInvitation goes to a client who is given access: with its link they set up their login. It needs Account, Sender
	// (who gives it; the account's name where there is nobody to name), Address (the user name), Link and ExpiresAt;
	// Recipient is optional. Somebody may edit it before it is sent, so it is a [Draft] first, its text has the link
	// exactly once, and its closing, which nobody edits, says who sends it.
	SetupInvitation = "setup-invitation"
	// SetupRefreshed goes to a client whose link was too old to set up a login, with a fresh one. It needs Account, Address
	// (the user name), Link and ExpiresAt; Recipient is optional.
	SetupRefreshed = "setup-refreshed"
)

// The kinds about ways to log in.
const (
	// SignUpKnown goes to an address that already has a login, when somebody tried to sign up with it or to change theirs to
	// it. It is the answer, so that the page that was used need not tell. It needs At; Link (to the login page) and
	// Recipient are optional.
	SignUpKnown = "sign-up-known"
	// PasswordReset goes to the user who asked for a new password. It needs Link, which sets one, and ExpiresAt; Recipient
	// is optional.
	PasswordReset = "password-reset"
	// LoginElsewhere goes to a user for whom a reset was asked and who has no password here: they log in through another
	// service, such as their company's. It needs At; Recipient is optional.
	LoginElsewhere = "login-elsewhere"
	// NoLogin goes to an address that has no login and for which a reset was asked. It needs At. It does not use
	// Recipient: nobody is known there.
	NoLogin = "no-login"
	// PasswordChanged goes to the user whose password was set or changed. It needs At; Recipient is optional.
	PasswordChanged = "password-changed"
	// IdentityLinked goes to the user to whose login one with another service was added. It needs At; Recipient is optional.
	IdentityLinked = "identity-linked"
	// IdentityUnlinked goes to the user from whose login one with another service was taken away. It needs At; Recipient is
	// optional.
	IdentityUnlinked = "identity-unlinked"
	// ConfirmationOn goes to the user for whom identity confirmation was turned on: a code by phone before sensitive
	// actions. It needs At; Recipient is optional.
	ConfirmationOn = "confirmation-on"
	// ConfirmationOff goes to the user for whom identity confirmation was turned off. It needs At; Recipient is optional.
	ConfirmationOff = "confirmation-off"
	// Code goes to the user who has to confirm who they are, on the channel [SMS]. It needs Code and ExpiresAt.
	// Its text is short and stands on its own, so that it fits a text message. No template of it has Address: that is the
	// proven address of the user, or empty if there is none, and a host that sends codes by mail sends it there with
	// its subject.
	Code = "code"
)

// The kinds about a user's own address. Until an address is proven, mail to it may reach a stranger, and the user's name
// is words that whoever signed up chose for that stranger to read: leave Recipient empty where that matters.
const (
	// AddressProof goes to the address that a user has, to prove it. It needs Link, which is opened while logged in as that
	// user, and ExpiresAt; Recipient is optional.
	AddressProof = "address-proof"
	// AddressChange goes to the address that a user wants to have, to prove it. It needs Link, which is opened while logged
	// in as that user, and ExpiresAt; Recipient is optional.
	AddressChange = "address-change"
	// AddressChangeAsked goes to the address that the user has, when another is asked for. It needs Address (the new one)
	// and At; Recipient is optional. It promises that changing the password undoes what was asked for.
	AddressChangeAsked = "address-change-asked"
	// AddressChanged goes to the address that the user had, when the change is done. It needs Address (the new one) and At;
	// Recipient is optional.
	AddressChanged = "address-changed"
)

// fields are those that each built-in kind cannot do without, beside Product, and those that it can. For a host's own
// kind its template knows.
//
//nolint:gochecknoglobals // a constant table
var fields = map[string]struct{ needs, may []string }{
	AccessRequested:    {[]string{"Agency", "Sender", "Link", "ExpiresAt"}, []string{"Role", "Message", "Guide"}},
	AccessApproved:     {[]string{"Agency", "Client", "Sender", "Role", "At"}, []string{"Link", "Recipient"}},
	AccessDeclined:     {[]string{"Agency", "Client", "At"}, []string{"Reason", "Recipient"}},
	Assigned:           {[]string{"Agency", "Client", "Sender", "Role", "At"}, []string{"Link", "Recipient"}},
	ConnectionEnded:    {[]string{"Agency", "Client", "At"}, []string{"Sender", "Recipient"}},
	CapChanged:         {[]string{"Agency", "Client", "Sender", "Role", "At"}, []string{"Recipient"}},
	ProgrammeLeft:      {[]string{"Agency", "Client", "At"}, []string{"Recipient"}},
	Invited:            {[]string{"Account", "Sender", "Link", "ExpiresAt"}, []string{"Role", "Message"}},
	InvitationAccepted: {[]string{"Account", "Sender", "Role", "At"}, []string{"Recipient"}},
	InvitationDeclined: {[]string{"Account", "Address", "At"}, []string{"Recipient"}},
	SetupInvitation:    {[]string{"Account", "Sender", "Address", "Link", "ExpiresAt"}, []string{"Recipient"}},
	SetupRefreshed:     {[]string{"Account", "Address", "Link", "ExpiresAt"}, []string{"Recipient"}},
	SignUpKnown:        {[]string{"At"}, []string{"Link", "Recipient"}},
	PasswordReset:      {[]string{"Link", "ExpiresAt"}, []string{"Recipient"}},
	LoginElsewhere:     {[]string{"At"}, []string{"Recipient"}},
	NoLogin:            {[]string{"At"}, nil},
	PasswordChanged:    {[]string{"At"}, []string{"Recipient"}},
	IdentityLinked:     {[]string{"At"}, []string{"Recipient"}},
	IdentityUnlinked:   {[]string{"At"}, []string{"Recipient"}},
	ConfirmationOn:     {[]string{"At"}, []string{"Recipient"}},
	ConfirmationOff:    {[]string{"At"}, []string{"Recipient"}},
	Code:               {[]string{"Code", "ExpiresAt"}, nil},
	AddressProof:       {[]string{"Link", "ExpiresAt"}, []string{"Recipient"}},
	AddressChange:      {[]string{"Link", "ExpiresAt"}, []string{"Recipient"}},
	AddressChangeAsked: {[]string{"Address", "At"}, []string{"Recipient"}},
	AddressChanged:     {[]string{"Address", "At"}, []string{"Recipient"}},
}

// Kinds returns the kinds that have a built-in template, in the order of their names.
func Kinds() []string { return slices.Sorted(maps.Keys(fields)) }
