package mail_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing/fstest"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

// A host with a job queue sends mail from a job, instead of a goroutine of its own.
func Example_sendingFromAJobQueue() {
	store := newOutbox(message("m1"), message("m2")) // the host's storage
	mailer := &mailtest.Recorder{}                   // the host's Mailer

	dispatcher, err := mail.NewDispatcher(store, mailer, nil)
	if err != nil {
		panic(err)
	}
	job := func(ctx context.Context) error { // every minute, say
		report, err := dispatcher.Flush(ctx)
		fmt.Println("sent", report.Sent, "dead", report.Dead)
		return err
	}
	if err := job(context.Background()); err != nil {
		panic(err)
	}
	// Output: sent 2 dead 0
}

// A Mailer says with its error whether to try again.
func ExampleMailer_forAnHTTPService() {
	post := func(context.Context, mail.Message) (status int) { return 429 } // the service's API

	mailer := mail.MailerFunc(func(ctx context.Context, m mail.Message) error {
		switch status := post(ctx, m); {
		case status < 300:
			return nil
		case status == 429:
			return mail.RetryAfter(errors.New("busy"), time.Minute)
		case status < 500:
			return mail.Permanent(fmt.Errorf("refused with status %d", status))
		default:
			return fmt.Errorf("failed with status %d", status)
		}
	})
	err := mailer.Send(context.Background(), mail.Message{})
	pause, _ := mail.RetryDelay(err)
	fmt.Println(err, pause, mail.IsPermanent(err))
	// Output: busy 1m0s false
}

// During development mail is printed.
func ExampleNewWriter() {
	mailer := mail.NewWriter(os.Stdout)
	err := mailer.Send(context.Background(), mail.Message{
		ID: "0198", Kind: mail.Assigned, To: "ada@willow.example", ToName: "Ada Berg",
		Subject: "You can now enter Willow Bakery", Text: "Hello Ada Berg,\n",
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// ------------------------------------------------------------------------
	// To:      Ada Berg <ada@willow.example>
	// Subject: You can now enter Willow Bakery
	// Kind:    colleague-assigned
	// ID:      0198
	//
	// Hello Ada Berg,
}

// A host replaces one file and keeps the others. Its files can come from an embed.FS.
func ExampleNewTemplates_ownWords() {
	templates, err := mail.NewTemplates(fstest.MapFS{
		"en/colleague-assigned.txt": {Data: []byte("Subject: {{.Client}} is yours\n\nDear {{.Recipient}}, enjoy.\n")},
	})
	if err != nil {
		panic(err)
	}
	subject, text, err := templates.Render(mail.Assigned, "en-GB", mail.Data{
		Product: "Letterbird", Agency: "Northlight", Client: "Willow Bakery", Recipient: "Ada", Sender: "Jonas", Role: "Author",
		At: time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC),
	})
	fmt.Println(subject, err)
	fmt.Print(text)
	// Output:
	// Willow Bakery is yours <nil>
	// Dear Ada, enjoy.
}
