// Package acceptance looks at the mail of the library as people receive it: sent by a real mail server, read back from
// a mailbox on disk, its links used; and shown by a real browser, in each language, light and dark, on a phone and on
// a desk.
//
// It has tests alone. Both need programs that a machine may not have, Postfix and Chromium, and a module of its own
// keeps what drives them from everybody who imports the library. Run it with .ci/mail, which installs what is missing
// and lets nothing skip itself, or with go test, which says in one line what it skips and why.
//
// After a run the folder pictures has each mail as it looked.
package acceptance
