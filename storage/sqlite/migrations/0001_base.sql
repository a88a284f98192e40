-- Times are microseconds since 1970 in UTC; 0 is "never". Ids, addresses and
-- keys compare byte by byte. {p} is the prefix of the tables' names.

-- One row for each migration. serves is the oldest schema whose code still
-- works with this one.
CREATE TABLE {p}schema (
    version INTEGER NOT NULL PRIMARY KEY,
    serves  INTEGER NOT NULL
);

CREATE TABLE {p}users (
    id           TEXT    NOT NULL PRIMARY KEY,
    version      INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    epoch_at     INTEGER NOT NULL,
    logins       INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    handle       TEXT    NOT NULL,
    handle_key   TEXT    NOT NULL,
    label_key    TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    proven       INTEGER NOT NULL,
    locale       TEXT    NOT NULL,
    kept         INTEGER NOT NULL,
    phone        TEXT    NOT NULL,
    confirms     INTEGER NOT NULL,
    suspensions  INTEGER NOT NULL,
    suspended_at INTEGER NOT NULL,
    deleted_at   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}users_email ON {p}users (email) WHERE email <> '' AND deleted_at = 0;
CREATE UNIQUE INDEX {p}users_handle ON {p}users (handle_key) WHERE handle_key <> '' AND deleted_at = 0;

CREATE TABLE {p}identities (
    issuer     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    user_id    TEXT    NOT NULL REFERENCES {p}users (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
CREATE INDEX {p}identities_user ON {p}identities (user_id);

CREATE TABLE {p}credentials (
    user_id    TEXT    NOT NULL PRIMARY KEY REFERENCES {p}users (id),
    version    INTEGER NOT NULL,
    hash       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE {p}challenges (
    user_id    TEXT    NOT NULL REFERENCES {p}users (id),
    session_id TEXT    NOT NULL,
    account_id TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    phone      TEXT    NOT NULL,
    tries      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    passed_at  INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    PRIMARY KEY (user_id, session_id, account_id, action)
) WITHOUT ROWID;
CREATE INDEX {p}challenges_expires ON {p}challenges (expires_at);

CREATE TABLE {p}tickets (
    user_id    TEXT    NOT NULL REFERENCES {p}users (id),
    purpose    TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    email      TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    PRIMARY KEY (user_id, purpose)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}tickets_hash ON {p}tickets (hash);
CREATE INDEX {p}tickets_expires ON {p}tickets (expires_at);

-- Tries at passwords, by address: most of the addresses are nobody's.
CREATE TABLE {p}guesses (
    email   TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    tries   INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX {p}guesses_last ON {p}guesses (last_at);

CREATE TABLE {p}accounts (
    id               TEXT    NOT NULL PRIMARY KEY,
    version          INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    kind             TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    name_key         TEXT    NOT NULL,
    plan             TEXT    NOT NULL,
    locale           TEXT    NOT NULL,
    programme_at     INTEGER NOT NULL,
    client_access_at INTEGER NOT NULL,
    suspended_at     INTEGER NOT NULL,
    closed_at        INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) WITHOUT ROWID;

-- account_key repeats the account's name_key, so that a page of everything a
-- user can reach is read in order; it is rewritten when the name changes.
CREATE TABLE {p}memberships (
    account_id   TEXT    NOT NULL REFERENCES {p}accounts (id),
    user_id      TEXT    NOT NULL REFERENCES {p}users (id),
    version      INTEGER NOT NULL,
    role         TEXT    NOT NULL,
    epoch        INTEGER NOT NULL,
    after_login  INTEGER NOT NULL,
    after_at     INTEGER NOT NULL,
    suspended_at INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    tenure       INTEGER NOT NULL,
    reign        INTEGER NOT NULL,
    account_key  TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id)
) WITHOUT ROWID;
CREATE INDEX {p}memberships_user ON {p}memberships (user_id, account_key, account_id);

-- client_key and agency_key repeat the accounts' name_keys, for lists.
CREATE TABLE {p}connections (
    client_id    TEXT    NOT NULL REFERENCES {p}accounts (id),
    agency_id    TEXT    NOT NULL REFERENCES {p}accounts (id),
    version      INTEGER NOT NULL,
    cap          TEXT    NOT NULL,
    epoch        INTEGER NOT NULL,
    agency_epoch INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    request_id   TEXT    NOT NULL,
    approver_id  TEXT    NOT NULL,
    client_key   TEXT    NOT NULL,
    agency_key   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (client_id, agency_id)
) WITHOUT ROWID;
CREATE INDEX {p}connections_agency ON {p}connections (agency_id, client_key, client_id);

CREATE TABLE {p}assignments (
    client_id        TEXT    NOT NULL,
    user_id          TEXT    NOT NULL REFERENCES {p}users (id),
    agency_id        TEXT    NOT NULL,
    version          INTEGER NOT NULL,
    role             TEXT    NOT NULL,
    connection_epoch INTEGER NOT NULL,
    member_epoch     INTEGER NOT NULL,
    ended_at         INTEGER NOT NULL,
    client_key       TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (client_id, user_id, agency_id),
    FOREIGN KEY (client_id, agency_id) REFERENCES {p}connections (client_id, agency_id),
    FOREIGN KEY (agency_id, user_id) REFERENCES {p}memberships (account_id, user_id)
) WITHOUT ROWID;
CREATE INDEX {p}assignments_user ON {p}assignments (user_id, client_key, client_id, agency_id);

-- The bulk of an agency: its clients, their sites, and what each may do there.
-- user_id is NULL until somebody logs in. stage is how far a client has come by
-- the row's own facts: 0 new, 1 invited, 2 active, 3 suspended; sited is 1 while
-- the client has a site that is live, whatever it is for, and status is what
-- follows from both: 0 a lead, 1 with sites, and then the stages. search is what
-- a search looks into, with a mark where a word begins. place is the row's in
-- the index of words, which lists rows in the order in which they came. That is
-- the order of the list but for rows that came late, 1, and rows whose place in
-- the list has changed, 2.
CREATE TABLE {p}clients (
    place        INTEGER NOT NULL PRIMARY KEY,
    account_id   TEXT    NOT NULL REFERENCES {p}accounts (id),
    id           TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    user_id      TEXT    REFERENCES {p}users (id),
    epoch        INTEGER NOT NULL,
    after_login  INTEGER NOT NULL,
    after_at     INTEGER NOT NULL,
    suspended_at INTEGER NOT NULL,
    deleted_at   INTEGER NOT NULL,
    first_name   TEXT    NOT NULL,
    last_name    TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    company      TEXT    NOT NULL,
    postal       TEXT    NOT NULL,
    phone        TEXT    NOT NULL,
    notes        TEXT    NOT NULL,
    locale       TEXT    NOT NULL,
    invited_at   INTEGER NOT NULL,
    active_at    INTEGER NOT NULL,
    stage        INTEGER NOT NULL,
    sited        INTEGER NOT NULL,
    status       INTEGER NOT NULL GENERATED ALWAYS AS (CASE WHEN stage = 0 THEN sited ELSE stage + 1 END) VIRTUAL,
    search       TEXT    NOT NULL,
    late         INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
);
CREATE UNIQUE INDEX {p}clients_key ON {p}clients (account_id, id);
CREATE UNIQUE INDEX {p}clients_email ON {p}clients (account_id, email) WHERE deleted_at = 0;
CREATE UNIQUE INDEX {p}clients_user ON {p}clients (user_id, account_id) WHERE user_id IS NOT NULL AND deleted_at = 0;
CREATE INDEX {p}clients_made ON {p}clients (account_id, created_at, id) WHERE deleted_at = 0;
CREATE INDEX {p}clients_status ON {p}clients (account_id, status, created_at, id) WHERE deleted_at = 0;
CREATE INDEX {p}clients_late ON {p}clients (account_id, created_at, id) WHERE late > 0 AND deleted_at = 0;

-- The words of clients: the pieces of their search texts, each begun by what
-- stands for the account, under a number that falls as places grow; rows that
-- came late stand behind the others, by numbers that grow. Rows that are written
-- wait in client_fresh until there are enough to be put in at once.
CREATE VIRTUAL TABLE {p}client_words USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
CREATE TABLE {p}client_fresh (
    n     INTEGER NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    grams TEXT    NOT NULL
);

CREATE TABLE {p}sites (
    place      INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES {p}accounts (id),
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    alias      TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    domain     TEXT    NOT NULL,
    search     TEXT    NOT NULL,
    late       INTEGER NOT NULL,
    removed_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX {p}sites_key ON {p}sites (account_id, id);
CREATE INDEX {p}sites_made ON {p}sites (account_id, created_at, id) WHERE removed_at = 0;
CREATE INDEX {p}sites_late ON {p}sites (account_id, created_at, id) WHERE late > 0 AND removed_at = 0;
CREATE VIRTUAL TABLE {p}site_words USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
CREATE TABLE {p}site_fresh (
    n     INTEGER NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    grams TEXT    NOT NULL
);

-- permissions are one a line.
CREATE TABLE {p}site_access (
    account_id  TEXT    NOT NULL,
    client_id   TEXT    NOT NULL,
    site_id     TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    permissions TEXT    NOT NULL,
    ended_at    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, client_id, site_id),
    FOREIGN KEY (account_id, client_id) REFERENCES {p}clients (account_id, id),
    FOREIGN KEY (account_id, site_id) REFERENCES {p}sites (account_id, id)
) WITHOUT ROWID;
CREATE INDEX {p}site_access_site ON {p}site_access (account_id, site_id) WHERE ended_at = 0;

-- Hashes of secrets that are not there are NULL.
CREATE TABLE {p}setup_links (
    account_id  TEXT    NOT NULL,
    client_id   TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    hash        BLOB,
    epoch       INTEGER NOT NULL,
    maker_id    TEXT    NOT NULL,
    tenure      INTEGER NOT NULL,
    suspensions INTEGER NOT NULL,
    mailed      INTEGER NOT NULL,
    proves      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER NOT NULL,
    PRIMARY KEY (account_id, client_id),
    FOREIGN KEY (account_id, client_id) REFERENCES {p}clients (account_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}setup_links_hash ON {p}setup_links (hash);

CREATE TABLE {p}views (
    account_id    TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    link          BLOB,
    hash          BLOB,
    client_epoch  INTEGER NOT NULL,
    user_epoch    INTEGER NOT NULL,
    client_logins INTEGER NOT NULL,
    viewer_id     TEXT    NOT NULL REFERENCES {p}users (id),
    viewer_epoch  INTEGER NOT NULL,
    tenure        INTEGER NOT NULL,
    login         INTEGER NOT NULL,
    login_at      INTEGER NOT NULL,
    session_id    TEXT    NOT NULL,
    writes        INTEGER NOT NULL,
    user_agent    TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    link_until    INTEGER NOT NULL,
    opened_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, client_id) REFERENCES {p}clients (account_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}views_id ON {p}views (id);
CREATE UNIQUE INDEX {p}views_link ON {p}views (link);
CREATE UNIQUE INDEX {p}views_hash ON {p}views (hash);
CREATE INDEX {p}views_over ON {p}views (
    (CASE WHEN ended_at > 0 AND ended_at < expires_at THEN ended_at ELSE expires_at END));

CREATE TABLE {p}requests (
    agency_id    TEXT    NOT NULL REFERENCES {p}accounts (id),
    id           TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    agency_epoch INTEGER NOT NULL,
    email        TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    requester_id TEXT    NOT NULL,
    message      TEXT    NOT NULL,
    level        TEXT    NOT NULL,
    locale       TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    state        TEXT    NOT NULL,
    sent_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    resend_day   INTEGER NOT NULL,
    resends      INTEGER NOT NULL,
    client_id    TEXT    NOT NULL,
    decider_id   TEXT    NOT NULL,
    decided_at   INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (agency_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}requests_hash ON {p}requests (hash);
CREATE UNIQUE INDEX {p}requests_pending ON {p}requests (agency_id, email) WHERE state = 'pending';
CREATE INDEX {p}requests_made ON {p}requests (agency_id, created_at, id);
CREATE INDEX {p}requests_approved ON {p}requests (agency_id, email, client_id) WHERE state = 'approved';
CREATE INDEX {p}requests_addressed ON {p}requests (email, created_at, id, agency_id) WHERE state = 'pending';

CREATE TABLE {p}invitations (
    account_id  TEXT    NOT NULL REFERENCES {p}accounts (id),
    id          TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    email       TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    locale      TEXT    NOT NULL,
    inviter_id  TEXT    NOT NULL,
    tenure      INTEGER NOT NULL,
    reign       INTEGER NOT NULL,
    suspensions INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    state       TEXT    NOT NULL,
    sent_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    resend_day  INTEGER NOT NULL,
    resends     INTEGER NOT NULL,
    user_id     TEXT    NOT NULL,
    given       TEXT    NOT NULL,
    decided_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}invitations_hash ON {p}invitations (hash);
CREATE UNIQUE INDEX {p}invitations_pending ON {p}invitations (account_id, email) WHERE state = 'pending';
CREATE INDEX {p}invitations_made ON {p}invitations (account_id, created_at, id);
CREATE INDEX {p}invitations_addressed ON {p}invitations (email, created_at, id, account_id) WHERE state = 'pending';

CREATE TABLE {p}sessions (
    id         TEXT    NOT NULL PRIMARY KEY,
    version    INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    user_id    TEXT    NOT NULL REFERENCES {p}users (id),
    user_epoch INTEGER NOT NULL,
    login      INTEGER NOT NULL,
    method     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    auth_at    INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    account_id TEXT    NOT NULL,
    from_id    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    source     TEXT    NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX {p}sessions_hash ON {p}sessions (hash);
CREATE INDEX {p}sessions_user ON {p}sessions (user_id, id);
CREATE INDEX {p}sessions_open ON {p}sessions (user_id, id) WHERE ended_at = 0;
CREATE INDEX {p}sessions_created ON {p}sessions (created_at);

CREATE TABLE {p}quotas (
    subject TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    day     INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    PRIMARY KEY (subject, kind, day)
) WITHOUT ROWID;
CREATE INDEX {p}quotas_day ON {p}quotas (day);

CREATE TABLE {p}replies (
    account_id TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    input      BLOB    NOT NULL,
    answer     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, actor, key)
) WITHOUT ROWID;
CREATE INDEX {p}replies_expires ON {p}replies (expires_at);

CREATE TABLE {p}events (
    op            TEXT    NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    account_id    TEXT    NOT NULL,
    agency_id     TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    request_id    TEXT    NOT NULL,
    invitation_id TEXT    NOT NULL,
    session_id    TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    site_id       TEXT    NOT NULL,
    view_id       TEXT    NOT NULL,
    mail_id       TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    was           TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    refusal       TEXT    NOT NULL,
    by_user       TEXT    NOT NULL,
    by_session    TEXT    NOT NULL,
    by_client     TEXT    NOT NULL,
    by_system     TEXT    NOT NULL,
    by_operator   TEXT    NOT NULL,
    by_reason     TEXT    NOT NULL,
    by_request    TEXT    NOT NULL,
    taken         INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    fence         INTEGER NOT NULL,
    PRIMARY KEY (op, seq)
) WITHOUT ROWID;
CREATE INDEX {p}events_account ON {p}events (account_id, at, op, seq);
CREATE INDEX {p}events_agency ON {p}events (agency_id, at, op, seq) WHERE agency_id <> '';
CREATE INDEX {p}events_feed ON {p}events (at, op, seq, due_at) WHERE taken = 0;

-- What a message says is subject, body, data, as JSON or empty, and sealed. A value
-- of another type would be a message that nobody can read: the table is strict.
CREATE TABLE {p}mails (
    id             TEXT    NOT NULL PRIMARY KEY,
    channel        TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    account_id     TEXT    NOT NULL,
    sender_name    TEXT    NOT NULL,
    sender         TEXT    NOT NULL,
    recipient      TEXT    NOT NULL,
    recipient_name TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    locale         TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    data           TEXT    NOT NULL,
    sealed         BLOB,
    reason         TEXT    NOT NULL,
    priority       INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    not_after      INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    leased_until   INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    fence          INTEGER NOT NULL,
    settled_at     INTEGER NOT NULL,
    error          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX {p}mails_due ON {p}mails (channel, priority, due_at, id) WHERE state = 'queued' AND leased_until = 0;
CREATE INDEX {p}mails_leased ON {p}mails (channel, leased_until) WHERE state = 'queued' AND leased_until > 0;
CREATE INDEX {p}mails_unsent ON {p}mails (reason) WHERE state IN ('queued', 'dead');
CREATE INDEX {p}mails_reason ON {p}mails (reason, created_at, id);
CREATE INDEX {p}mails_settled ON {p}mails (settled_at) WHERE settled_at > 0;
CREATE INDEX {p}mails_state ON {p}mails (state, id);
CREATE INDEX {p}mails_user ON {p}mails (user_id) WHERE user_id <> '';
CREATE INDEX {p}mails_waiting ON {p}mails (not_after) WHERE state = 'queued' AND not_after > 0;
CREATE INDEX {p}mails_words ON {p}mails (not_after) WHERE state = 'dead' AND not_after > 0
    AND (subject <> '' OR body <> '' OR data <> '' OR sealed IS NOT NULL);

INSERT INTO {p}schema (version, serves) VALUES (1, 1);
