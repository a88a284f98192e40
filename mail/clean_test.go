package mail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

func TestCleanReason(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, given string
		of          mail.Record
		want        string
	}{
		{"it keeps a server and its codes", "550 5.1.1 mx1.willow.example: <Ada@Willow.example>\r\nno such user", mail.Record{To: "ada@willow.example"}, "550 5.1.1 mx1.willow.example: <[recipient]> no such user"},
		{"it keeps no other address", "from eve@elm.example, and to=eve%40elm.example.", mail.Record{To: "ada@willow.example"}, "from [address], and to=[address]."},
		{"it keeps no phone of a text message", "550 5.1.1 +49 176 12345678 and 0176-12345678", mail.Record{Channel: mail.SMS, To: "+4917612345678"}, "550 5.1.1 [number] and [number]"},
		{"it keeps numbers of a mail", "queue 20260305 140000", mail.Record{Channel: mail.Email, To: "ada@willow.example"}, "queue 20260305 140000"},
		{"it keeps no secret of a link", "spam: /x/creq_ABCDEFGHIJ2345", mail.Record{To: "ada@willow.example"}, "spam: /x/[redacted]"},
		{"it keeps nothing of whom is forgotten", "550 no such user", mail.Record{}, ""},
		{"it keeps 200 characters", strings.Repeat("é", 300), mail.Record{To: "ada@willow.example"}, strings.Repeat("é", 199) + "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, mail.CleanReason(tc.given, tc.of))
		})
	}
}

// A text message goes to a phone, however it is written: none of it is kept. What tells staff why it did not arrive is.
func TestCleanReason_phones(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, given, want string }{
		{"in one piece", "cannot reach +491701234567", "cannot reach [number]"},
		{"with spaces", "49 170 1234 567 is off", "[number] is off"},
		{"with brackets", "to +49 (0) 170 123-4567.", "to [number]."},
		{"with dashes", "+49–170–1234–567 and +49 – 170 — 1234567", "[number] and [number]"},
		{"with hyphens that do not break", "+49‑170‑1234‑567", "[number]"},
		{"with underscores", "msg_+49_170_1234567_x", "msg_[number]_x"},
		{"with commas", "+49,170,1234,567", "[number]"},
		{"with slashes", "0170/1234567 or 0170 / 123 45 67", "[number] or [number]"},
		{"with dots", "0170.123.45.67", "[number]"},
		{"of wide digits", "＋４９１７０１２３４５６７", "[number]"},
		{"of the digits of another script", "+٤٩ ١٧٠ ١٢٣٤٥٦٧", "[number]"},
		{"with the signs of keys", "4️⃣9️⃣1️⃣7️⃣0️⃣1️⃣2️⃣", "[number]⃣"},
		{"in a URL", "https://api.example/send?To=%2B49%20170%201234567: EOF", "https://api.example/send?To=%2B[number]: EOF"},
		{"behind an extension", "0170 1234567 ext. 12", "[number] ext. 12"},
		{"of another recipient", "+15550100 is blocked, 555-0100 too", "[number] is blocked, [number] too"},
	} {
		t.Run("a phone "+tc.name+" is taken out", func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, mail.CleanReason(tc.given, mail.Record{Channel: mail.SMS, To: "+4915199999999"}))
		})
	}
	for _, given := range []string{
		"550 5.1.1 no such user", "421-4.7.28 too much", "HTTP 429 Too Many Requests", "HTTP/1.1 503", "Status code: 400, code 21211",
		"at 2026-03-05T14:00:00.123456Z", "Thu, 05 Mar 2026 14:00:00 GMT", "since 2026-03-05 14:00:00", "since 2026-03-05", "error 30003 after 12 s",
	} {
		t.Run(given+" stays", func(t *testing.T) {
			t.Parallel()
			require.Equal(t, given, mail.CleanReason(given, mail.Record{Channel: mail.SMS, To: "+4915199999999"}))
		})
	}
	for given, want := range map[string]string{
		"550 5.1.1 0170/1234567 is unknown":      "550 5.1.1 [number] is unknown",
		"HTTP 400: +49 170 1234567":              "HTTP 400: [number]",
		"2026-03-05T14:00:00Z 01701234567":       "2026-03-05T14:00:00Z [number]",
		"code 21211, +491701234567 is no number": "code 21211, [number] is no number",
	} {
		t.Run(given+" loses the phone alone", func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, mail.CleanReason(given, mail.Record{Channel: mail.SMS, To: "+4915199999999"}))
		})
	}
	t.Run("on the channel of mail digits stay", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "queued as 1234567890", mail.CleanReason("queued as 1234567890", mail.Record{Channel: mail.Email, To: "ada@willow.example"}))
	})
}
