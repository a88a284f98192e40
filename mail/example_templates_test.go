package mail_test

import (
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// files has the host's own templates, in testdata/mail/en/colleague-assigned.txt:
//
//	Subject: {{.Client}} is yours
//
//	Dear {{.Recipient}}, {{.Agency}} thanks you.
//
//go:embed testdata/mail
var files embed.FS

// A host replaces one file and keeps the others. An embed.FS has the whole path of each file, so hand over the folder that
// the languages are in.
func ExampleNewTemplates() {
	own, err := fs.Sub(files, "testdata/mail")
	if err != nil {
		panic(err)
	}
	templates, err := mail.NewTemplates(own)
	if err != nil {
		panic(err)
	}
	subject, text, err := templates.Render(mail.Assigned, "en-GB", mail.Data{
		Product: "Letterbird", Agency: "Northlight", Client: "Willow Bakery", Recipient: "Ada", Sender: "Jonas", Role: "Author",
		At: time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC),
	})
	fmt.Println(subject, err)
	fmt.Print(text)

	_, err = mail.NewTemplates(files)
	fmt.Println(err)
	// Output:
	// Willow Bakery is yours <nil>
	// Dear Ada, Northlight thanks you.
	// testdata: the folder is not the name of a language, such as de or pt-BR; if the languages are in it, hand over fs.Sub of it
}
