package acceptance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serverName is what the server's certificate says.
const serverName = "mail.acceptance.example"

// postfix is a mail server of its own: its settings, queue, mailbox and certificate are in one temporary folder, and
// nothing of the machine's own Postfix, if it has one, is touched.
type postfix struct {
	dir   string
	port  int
	roots *x509.CertPool
}

// It takes mail for everybody, over TLS alone, and puts it into one maildir. It is as strict as it can be: an address, a
// header or an encoding that is not as the standards have it is refused, and so is a bare line feed.
const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = ` + serverName + `
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all/
virtual_mailbox_base = %[1]s/box
virtual_minimum_uid = 1
virtual_uid_maps = static:%[2]s
virtual_gid_maps = static:%[3]s
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = %[1]s/chain.pem
smtpd_tls_received_header = yes
strict_rfc821_envelopes = yes
strict_8bitmime = yes
strict_mime_encoding_domain = yes
smtpd_forbid_bare_newline = yes
local_header_rewrite_clients =
receive_override_options = no_address_mappings
allow_percent_hack = no
swap_bangpath = no
append_at_myorigin = no
append_dot_mydomain = no
notify_classes =
`

const masterCF = `127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix starts a mail server, or skips the test on a machine that cannot.
func startPostfix(t *testing.T) *postfix {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a mail server is started by root alone; .ci/mail runs this as root")
	}
	if _, err := exec.LookPath("postfix"); err != nil {
		t.Skip("no Postfix on this machine; .ci/mail installs it")
	}
	dir, err := os.MkdirTemp("", "acceptance-postfix-") //nolint:usetesting // the server's processes are other users, whom t.TempDir keeps out
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	dir, err = filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	daemon, nobody := account(t, "postfix"), account(t, "nobody")
	for name, owner := range map[string]*user.User{"etc": nil, "queue": nil, "data": daemon, "box": nobody} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(path, 0o755))
		if owner != nil {
			uid, err := strconv.Atoi(owner.Uid)
			require.NoError(t, err)
			require.NoError(t, os.Chown(path, uid, -1))
		}
	}
	p := &postfix{dir: dir, roots: x509.NewCertPool()}
	chain := certificate(t)
	require.True(t, p.roots.AppendCertsFromPEM(chain))
	for name, content := range map[string]string{
		"chain.pem": string(chain), "etc/main.cf": fmt.Sprintf(mainCF, dir, nobody.Uid, nobody.Gid),
	} {
		mode := fs.FileMode(0o644)
		if name == "chain.pem" {
			mode = 0o600
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), mode))
	}
	for range 5 {
		if p.port = freePort(t); p.run(t) {
			return p
		}
	}
	require.Fail(t, "Postfix does not start", "its log: %s", p.log())
	return nil
}

// run keeps the server running, in the foreground, until the test is over. It reports false if the server
// ends before it answers, as it does when somebody else has taken the port since it was free.
func (p *postfix) run(t *testing.T) bool {
	t.Helper()
	etc := filepath.Join(p.dir, "etc")
	require.NoError(t, os.WriteFile(filepath.Join(etc, "master.cf"), fmt.Appendf(nil, masterCF, p.port), 0o644))
	out, err := exec.CommandContext(t.Context(), "postfix", "-c", etc, "check").CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.CommandContext(t.Context(), "postconf", "-c", etc, "-h", "daemon_directory").Output()
	require.NoError(t, err)
	// A session of its own: when the server ends, it ends all of its processes.
	server := exec.Command(filepath.Join(strings.TrimSpace(string(out)), "master"), "-c", etc, "-d")
	server.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	require.NoError(t, server.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait()
	}()
	stop := sync.OnceFunc(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Error("Postfix does not stop")
		}
		// Whatever is left of its session; where nothing is, this fails.
		_ = syscall.Kill(-server.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.log())
		}
		stop()
	})
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if p.answers() {
			return true
		}
		select {
		case <-ended:
			stop()
			return false
		default:
		}
		require.True(t, time.Now().Before(end), "Postfix does not answer; its log: %s", p.log())
	}
}

// answers reports whether the server greets whoever comes. The name in the greeting is the server's: what took its port
// before it could has another.
func (p *postfix) answers() bool {
	c, err := net.DialTimeout("tcp", p.address(), 10*time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	greeting := make([]byte, len("220 "+serverName))
	_, _ = io.ReadFull(c, greeting)
	return string(greeting) == "220 "+serverName
}

func (p *postfix) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// log is the end of what the server says of itself.
func (p *postfix) log() string {
	b, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(b), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// waiting counts the messages that the server has accepted and not delivered.
func (p *postfix) waiting(t *testing.T) int {
	t.Helper()
	n := 0
	for _, queue := range []string{"maildrop", "incoming", "active", "deferred", "hold", "corrupt"} {
		err := filepath.WalkDir(filepath.Join(p.dir, "queue", queue), func(_ string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // it has just gone
				return nil
			case err != nil:
				return err
			}
			if d.Type().IsRegular() {
				n++
			}
			return nil
		})
		require.NoError(t, err)
	}
	return n
}

func account(t *testing.T, name string) *user.User {
	t.Helper()
	u, err := user.Lookup(name)
	require.NoError(t, err)
	return u
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// certificate makes a key and the certificate that it signs itself.
func certificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
}
