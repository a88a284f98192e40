package mail

import (
	"fmt"
	"log/slog"
	"time"
)

// Data is what templates are filled with.
//
// Everything but the links may come from users, and Render makes it inert; see [Templates.Render].
type Data struct {
	// Product is the name of the host's product.
	Product string `json:"product,omitzero"`
	// Agency and Client are the names of the two accounts, and Account is that of the one somebody is invited to;
	// Recipient and Sender are people, as they are shown; Role is the name of a role, in English: the words of a
	// language can have another for it. 100 characters of each are used.
	Agency    string `json:"agency,omitzero"`
	Client    string `json:"client,omitzero"`
	Account   string `json:"account,omitzero"`
	Recipient string `json:"recipient,omitzero"`
	Sender    string `json:"sender,omitzero"`
	Role      string `json:"role,omitzero"`
	// Address is an e-mail address that the mail tells about. A [Code] does not show it: there it is the proven address
	// of the user, if there is one, which a host without text messages sends the code to. It is plain text without line
	// breaks, of which 254 characters are used, the most that an address can have.
	Address string `json:"address,omitzero"`
	// Message and Reason are words of the other side, on any number of lines. 1,000 characters of each are used.
	Message string `json:"message,omitzero"`
	Reason  string `json:"reason,omitzero"`
	// Link and Guide are absolute http or https URLs that the host made, of at most 998 bytes. They are the only links
	// in a mail.
	Link  string `json:"link,omitzero"`
	Guide string `json:"guide,omitzero"`
	// Code is what somebody has to type in: six digits.
	Code string `json:"code,omitzero"`
	// ExpiresAt is when Link or Code stops working; At is when what the mail tells of happened. Both are shown in UTC.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	At        time.Time `json:"at,omitzero"`
}

// String returns "mail data": data can hold links and codes.
func (d Data) String() string { return "mail data" }

// Format prints "mail data" for every verb, and nothing of what the data is.
func (d Data) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, d.String()) }

// LogValue gives log/slog "mail data", and nothing of what the data is. In JSON data is whole, since stores keep it so.
func (d Data) LogValue() slog.Value { return slog.StringValue(d.String()) }
