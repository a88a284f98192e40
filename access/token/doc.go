// Package token makes the secrets that are handed to people and browsers, and recognises them when they come back.
//
// A token is a purpose's prefix and 52 characters of A–Z and 2–7: 260 bits from crypto/rand. It contains no '-' or '_'
// at its end that a mail client would drop, needs no escaping in a URL, a cookie or a form, and its prefix lets secret
// scanners find leaks.
//
//	creq_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST
//
// # What to use
//
// [New] makes a token: the [Secret] goes to the person, once, and the [Hash] is stored. [Parse] turns what comes back
// into the hash to look up. [Wrap] keeps a received token from being printed on its way to Parse.
//
// # What to avoid
//
// Store a Hash, never what [Secret.Reveal] returns. Store it as the 32 bytes h[:], since its String is abbreviated. Call
// Reveal only where the token leaves for its owner: a cookie, a mail, the page that shows it once. What Reveal has
// returned is an ordinary string, which nothing protects any more. Take no address, account or role from a token: it
// says nothing, and all that it grants is in the stored row.
//
// # What is promised
//
//   - One token has one spelling. Parse compares the exact bytes: it decodes, trims and folds nothing.
//   - A token of one purpose never passes for another, even where its prefix is exchanged: the purpose is hashed too.
//   - A Secret prints as [redacted] in every verb of fmt, in log/slog, in encoding/json and in templates. In an
//     unexported field, where fmt may not ask it, it prints as an address.
//   - Errors never quote the input, and Parse does no more work for a megabyte than for a token.
//   - The hash of a token does not change between releases of this library.
//
// A plain hash suffices, without salt, key or slowness, because 260 random bits cannot be guessed from it.
package token
