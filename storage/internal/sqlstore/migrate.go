package sqlstore

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Migration is one step from a schema to the next. Its SQL, run in one
// transaction, writes down that it was run.
type Migration struct {
	Version int
	Name    string
	SQL     string
}

// Schema is what a database says about its tables: the newest migration that
// was run, and the oldest whose code still works with them. Version 0 is a
// database that has none.
type Schema struct {
	Version int
	Serves  int
}

// SchemaQuery reads a [Schema]; it fails where there is no such table.
const SchemaQuery = `SELECT version, serves FROM {p}schema ORDER BY version DESC LIMIT 1`

// Migrations reads the migrations of a dialect from files named
// "0001_name.sql", in the order of their numbers, which leave no gap.
func Migrations(files fs.FS, d Dialect) ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	list := make([]Migration, 0, len(names))
	for i, file := range names {
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("sqlstore: migration %d is in a file called %s", i+1, file)
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		list = append(list, Migration{Version: version, Name: name, SQL: d.SQL(string(text))})
	}
	return list, nil
}

// Files returns migrations as files that the usual tools take as they are: their
// names end as golang-migrate reads which way a file leads, and goose reads it in the
// first line, which is a comment to everybody else.
// A zip archive in memory is the file system of the standard library that can
// be filled at run time.
func Files(list []Migration) (fs.FS, error) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for _, m := range list {
		f, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%04d_%s.up.sql", m.Version, m.Name), Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte("-- +goose Up\n" + m.SQL)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
}

// Pending returns the migrations that a database has not seen.
func (s Schema) Pending(list []Migration) []Migration {
	return list[min(s.Version, len(list)):]
}

// Check refuses a schema that code with these migrations cannot work with. A
// newer schema that still serves the code is fine.
func (s Schema) Check(list []Migration) error {
	known := len(list)
	switch {
	case s.Version == 0:
		return fmt.Errorf("chatelaine: the database has no tables of this library; run Migrate, or the SQL of its migrations up to %d", known)
	case s.Version < known:
		return fmt.Errorf("chatelaine: the database has schema %d and this release needs %d; run Migrate, or the SQL of the migrations in between", s.Version, known)
	case s.Serves > known:
		return fmt.Errorf("chatelaine: the database has schema %d, which serves releases with schema %d and later, and this release has %d; update the program, or restore the database from before the migration", s.Version, s.Serves, known)
	}
	return nil
}
