-- Times are microseconds since 1970 in UTC; 0 is "never". Ids, addresses and
-- keys compare byte by byte. {p} stands before the name of every table.
--
-- Nothing here, and in no statement, is bound to one machine or one session: there
-- is no sequence, trigger, enum, advisory lock, deferrable constraint or clock of
-- the server. What an agency has in bulk leads its key with the account's id, and
-- refers to nothing in bulk of another account.

-- One row for each migration. serves is the oldest schema whose code still
-- works with this one.
CREATE TABLE {p}schema (
    version BIGINT           NOT NULL PRIMARY KEY,
    serves  BIGINT           NOT NULL
);

CREATE TABLE {p}users (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version      BIGINT           NOT NULL,
    epoch        BIGINT           NOT NULL,
    epoch_at     BIGINT           NOT NULL,
    logins       BIGINT           NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    handle       TEXT COLLATE "C" NOT NULL,
    handle_key   TEXT COLLATE "C" NOT NULL,
    label_key    TEXT COLLATE "C" NOT NULL,
    email        TEXT COLLATE "C" NOT NULL,
    address      TEXT COLLATE "C" NOT NULL,
    proven       BIGINT           NOT NULL,
    locale       TEXT COLLATE "C" NOT NULL,
    kept         BIGINT           NOT NULL,
    phone        TEXT COLLATE "C" NOT NULL,
    confirms     BIGINT           NOT NULL,
    suspensions  BIGINT           NOT NULL,
    suspended_at BIGINT           NOT NULL,
    deleted_at   BIGINT           NOT NULL,
    created_at   BIGINT           NOT NULL,
    updated_at   BIGINT           NOT NULL
);
CREATE UNIQUE INDEX {i}users_email ON {p}users (email) WHERE email <> '' AND deleted_at = 0;
CREATE UNIQUE INDEX {i}users_handle ON {p}users (handle_key) WHERE handle_key <> '' AND deleted_at = 0;

CREATE TABLE {p}identities (
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    created_at BIGINT           NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX {i}identities_user ON {p}identities (user_id);

CREATE TABLE {p}credentials (
    user_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES {p}users (id),
    version    BIGINT           NOT NULL,
    hash       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT           NOT NULL,
    updated_at BIGINT           NOT NULL
);

CREATE TABLE {p}challenges (
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    session_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    version    BIGINT           NOT NULL,
    epoch      BIGINT           NOT NULL,
    hash       BYTEA            NOT NULL,
    phone      TEXT COLLATE "C" NOT NULL,
    tries      BIGINT           NOT NULL,
    created_at BIGINT           NOT NULL,
    expires_at BIGINT           NOT NULL,
    passed_at  BIGINT           NOT NULL,
    used_at    BIGINT           NOT NULL,
    PRIMARY KEY (user_id, session_id, account_id, action)
);
CREATE INDEX {i}challenges_expires ON {p}challenges (expires_at);

CREATE TABLE {p}tickets (
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    purpose    TEXT COLLATE "C" NOT NULL,
    version    BIGINT           NOT NULL,
    hash       BYTEA            NOT NULL,
    email      TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C" NOT NULL,
    epoch      BIGINT           NOT NULL,
    created_at BIGINT           NOT NULL,
    expires_at BIGINT           NOT NULL,
    used_at    BIGINT           NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
CREATE UNIQUE INDEX {i}tickets_hash ON {p}tickets (hash);
CREATE INDEX {i}tickets_expires ON {p}tickets (expires_at);

-- Tries at passwords, by address: most of the addresses are nobody's.
CREATE TABLE {p}guesses (
    email   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT           NOT NULL,
    tries   BIGINT           NOT NULL,
    last_at BIGINT           NOT NULL
);
CREATE INDEX {i}guesses_last ON {p}guesses (last_at);

CREATE TABLE {p}accounts (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version          BIGINT           NOT NULL,
    epoch            BIGINT           NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    name             TEXT COLLATE "C" NOT NULL,
    name_key         TEXT COLLATE "C" NOT NULL,
    plan             TEXT COLLATE "C" NOT NULL,
    locale           TEXT COLLATE "C" NOT NULL,
    programme_at     BIGINT           NOT NULL,
    client_access_at BIGINT           NOT NULL,
    suspended_at     BIGINT           NOT NULL,
    closed_at        BIGINT           NOT NULL,
    created_at       BIGINT           NOT NULL,
    updated_at       BIGINT           NOT NULL
);

-- account_key repeats the account's name_key, so that a page of everything a
-- user can reach is read in order; it is rewritten when the name changes.
CREATE TABLE {p}memberships (
    account_id   TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    version      BIGINT           NOT NULL,
    role         TEXT COLLATE "C" NOT NULL,
    epoch        BIGINT           NOT NULL,
    after_login  BIGINT           NOT NULL,
    after_at     BIGINT           NOT NULL,
    suspended_at BIGINT           NOT NULL,
    ended_at     BIGINT           NOT NULL,
    tenure       BIGINT           NOT NULL,
    reign        BIGINT           NOT NULL,
    account_key  TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT           NOT NULL,
    updated_at   BIGINT           NOT NULL,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX {i}memberships_user ON {p}memberships (user_id, account_key, account_id);

-- client_key and agency_key repeat the accounts' name_keys, for lists.
CREATE TABLE {p}connections (
    client_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    agency_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    version      BIGINT           NOT NULL,
    cap          TEXT COLLATE "C" NOT NULL,
    epoch        BIGINT           NOT NULL,
    agency_epoch BIGINT           NOT NULL,
    ended_at     BIGINT           NOT NULL,
    request_id   TEXT COLLATE "C" NOT NULL,
    approver_id  TEXT COLLATE "C" NOT NULL,
    client_key   TEXT COLLATE "C" NOT NULL,
    agency_key   TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT           NOT NULL,
    updated_at   BIGINT           NOT NULL,
    PRIMARY KEY (client_id, agency_id)
);
CREATE INDEX {i}connections_agency ON {p}connections (agency_id, client_key, client_id);

CREATE TABLE {p}assignments (
    client_id        TEXT COLLATE "C" NOT NULL,
    user_id          TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    agency_id        TEXT COLLATE "C" NOT NULL,
    version          BIGINT           NOT NULL,
    role             TEXT COLLATE "C" NOT NULL,
    connection_epoch BIGINT           NOT NULL,
    member_epoch     BIGINT           NOT NULL,
    ended_at         BIGINT           NOT NULL,
    client_key       TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT           NOT NULL,
    updated_at       BIGINT           NOT NULL,
    PRIMARY KEY (client_id, user_id, agency_id),
    FOREIGN KEY (client_id, agency_id) REFERENCES {p}connections (client_id, agency_id),
    FOREIGN KEY (agency_id, user_id) REFERENCES {p}memberships (account_id, user_id)
);
CREATE INDEX {i}assignments_user ON {p}assignments (user_id, client_key, client_id, agency_id);

-- The bulk of an agency: its clients, their sites, and what each may do there.
-- user_id is NULL until somebody logs in. stage is how far a client has come by
-- the row's own facts: 0 new, 1 invited, 2 active, 3 suspended; sited is 1 while
-- the client has a site that is live, whatever it is for, and status is what
-- follows from both: 0 a lead, 1 with sites, and then the stages. search is what
-- a search looks into, with a mark where a word begins, and grams are its pieces
-- as numbers, each account's its own, for an index that needs no extension.
CREATE TABLE {p}clients (
    account_id   TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    id           TEXT COLLATE "C" NOT NULL,
    version      BIGINT           NOT NULL,
    user_id      TEXT COLLATE "C" REFERENCES {p}users (id),
    epoch        BIGINT           NOT NULL,
    after_login  BIGINT           NOT NULL,
    after_at     BIGINT           NOT NULL,
    suspended_at BIGINT           NOT NULL,
    deleted_at   BIGINT           NOT NULL,
    first_name   TEXT COLLATE "C" NOT NULL,
    last_name    TEXT COLLATE "C" NOT NULL,
    email        TEXT COLLATE "C" NOT NULL,
    address      TEXT COLLATE "C" NOT NULL,
    company      TEXT COLLATE "C" NOT NULL,
    postal       TEXT COLLATE "C" NOT NULL,
    phone        TEXT COLLATE "C" NOT NULL,
    notes        TEXT COLLATE "C" NOT NULL,
    locale       TEXT COLLATE "C" NOT NULL,
    invited_at   BIGINT           NOT NULL,
    active_at    BIGINT           NOT NULL,
    stage        BIGINT           NOT NULL,
    sited        BIGINT           NOT NULL,
    status       BIGINT           NOT NULL GENERATED ALWAYS AS (CASE WHEN stage = 0 THEN sited ELSE stage + 1 END) STORED,
    search       TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT           NOT NULL,
    updated_at   BIGINT           NOT NULL,
    grams        INTEGER[]        NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX {i}clients_email ON {p}clients (account_id, email) WHERE deleted_at = 0;
CREATE UNIQUE INDEX {i}clients_user ON {p}clients (user_id, account_id) WHERE user_id IS NOT NULL AND deleted_at = 0;
CREATE INDEX {i}clients_grams ON {p}clients USING gin (grams) WITH (gin_pending_list_limit = 256);
CREATE INDEX {i}clients_made ON {p}clients (account_id, created_at, id) WHERE deleted_at = 0;
CREATE INDEX {i}clients_status ON {p}clients (account_id, status, created_at, id) WHERE deleted_at = 0;

CREATE TABLE {p}sites (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    id         TEXT COLLATE "C" NOT NULL,
    version    BIGINT           NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    alias      TEXT COLLATE "C" NOT NULL,
    url        TEXT COLLATE "C" NOT NULL,
    domain     TEXT COLLATE "C" NOT NULL,
    search     TEXT COLLATE "C" NOT NULL,
    removed_at BIGINT           NOT NULL,
    created_at BIGINT           NOT NULL,
    updated_at BIGINT           NOT NULL,
    grams      INTEGER[]        NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX {i}sites_grams ON {p}sites USING gin (grams) WITH (gin_pending_list_limit = 256);
CREATE INDEX {i}sites_made ON {p}sites (account_id, created_at, id) WHERE removed_at = 0;

-- permissions are one a line.
CREATE TABLE {p}site_access (
    account_id  TEXT COLLATE "C" NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    site_id     TEXT COLLATE "C" NOT NULL,
    version     BIGINT           NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    ended_at    BIGINT           NOT NULL,
    created_at  BIGINT           NOT NULL,
    updated_at  BIGINT           NOT NULL,
    PRIMARY KEY (account_id, client_id, site_id),
    FOREIGN KEY (account_id, client_id) REFERENCES {p}clients (account_id, id),
    FOREIGN KEY (account_id, site_id) REFERENCES {p}sites (account_id, id)
);
CREATE INDEX {i}site_access_site ON {p}site_access (account_id, site_id) WHERE ended_at = 0;

-- Hashes of secrets that are not there are NULL.
CREATE TABLE {p}setup_links (
    account_id  TEXT COLLATE "C" NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    version     BIGINT           NOT NULL,
    hash        BYTEA,
    epoch       BIGINT           NOT NULL,
    maker_id    TEXT COLLATE "C" NOT NULL,
    tenure      BIGINT           NOT NULL,
    suspensions BIGINT           NOT NULL,
    mailed      BIGINT           NOT NULL,
    proves      BIGINT           NOT NULL,
    created_at  BIGINT           NOT NULL,
    expires_at  BIGINT           NOT NULL,
    used_at     BIGINT           NOT NULL,
    PRIMARY KEY (account_id, client_id),
    FOREIGN KEY (account_id, client_id) REFERENCES {p}clients (account_id, id)
);
CREATE UNIQUE INDEX {i}setup_links_hash ON {p}setup_links (hash{account});

CREATE TABLE {p}views (
    account_id    TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    client_id     TEXT COLLATE "C" NOT NULL,
    version       BIGINT           NOT NULL,
    link          BYTEA,
    hash          BYTEA,
    client_epoch  BIGINT           NOT NULL,
    user_epoch    BIGINT           NOT NULL,
    client_logins BIGINT           NOT NULL,
    viewer_id     TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    viewer_epoch  BIGINT           NOT NULL,
    tenure        BIGINT           NOT NULL,
    login         BIGINT           NOT NULL,
    login_at      BIGINT           NOT NULL,
    session_id    TEXT COLLATE "C" NOT NULL,
    writes        BIGINT           NOT NULL,
    user_agent    TEXT COLLATE "C" NOT NULL,
    source        TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT           NOT NULL,
    link_until    BIGINT           NOT NULL,
    opened_at     BIGINT           NOT NULL,
    expires_at    BIGINT           NOT NULL,
    ended_at      BIGINT           NOT NULL,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, client_id) REFERENCES {p}clients (account_id, id)
);
CREATE UNIQUE INDEX {i}views_id ON {p}views (id{account});
CREATE UNIQUE INDEX {i}views_link ON {p}views (link{account});
CREATE UNIQUE INDEX {i}views_hash ON {p}views (hash{account});
CREATE INDEX {i}views_over ON {p}views (
    (CASE WHEN ended_at > 0 AND ended_at < expires_at THEN ended_at ELSE expires_at END));

CREATE TABLE {p}requests (
    agency_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    id           TEXT COLLATE "C" NOT NULL,
    version      BIGINT           NOT NULL,
    agency_epoch BIGINT           NOT NULL,
    email        TEXT COLLATE "C" NOT NULL,
    address      TEXT COLLATE "C" NOT NULL,
    requester_id TEXT COLLATE "C" NOT NULL,
    message      TEXT COLLATE "C" NOT NULL,
    level        TEXT COLLATE "C" NOT NULL,
    locale       TEXT COLLATE "C" NOT NULL,
    hash         BYTEA            NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    sent_at      BIGINT           NOT NULL,
    expires_at   BIGINT           NOT NULL,
    resend_day   BIGINT           NOT NULL,
    resends      BIGINT           NOT NULL,
    client_id    TEXT COLLATE "C" NOT NULL,
    decider_id   TEXT COLLATE "C" NOT NULL,
    decided_at   BIGINT           NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT           NOT NULL,
    updated_at   BIGINT           NOT NULL,
    PRIMARY KEY (agency_id, id)
);
CREATE UNIQUE INDEX {i}requests_hash ON {p}requests (hash{agency});
CREATE UNIQUE INDEX {i}requests_pending ON {p}requests (agency_id, email) WHERE state = 'pending';
CREATE INDEX {i}requests_made ON {p}requests (agency_id, created_at, id);
CREATE INDEX {i}requests_approved ON {p}requests (agency_id, email, client_id) WHERE state = 'approved';
CREATE INDEX {i}requests_addressed ON {p}requests (email, created_at, id, agency_id) WHERE state = 'pending';

CREATE TABLE {p}invitations (
    account_id  TEXT COLLATE "C" NOT NULL REFERENCES {p}accounts (id),
    id          TEXT COLLATE "C" NOT NULL,
    version     BIGINT           NOT NULL,
    email       TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL,
    message     TEXT COLLATE "C" NOT NULL,
    locale      TEXT COLLATE "C" NOT NULL,
    inviter_id  TEXT COLLATE "C" NOT NULL,
    tenure      BIGINT           NOT NULL,
    reign       BIGINT           NOT NULL,
    suspensions BIGINT           NOT NULL,
    hash        BYTEA            NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    sent_at     BIGINT           NOT NULL,
    expires_at  BIGINT           NOT NULL,
    resend_day  BIGINT           NOT NULL,
    resends     BIGINT           NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    given       TEXT COLLATE "C" NOT NULL,
    decided_at  BIGINT           NOT NULL,
    created_at  BIGINT           NOT NULL,
    updated_at  BIGINT           NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX {i}invitations_hash ON {p}invitations (hash{account});
CREATE UNIQUE INDEX {i}invitations_pending ON {p}invitations (account_id, email) WHERE state = 'pending';
CREATE INDEX {i}invitations_made ON {p}invitations (account_id, created_at, id);
CREATE INDEX {i}invitations_addressed ON {p}invitations (email, created_at, id, account_id) WHERE state = 'pending';

CREATE TABLE {p}sessions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version    BIGINT           NOT NULL,
    hash       BYTEA            NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES {p}users (id),
    user_epoch BIGINT           NOT NULL,
    login      BIGINT           NOT NULL,
    method     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT           NOT NULL,
    auth_at    BIGINT           NOT NULL,
    seen_at    BIGINT           NOT NULL,
    ended_at   BIGINT           NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    from_id    TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX {i}sessions_hash ON {p}sessions (hash);
CREATE INDEX {i}sessions_user ON {p}sessions (user_id, id);
CREATE INDEX {i}sessions_open ON {p}sessions (user_id, id) WHERE ended_at = 0;
CREATE INDEX {i}sessions_created ON {p}sessions (created_at);

CREATE TABLE {p}quotas (
    subject TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    day     BIGINT           NOT NULL,
    used    BIGINT           NOT NULL,
    PRIMARY KEY (subject, kind, day)
);
CREATE INDEX {i}quotas_day ON {p}quotas (day);

CREATE TABLE {p}replies (
    account_id TEXT COLLATE "C" NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    input      BYTEA            NOT NULL,
    answer     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT           NOT NULL,
    expires_at BIGINT           NOT NULL,
    PRIMARY KEY (account_id, actor, key)
);
CREATE INDEX {i}replies_expires ON {p}replies (expires_at);

CREATE TABLE {p}events (
    op            TEXT COLLATE "C" NOT NULL,
    seq           BIGINT           NOT NULL,
    at            BIGINT           NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    account_id    TEXT COLLATE "C" NOT NULL,
    agency_id     TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL,
    invitation_id TEXT COLLATE "C" NOT NULL,
    session_id    TEXT COLLATE "C" NOT NULL,
    client_id     TEXT COLLATE "C" NOT NULL,
    site_id       TEXT COLLATE "C" NOT NULL,
    view_id       TEXT COLLATE "C" NOT NULL,
    mail_id       TEXT COLLATE "C" NOT NULL,
    role          TEXT COLLATE "C" NOT NULL,
    was           TEXT COLLATE "C" NOT NULL,
    action        TEXT COLLATE "C" NOT NULL,
    refusal       TEXT COLLATE "C" NOT NULL,
    by_user       TEXT COLLATE "C" NOT NULL,
    by_session    TEXT COLLATE "C" NOT NULL,
    by_client     TEXT COLLATE "C" NOT NULL,
    by_system     TEXT COLLATE "C" NOT NULL,
    by_operator   TEXT COLLATE "C" NOT NULL,
    by_reason     TEXT COLLATE "C" NOT NULL,
    by_request    TEXT COLLATE "C" NOT NULL,
    taken         BIGINT           NOT NULL,
    due_at        BIGINT           NOT NULL,
    attempts      BIGINT           NOT NULL,
    fence         BIGINT           NOT NULL,
    PRIMARY KEY (account_id, op, seq)
);
CREATE UNIQUE INDEX {i}events_op ON {p}events (op, seq{account});
CREATE INDEX {i}events_account ON {p}events (account_id, at, op, seq);
CREATE INDEX {i}events_agency ON {p}events (agency_id, at, op, seq) WHERE agency_id <> '';
CREATE INDEX {i}events_feed ON {p}events (at, op, seq, due_at) WHERE taken = 0;

-- What a message says is subject, body, data, as JSON or empty, and sealed.
CREATE TABLE {p}mails (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    channel        TEXT COLLATE "C" NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL,
    account_id     TEXT COLLATE "C" NOT NULL,
    sender_name    TEXT COLLATE "C" NOT NULL,
    sender         TEXT COLLATE "C" NOT NULL,
    recipient      TEXT COLLATE "C" NOT NULL,
    recipient_name TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    locale         TEXT COLLATE "C" NOT NULL,
    subject        TEXT COLLATE "C" NOT NULL,
    body           TEXT COLLATE "C" NOT NULL,
    data           TEXT COLLATE "C" NOT NULL,
    sealed         BYTEA,
    reason         TEXT COLLATE "C" NOT NULL,
    priority       BIGINT           NOT NULL,
    due_at         BIGINT           NOT NULL,
    not_after      BIGINT           NOT NULL,
    created_at     BIGINT           NOT NULL,
    state          TEXT COLLATE "C" NOT NULL,
    leased_until   BIGINT           NOT NULL,
    attempts       BIGINT           NOT NULL,
    fence          BIGINT           NOT NULL,
    settled_at     BIGINT           NOT NULL,
    error          TEXT COLLATE "C" NOT NULL
);
CREATE INDEX {i}mails_due ON {p}mails (channel, priority, due_at, id) WHERE state = 'queued' AND leased_until = 0;
CREATE INDEX {i}mails_leased ON {p}mails (channel, leased_until) WHERE state = 'queued' AND leased_until > 0;
CREATE INDEX {i}mails_unsent ON {p}mails (reason) WHERE state IN ('queued', 'dead');
CREATE INDEX {i}mails_reason ON {p}mails (reason, created_at, id);
CREATE INDEX {i}mails_settled ON {p}mails (settled_at) WHERE settled_at > 0;
CREATE INDEX {i}mails_state ON {p}mails (state, id);
CREATE INDEX {i}mails_user ON {p}mails (user_id) WHERE user_id <> '';
CREATE INDEX {i}mails_waiting ON {p}mails (not_after) WHERE state = 'queued' AND not_after > 0;
CREATE INDEX {i}mails_words ON {p}mails (not_after) WHERE state = 'dead' AND not_after > 0
    AND (subject <> '' OR body <> '' OR data <> '' OR sealed IS NOT NULL);

INSERT INTO {p}schema (version, serves) VALUES (1, 1);
