package mail_test

import (
	"context"
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

// A server stops its dispatcher by ending its context, and waits until what was under way is recorded.
func ExampleDispatcher_Run() {
	store, mailer := newOutbox(message("m1")), &mailtest.Recorder{}
	dispatcher, err := mail.NewDispatcher(store, mailer, nil)
	if err != nil {
		panic(err)
	}

	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext, in a program
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = dispatcher.Run(ctx) // always nil
	}()
	for dispatcher.Totals().Sent == 0 { // a page of metrics would show these
		time.Sleep(time.Millisecond)
	}
	stop()
	<-stopped
	fmt.Printf("%+v\n", dispatcher.Totals())
	// Output: {Sent:1 Retried:0 Dead:0 Expired:0 Fenced:0 Returned:0 Unrecorded:0 More:false}
}

// Without a provider of text messages, codes go by mail, to an address that was proven. A second dispatcher serves their
// channel, so that a burst of notices does not hold them up.
func ExampleDispatcher_codesByMail() {
	store := newOutbox(mail.Message{
		ID: "c1", Channel: mail.SMS, Kind: mail.Code, To: "+4915112345678", Locale: "en",
		Subject: "Your code for Letterbird", Text: "904718\n\nThis is your code for Letterbird.\n",
		Data: mail.Data{Product: "Letterbird", Code: "904718", Address: "ada@willow.example"},
	})
	mailer := &mailtest.Recorder{} // the Mailer for mail
	templates, err := mail.NewTemplates(nil)
	if err != nil {
		panic(err)
	}

	// The dispatcher makes no page for a text message, so this one does.
	codes := mail.MailerFunc(func(ctx context.Context, m mail.Message) error {
		if m.Data.Address == "" {
			return mail.Permanent(fmt.Errorf("there is no proven address for a code"))
		}
		m.Channel, m.To = mail.Email, m.Data.Address
		var err error
		if m.HTML, err = templates.HTML(m); err != nil {
			return err
		}
		return mailer.Send(ctx, m)
	})
	dispatcher, err := mail.NewDispatcher(store, codes, &mail.DispatcherOptions{Channel: mail.SMS})
	if err != nil {
		panic(err)
	}
	if _, err := dispatcher.Flush(context.Background()); err != nil {
		panic(err)
	}
	sent, _ := mailer.Last("ada@willow.example")
	fmt.Println(sent.Subject, len(sent.HTML) > 0)
	// Output: Your code for Letterbird true
}

// Keys are changed in two steps, so that each process can always open what another one seals.
func ExampleNewKeys() {
	older := []byte("an example, and no secret at all") // 32 bytes of crypto/rand, from the host's secrets
	newer := []byte("another example, and no secret!!")

	before, _ := mail.NewKeys(older)
	during, _ := mail.NewKeys(older, newer) // in all processes, before any goes on
	after, _ := mail.NewKeys(newer, older)  // and newer alone, when nothing that older sealed waits

	waiting, err := before.Seal(mail.Message{ID: "m1", Channel: mail.Email, To: "ada@willow.example", Text: "https://app.example/x\n"})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%q %d bytes\n", waiting.Text, len(waiting.Sealed))
	for _, keys := range []*mail.Keys{before, during, after} {
		open, err := keys.Open(waiting)
		fmt.Printf("%q %v\n", open.Text, err)
	}
	// Output:
	// "" 94 bytes
	// "https://app.example/x\n" <nil>
	// "https://app.example/x\n" <nil>
	// "https://app.example/x\n" <nil>
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

// A region has what is different there: a word, or a whole template. A kind of the host's own, for mail
// that the host sends itself, is there in English, and in whatever other language it likes.
func ExampleNewTemplates_languages() {
	templates, err := mail.NewTemplates(fstest.MapFS{
		"en-GB/words.txt":     {Data: []byte("role Admin: Administrator\n")},
		"en/trial-ending.txt": {Data: []byte("Subject: Your trial ends\n\nYour role was {{.Role}}.\n")},
	})
	if err != nil {
		panic(err)
	}
	for _, locale := range []string{"en-GB", "en-US", "zh"} {
		_, text, err := templates.Render("trial-ending", locale, mail.Data{Role: "Admin"})
		if err != nil {
			panic(err)
		}
		fmt.Print(text)
	}
	fmt.Println(templates.Languages()[0])
	// Output:
	// Your role was Administrator.
	// Your role was Admin.
	// Your role was Admin.
	// en
}
