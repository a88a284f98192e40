// Package sqlstore is what the SQL stores share: a change compiled to a list
// of statements from one description of the tables, the reading statements,
// and the migrator.
//
// It opens no connection and begins no transaction. An adapter brings those,
// and a [Dialect].
package sqlstore
