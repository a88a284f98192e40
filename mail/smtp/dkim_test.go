package smtp_test

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// A signature is checked here twice: by the words of RFC 6376, and by another library.
func TestMailer_DKIM(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)

	long := strings.Repeat(strings.Repeat("a", 58)+".", 3) + "long.example"
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "Ed25519": edKey} {
		t.Run("mail is signed with "+name+" for the domain of its sender", func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			m := s.mailer(t, func(o *smtp.Options) {
				o.ReplyTo = "help@willow.example"
				o.DKIM = func(from mail.Sender) (*smtp.DKIM, error) {
					switch {
					case strings.HasSuffix(from.Address, "@elm.example"):
						return nil, nil
					case strings.HasSuffix(from.Address, ".long.example"):
						return &smtp.DKIM{Domain: long, Selector: strings.Repeat("s", 63), Key: key}, nil
					}
					return &smtp.DKIM{Domain: "willow.example", Selector: "s2026", Key: key}, nil
				}
			})
			for i, change := range []func(*mail.Message){
				func(*mail.Message) {},
				func(m *mail.Message) { m.HTML = "" },
				func(m *mail.Message) {
					m.Subject, m.ToName = strings.Repeat("Grüße  ", 30), strings.Repeat("Ada ", 30)
				},
				func(m *mail.Message) { m.Text = ".\n..\n trailing \t \n\n\n" },
				func(m *mail.Message) { m.Text = "" },
				func(m *mail.Message) { m.From.Address = "a@" + long },
			} {
				require.NoError(t, m.Send(t.Context(), message("m1", change)))
				raw := s.messages()[i].data
				require.NoError(t, genuine(t, raw, key.Public()), "%s", raw)
				head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
				for line := range strings.SplitSeq(string(head), "\r\n") {
					require.True(t, len(line) <= 76 || strings.Contains(line, long), "%q", line)
				}
				for _, forged := range [][]byte{
					bytes.Replace(raw, []byte("Subject: "), []byte("Subject: x"), 1), append([]byte("From: eve@x.example\r\n"), raw...),
					append([]byte("Subject: x\r\n"), raw...), append(bytes.Clone(raw), "x\r\n"...), bytes.Replace(raw, []byte("ada@"), []byte("eve@"), 1),
				} {
					require.Error(t, genuine(t, forged, key.Public()))
				}
			}
			require.NoError(t, m.Send(t.Context(), message("m2", func(m *mail.Message) { m.From.Address = "hi@elm.example" })))
			require.NotContains(t, string(s.messages()[6].data), "DKIM-Signature")
		})
	}

	t.Run("the copy of a message is the same to the byte", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t, func(o *smtp.Options) {
			o.DKIM = func(mail.Sender) (*smtp.DKIM, error) {
				return &smtp.DKIM{Domain: "willow.example", Selector: "s2026", Key: rsaKey}, nil
			}
		})
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.Equal(t, s.messages()[0], s.messages()[1])
		require.Contains(t, string(s.messages()[0].data), "t=1772719200;", "signed as of CreatedAt")
	})

	for _, c := range []struct {
		name, from, domain string
		want               bool
	}{
		{"the sender's own domain", "hi@elm.example", "elm.example", true},
		{"it in capitals", "hi@elm.example", "ELM.example", true},
		{"a domain above the sender's", "hi@news.elm.example", "elm.example", true},
		{"a domain below the sender's", "hi@elm.example", "mail.elm.example", true},
		{"the product's domain, for an account's mail", "hi@elm.example", "willow.example", false},
		{"a domain that ends in the same letters", "hi@elm.example", "helm.example", false},
		{"a domain whose end is the sender's letters", "hi@helm.example", "elm.example", false},
		{"a domain beside the sender's", "hi@a.elm.example", "b.elm.example", false},
		{"a top-level domain", "hi@elm.example", "example", false},
		{"the product's domain, for its own mail", "", "willow.example", true},
		{"an account's domain, for the product's mail", "", "elm.example", false},
	} {
		t.Run(c.name+" signs, or puts the mail off", func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			var asked mail.Sender
			m := s.mailer(t, func(o *smtp.Options) {
				o.DKIM = func(from mail.Sender) (*smtp.DKIM, error) {
					asked = from
					return &smtp.DKIM{Domain: c.domain, Selector: "s", Key: edKey}, nil
				}
			})
			err := m.Send(t.Context(), message("m1", func(m *mail.Message) { m.From.Address = c.from }))
			require.Equal(t, cmp.Or(c.from, "no-reply@willow.example"), asked.Address, "the hook is asked for the sender that people see")
			if c.want {
				require.NoError(t, err)
				require.Contains(t, string(s.messages()[0].data), "d="+c.domain+";")
				return
			}
			require.ErrorContains(t, err, "DKIM has the Domain "+c.domain)
			require.False(t, mail.IsPermanent(err), "it is the host's mistake")
			require.Zero(t, s.connections())
		})
	}

	for name, hook := range map[string]func(mail.Sender) (*smtp.DKIM, error){
		"a key that cannot be had": func(mail.Sender) (*smtp.DKIM, error) { return nil, errors.New("the vault is down") },
		"no key":                   func(mail.Sender) (*smtp.DKIM, error) { return &smtp.DKIM{Domain: "willow.example", Selector: "s"}, nil },
		"a domain that is none": func(mail.Sender) (*smtp.DKIM, error) {
			return &smtp.DKIM{Domain: "a;b\r\n", Selector: "s", Key: rsaKey}, nil
		},
		"a key of another kind": func(mail.Sender) (*smtp.DKIM, error) {
			return &smtp.DKIM{Domain: "willow.example", Selector: "s", Key: other}, nil
		},
	} {
		t.Run(name+" puts the mail off, and sends nothing unsigned", func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			err := s.mailer(t, func(o *smtp.Options) { o.DKIM = hook }).Send(t.Context(), message("m1"))
			require.Error(t, err)
			require.False(t, mail.IsPermanent(err))
			require.Zero(t, s.connections())
		})
	}
}

var (
	spaces   = regexp.MustCompile(`[ \t]+`)
	trailing = regexp.MustCompile(`[ \t]+\r\n`)
)

// relaxed is the canonical form of one header (RFC 6376, section 3.4.2).
func relaxed(header string) string {
	name, value, _ := strings.Cut(header, ":")
	value = spaces.ReplaceAllString(strings.ReplaceAll(value, "\r\n", ""), " ")
	return strings.ToLower(strings.TrimRight(name, " \t")) + ":" + strings.Trim(value, " ")
}

// verify checks the one signature of a message, relaxed on both sides.
func verify(raw []byte, public crypto.PublicKey) error {
	head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
	var headers []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			headers[len(headers)-1] += "\r\n" + line
		} else {
			headers = append(headers, line)
		}
	}
	tags, signature := map[string]string{}, ""
	for _, h := range headers {
		if name, value, _ := strings.Cut(h, ":"); name == "DKIM-Signature" {
			signature = h
			for tag := range strings.SplitSeq(value, ";") {
				k, v, _ := strings.Cut(tag, "=")
				tags[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
			}
		}
	}
	if tags["c"] != "relaxed/relaxed" {
		return errors.New("c=")
	}
	body = spaces.ReplaceAllString(trailing.ReplaceAllString(body, "\r\n"), " ")
	if body = strings.TrimRight(body, "\r\n"); body != "" {
		body += "\r\n"
	}
	sum := sha256.Sum256([]byte(body))
	if tags["bh"] != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("the body is another")
	}
	var signed strings.Builder
	taken := map[string]int{}
	for name := range strings.SplitSeq(tags["h"], ":") {
		name = strings.ToLower(name)
		for i, skip := len(headers)-1, taken[name]; i >= 0; i-- {
			if got, _, _ := strings.Cut(headers[i], ":"); strings.ToLower(strings.TrimRight(got, " \t")) == name {
				if skip--; skip < 0 {
					signed.WriteString(relaxed(headers[i]) + "\r\n")
					break
				}
			}
		}
		taken[name]++
	}
	signed.WriteString(regexp.MustCompile(`b=[^;]*$`).ReplaceAllString(relaxed(signature), "b="))
	digest := sha256.Sum256([]byte(signed.String()))
	b, err := base64.StdEncoding.DecodeString(tags["b"])
	if err != nil {
		return err
	}
	switch key := public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], b)
	case ed25519.PublicKey:
		if !ed25519.Verify(key, digest[:], b) {
			return errors.New("the signature is wrong")
		}
	}
	return nil
}
