package smtp_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var created = time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC)

func message(id string, change ...func(*mail.Message)) mail.Message {
	m := mail.Message{
		ID: id, Channel: mail.Email, Kind: "k", Account: "a1", To: "ada@willow.example", ToName: "Ada", Subject: "A subject",
		Text: "Some text\nhttps://app.example/l/creq_SECRET\n", HTML: "<p>Some <b>text</b></p>\n", Due: created, CreatedAt: created,
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

// got is one message as the server took it.
type got struct {
	from string
	to   []string
	data []byte
}

// server is an SMTP server in the test's own process: a real one, with a hook at each step.
type server struct {
	*gosmtp.Server

	addr string
	host string
	port int
	ca   *x509.CertPool

	over    chan struct{} // closed when the test ends
	mu      sync.Mutex
	mail    []got
	conns   []net.Conn
	onMail  func(from string) error
	onRcpt  func(to string) error
	onData  func(to string) error // before the data are read
	onEnd   func(conn net.Conn, to string) error
	user    string
	pass    string
	auths   int
	mechs   []string
	wireTap bytes.Buffer // what clients sent, in clear where there is no TLS
}

// serve starts a server; set changes it before.
func serve(t testing.TB, set ...func(*server)) *server {
	t.Helper()
	s := &server{host: "127.0.0.1", over: make(chan struct{}), mechs: []string{sasl.Plain}}
	s.Server = gosmtp.NewServer(s)
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute
	s.Domain = "mx.example"
	certificate, pool := certificates(t, "127.0.0.1", time.Hour)
	s.ca, s.TLSConfig = pool, &tls.Config{Certificates: []tls.Certificate{certificate}}
	for _, f := range set {
		f(s)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr, s.port = listener.Addr().String(), listener.Addr().(*net.TCPAddr).Port
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(&tap{listener, s})
	}()
	t.Cleanup(func() {
		close(s.over)
		_ = s.Close()
		_ = listener.Close() // it may not have come to serve it yet
		<-done
	})
	return s
}

func implicit(s *server) { s.Domain = "implicit" }

// tap counts connections and writes down what clients send.
type tap struct {
	net.Listener

	s *server
}

func (l *tap) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.s.mu.Lock()
	l.s.conns = append(l.s.conns, c)
	l.s.mu.Unlock()
	c = &tapped{c, l.s}
	if l.s.Domain == "implicit" {
		c = tls.Server(c, l.s.TLSConfig)
	}
	return c, nil
}

type tapped struct {
	net.Conn

	s *server
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.mu.Lock()
	c.s.wireTap.Write(p[:n])
	c.s.mu.Unlock()
	return n, err
}

func (s *server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *server) messages() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mail)
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *server) wire() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.wireTap.Bytes())
}

// hangUp closes every connection there is, from the server's side.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

func (s *server) NewSession(c *gosmtp.Conn) (gosmtp.Session, error) {
	plain := &session{s: s, conn: c.Conn()}
	if s.user == "" {
		return plain, nil
	}
	return &loginSession{session: plain}, nil
}

type session struct {
	s      *server
	conn   net.Conn
	from   string
	to     []string
	logged bool
}

func (x *session) hook(f func(string) error, arg string) error {
	if f == nil {
		return nil
	}
	return f(arg)
}

func (x *session) Mail(from string, _ *gosmtp.MailOptions) error {
	if x.s.user != "" && !x.logged {
		return &gosmtp.SMTPError{Code: 530, EnhancedCode: gosmtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	x.s.mu.Lock()
	f := x.s.onMail
	x.s.mu.Unlock()
	x.from = from
	return x.hook(f, from)
}

func (x *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	x.s.mu.Lock()
	f := x.s.onRcpt
	x.s.mu.Unlock()
	x.to = append(x.to, to)
	return x.hook(f, to)
}

func (x *session) Data(r io.Reader) error {
	x.s.mu.Lock()
	before, after := x.s.onData, x.s.onEnd
	x.s.mu.Unlock()
	if err := x.hook(before, x.to[0]); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if after != nil {
		if err := after(x.conn, x.to[0]); err != nil && !errors.Is(err, errLost) {
			return err
		}
	}
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.mail = append(x.s.mail, got{x.from, slices.Clone(x.to), data})
	return nil
}

// errLost takes the message; the hook has closed the connection before the answer.
var errLost = errors.New("lost")

func (x *session) Reset()        { x.from, x.to = "", nil }
func (x *session) Logout() error { return nil }

type loginSession struct{ *session }

func (x *loginSession) AuthMechanisms() []string { return x.s.mechs }

func (x *loginSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		x.s.auths++
		if user != x.s.user || pass != x.s.pass {
			return gosmtp.ErrAuthFailed
		}
		x.logged = true
		return nil
	}), nil
}

// certificates makes a certificate for that name or address, and the authority that signed it.
func certificates(t testing.TB, name string, valid time.Duration) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-2 * time.Hour),
		NotAfter: time.Now().Add(valid), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// options are those of a Mailer for that server, over STARTTLS unless set.
func (s *server) options(set ...func(*smtp.Options)) *smtp.Options {
	o := &smtp.Options{
		From: mail.Sender{Name: "Willow", Address: "no-reply@willow.example"}, Port: s.port, TLSConfig: &tls.Config{RootCAs: s.ca},
	}
	for _, f := range set {
		f(o)
	}
	return o
}

func insecure(o *smtp.Options) { o.Security = smtp.InsecurePlaintext }

// mailer returns one that is closed at the end.
func (s *server) mailer(t testing.TB, set ...func(*smtp.Options)) *smtp.Mailer {
	t.Helper()
	m, err := smtp.New(s.host, s.options(set...))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func reply(code int) error {
	return &gosmtp.SMTPError{Code: code, EnhancedCode: gosmtp.EnhancedCode{code / 100, 1, 1}, Message: "<ada@willow.example> says no"}
}
