package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
)

type Embedding struct {
	token.Secret
}

type Exported struct {
	Secret  token.Secret
	Pointer *token.Secret
	List    []token.Secret
	Map     map[string]token.Secret
	Any     any
}

type unexported struct {
	secret token.Secret
	any    any
}

type page struct{ S token.Secret }

func secret(t *testing.T) token.Secret {
	t.Helper()
	s, _, err := token.New(token.Session, nil)
	require.NoError(t, err)
	return s
}

// leaks reports whether out holds the secret, a part of it, or a usual encoding of it.
func leaks(out string, s token.Secret) bool {
	raw := s.Reveal()
	body := strings.TrimPrefix(raw, string(token.Session))
	folded := strings.ToLower(out)
	for _, form := range []string{
		body[:8], body[len(body)-8:],
		hex.EncodeToString([]byte(raw)), hex.EncodeToString([]byte(body)), fmt.Sprintf("% x", body), fmt.Sprintf("%# x", body),
		base64.StdEncoding.EncodeToString([]byte(raw))[:16], base64.StdEncoding.EncodeToString([]byte(body))[:16],
		fmt.Sprintf("%d", []byte(body)),
	} {
		if strings.Contains(folded, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

func values(s token.Secret) map[string]any {
	e := Exported{Secret: s, Pointer: &s, List: []token.Secret{s}, Map: map[string]token.Secret{"k": s}, Any: s}
	return map[string]any{
		"a secret":                          s,
		"a pointer to a secret":             &s,
		"a list":                            []token.Secret{s},
		"a map":                             map[string]token.Secret{"k": s},
		"exported fields":                   e,
		"a pointer to exported fields":      &e,
		"unexported fields":                 unexported{secret: s, any: s},
		"a pointer to unexported fields":    &unexported{secret: s, any: &s},
		"an embedded secret":                Embedding{s},
		"a pointer to an embedded secret":   &Embedding{s},
		"a list of embedded secrets":        []Embedding{{s}},
		"an error that was given a secret":  fmt.Errorf("session %v: %w", s, io.EOF),
		"a method value of a secret":        s.Reveal,
		"errors joined over printed fields": errors.Join(fmt.Errorf("%+v", e), fmt.Errorf("%#v", e)),
	}
}

func TestSecret_Format(t *testing.T) {
	t.Parallel()
	s := secret(t)

	t.Run("every verb and flag writes [redacted]", func(t *testing.T) {
		t.Parallel()
		for _, flag := range []string{"", "+", "#", "-", " ", "0", "30", "-30", ".3", "+#", "# "} {
			for verb := 'A'; verb <= 'z'; verb++ {
				if strings.ContainsRune("Tpw", verb) || verb > 'Z' && verb < 'a' {
					continue // %T is the type; %p and %w never ask the value, and are tested below
				}
				require.Equal(t, "[redacted]", fmt.Sprintf("%"+flag+string(verb), s))
			}
		}
	})

	for name, v := range values(s) {
		t.Run(name+" leaks by no verb", func(t *testing.T) {
			t.Parallel()
			for _, flag := range []string{"", "+", "#", "# "} {
				for verb := 'A'; verb <= 'z'; verb++ {
					out := fmt.Sprintf("%"+flag+string(verb), v)
					require.False(t, leaks(out, s), "%%%s%c leaks", flag, verb)
				}
			}
			require.False(t, leaks(fmt.Sprint(v)+fmt.Sprintln(v), s))
		})
	}

	t.Run("exported fields, lists and maps show [redacted]", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "[[redacted]]", fmt.Sprint([]token.Secret{s}))
		require.Equal(t, "{[redacted]}", fmt.Sprintf("%v", struct{ S token.Secret }{s}))
		require.Equal(t, "{S:[redacted]}", fmt.Sprintf("%+v", struct{ S token.Secret }{s}))
	})

	t.Run("String and GoString are redacted for printers that call them", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "[redacted]", s.String())
		require.Equal(t, "[redacted]", s.GoString())
	})
}

func TestSecret_Marshal(t *testing.T) {
	t.Parallel()
	s := secret(t)

	t.Run("JSON says [redacted]", func(t *testing.T) {
		t.Parallel()
		out, err := json.Marshal(Exported{Secret: s, Pointer: &s, List: []token.Secret{s}, Map: map[string]token.Secret{"k": s}, Any: s})
		require.NoError(t, err)
		require.JSONEq(t, `{"Secret":"[redacted]","Pointer":"[redacted]","List":["[redacted]"],"Map":{"k":"[redacted]"},"Any":"[redacted]"}`, string(out))
		out, err = json.Marshal(Embedding{s})
		require.NoError(t, err)
		require.Equal(t, `"[redacted]"`, string(out))
	})

	t.Run("text and XML say [redacted]", func(t *testing.T) {
		t.Parallel()
		out, err := s.MarshalText()
		require.NoError(t, err)
		require.Equal(t, "[redacted]", string(out))
		out, err = xml.Marshal(page{s})
		require.NoError(t, err)
		require.Contains(t, string(out), "<S>[redacted]</S>")
	})

	t.Run("gob refuses it", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		require.Error(t, gob.NewEncoder(&out).Encode(s))
		require.False(t, leaks(out.String(), s))
	})

	t.Run("a template shows [redacted] in HTML and in a script", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		form := template.Must(template.New("").Parse(`<a href="/?t={{.Secret}}">{{.Secret}}</a><script>var x = {{.}}</script>`))
		require.NoError(t, form.Execute(&out, Exported{Secret: s, Any: s}))
		require.Contains(t, out.String(), ">[redacted]<")
		require.False(t, leaks(out.String(), s))
	})

	t.Run("what was redacted never returns as a secret", func(t *testing.T) {
		t.Parallel()
		var back token.Secret
		require.Error(t, json.Unmarshal([]byte(`"[redacted]"`), &back)) //nolint:staticcheck // SA9005: that it cannot be unmarshalled is what is tested
		require.True(t, back.IsZero())
	})
}

func TestSecret_LogValue(t *testing.T) {
	t.Parallel()
	s := secret(t)
	handlers := map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	}
	for format, handler := range handlers {
		t.Run("a "+format+" log says [redacted]", func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			slog.New(handler(&out)).Info("login", "secret", s, "pointer", &s, slog.Group("g", "secret", s))
			require.Equal(t, 3, strings.Count(out.String(), "[redacted]"))
			require.False(t, leaks(out.String(), s))
		})
		for name, v := range values(s) {
			t.Run("a "+format+" log of "+name+" leaks nothing", func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				slog.New(handler(&out)).With("with", v).Info("login", "v", v, slog.Group("g", "v", v))
				require.NotEmpty(t, out.String())
				require.False(t, leaks(out.String(), s))
			})
		}
	}
}

func TestSecret_Reveal(t *testing.T) {
	t.Parallel()

	t.Run("what was wrapped is revealed byte by byte", func(t *testing.T) {
		t.Parallel()
		for _, in := range []string{"A", "cses_x\n", "\x00", strings.Repeat("é", 1000)} {
			require.Equal(t, in, token.Wrap(in).Reveal())
			require.False(t, token.Wrap(in).IsZero())
		}
	})

	t.Run("a wrapped token is checked by Parse", func(t *testing.T) {
		t.Parallel()
		s, h, err := token.New(token.Session, nil)
		require.NoError(t, err)
		got, err := token.Parse(token.Session, token.Wrap(s.Reveal()).Reveal())
		require.NoError(t, err)
		require.Equal(t, h, got)
	})

	t.Run("the zero secret and a wrapped empty string hold nothing, print as others do and never parse", func(t *testing.T) {
		t.Parallel()
		for _, s := range []token.Secret{{}, token.Wrap("")} {
			require.True(t, s.IsZero())
			require.Empty(t, s.Reveal())
			require.Equal(t, "[redacted]", fmt.Sprint(s))
			_, err := token.Parse(token.Session, s.Reveal())
			require.ErrorIs(t, err, token.ErrMalformed)
		}
	})
}
