package smtp

import (
	"net"
	"strings"
)

// The greatest lengths of an address and its parts in bytes (RFC 5321, section 4.5.3.1; RFC 1035, section 2.3.4).
const (
	maxAddress = 254
	maxLocal   = 64
	maxLabel   = 63
)

// isMailbox reports whether s is one plain mailbox in ASCII: nothing of it needs quotation, so that its bytes are the same
// in the envelope and in a header.
func isMailbox(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > maxAddress || local == "" || len(local) > maxLocal {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !isAlphanumeric(atom[i]) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", atom[i]) < 0 {
				return false
			}
		}
	}
	return isDomain(domain)
}

// isDomain reports whether s is a host name in ASCII.
func isDomain(s string) bool {
	if len(s) > maxAddress {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !isAlphanumeric(label[i]) && label[i] != '-' && label[i] != '_' {
				return false
			}
		}
	}
	return true
}

// isHELO reports whether s may introduce a client: a host name, or an address literal such as "[192.0.2.1]".
func isHELO(s string) bool {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return net.ParseIP(strings.TrimPrefix(s[1:len(s)-1], "IPv6:")) != nil
	}
	return isDomain(s)
}

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}
