package smtp_test

import (
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// A Mailer is given to a dispatcher and closed after it has stopped.
func ExampleNew() {
	mailer, err := smtp.New("smtp.provider.example", &smtp.Options{
		From:     mail.Sender{Name: "Willow", Address: "no-reply@willow.example"},
		Bounces:  "bounces@willow.example",
		Username: "willow",
		Password: "from the environment, say",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = mailer.Close() }()
	fmt.Println(mailer)
	// Output: smtp smtp.provider.example
}

// Where accounts send from addresses of their own, all bounces come to the host, and each mail is signed for the domain
// of its sender. The provider is told which stream a mail belongs to, and which message it is.
func ExampleOptions() {
	keys := map[string]*smtp.DKIM{} // by domain, from where the host keeps them
	opts := &smtp.Options{
		From:     mail.Sender{Name: "Willow", Address: "no-reply@willow.example"},
		Bounces:  "bounces@willow.example",
		Username: "willow",
		Password: "from the environment, say",
		DKIM: func(from mail.Sender) (*smtp.DKIM, error) {
			_, domain, _ := strings.Cut(from.Address, "@")
			key, ok := keys[domain]
			if !ok {
				return nil, fmt.Errorf("no key for %s", domain)
			}
			return key, nil
		},
		Headers: func(m mail.Message) map[string]string {
			return map[string]string{"X-Mail-ID": m.ID, "X-PM-Message-Stream": "outbound"}
		},
	}
	fmt.Println(opts)
	// Output: smtp options
}

// A report of a message that came back has its Message-ID in it.
func ExampleParseMessageID() {
	id, ok := smtp.ParseMessageID("<0195f1c2-7d3a-7000-8000-000000000001.1@willow.example>")
	fmt.Println(id, ok)
	id, ok = smtp.ParseMessageID("<CAFx9+q@mail.example>")
	fmt.Printf("%q %v\n", id, ok)
	// Output:
	// 0195f1c2-7d3a-7000-8000-000000000001.1 true
	// "" false
}
