package roles

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxName is the greatest length of the name of a role or a permission.
const maxName = 64

// checkName returns nil for 1 to 64 printable ASCII characters with no space
// at either end: such names look different when they are different.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name has %d bytes, at most %d are allowed", len(name), maxName)
	case name[0] == ' ' || name[len(name)-1] == ' ':
		return errors.New("the name begins or ends with a space")
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return errors.New("the name holds something other than printable ASCII")
		}
	}
	return nil
}

// quote makes any name fit to print: on one line, escaped, and not endless.
func quote[S ~string](name S) string {
	if len(name) > maxName {
		return strconv.QuoteToASCII(string(name[:maxName])) + "…"
	}
	return strconv.QuoteToASCII(string(name))
}

// join quotes names and puts sep between them.
func join[S ~string](names []S, sep string) string {
	quoted := make([]string, 0, len(names))
	for _, name := range names {
		quoted = append(quoted, quote(name))
	}
	return strings.Join(quoted, sep)
}
