-- How people prove who they are: passkeys, an issuer of identities (OpenID Connect), recovery codes, and when a session
-- last proved itself.

-- A session that an older program opened counts as never proved: it is asked before anything that needs it.
alter table session
  add column proved_at timestamptz not null default 'epoch',
  add column proved_by text not null default 'password'
    check (proved_by in ('password', 'code', 'recovery', 'passkey', 'oidc'));

-- What the association accepts. A book without a row takes passwords with a time-based code only, and no issuer.
-- The client's secret is not here: it comes from the environment of the service.
create table sign_in_setting (
  book_id  int4 not null,
  password text not null check (password in ('alone', 'with_code', 'never')),
  issuer   text not null default '' check (length(issuer) <= 500),
  client   text not null default '' check (length(client) <= 200),
  acr      text not null default '' check (length(acr) <= 200), -- the class of sign-in that counts as strong
  primary key (book_id),
  constraint sign_in_setting_issuer check ((issuer = '') = (client = ''))
);

-- A demo that is there already goes on opening by its password.
insert into sign_in_setting (book_id, password) select book_id, 'alone' from book where sandbox;

create table passkey (
  book_id         int4 not null,
  credential      bytea not null check (length(credential) between 1 and 1023),
  id              uuid not null, -- what lists show and what is removed by
  person_id       uuid not null,
  name            text not null check (length(name) between 1 and 100),
  public_key      bytea not null,
  sign_count      int8 not null check (sign_count >= 0),
  backup_eligible boolean not null,
  transports      text[] not null,
  created_at      timestamptz not null,
  last_used_at    timestamptz,
  stopped_at      timestamptz, -- its counter ran backwards: there may be a copy
  removed_at      timestamptz,
  primary key (book_id, credential),
  unique (book_id, id),
  foreign key (book_id, person_id) references person (book_id, id)
);
create index passkey_person on passkey (book_id, person_id);

-- Who an issuer's subject is with us. Set by an admin or by the person, never guessed from an e-mail address.
create table identity_link (
  book_id    int4 not null,
  id         uuid not null,
  issuer     text not null check (length(issuer) between 1 and 500),
  subject    text not null check (length(subject) between 1 and 255),
  person_id  uuid not null,
  linked_at  timestamptz not null,
  linked_by  uuid not null,
  removed_at timestamptz,
  primary key (book_id, id),
  foreign key (book_id, person_id) references person (book_id, id)
);
create unique index identity_link_live on identity_link (book_id, issuer, subject) where removed_at is null;
create index identity_link_person on identity_link (book_id, person_id);

create table recovery_code (
  book_id   int4 not null,
  person_id uuid not null,
  code_hash bytea not null check (length(code_hash) = 32),
  made_at   timestamptz not null,
  used_at   timestamptz,
  primary key (book_id, person_id, code_hash),
  foreign key (book_id, person_id) references person (book_id, id)
);

-- What was asked of a browser and not yet answered: challenges, states and nonces. Read once, by deleting it.
create table sign_in_ceremony (
  book_id    int4 not null,
  token_hash bytea not null check (length(token_hash) = 32),
  kind       text not null check (kind in ('passkey_add', 'passkey_sign_in', 'passkey_confirm', 'oidc_sign_in', 'oidc_confirm', 'oidc_link')),
  holder     bytea not null check (length(holder) = 32), -- hash of the browser's or the session's secret
  data       jsonb not null,
  ends_at    timestamptz not null,
  primary key (book_id, token_hash)
);
create index sign_in_ceremony_old on sign_in_ceremony (book_id, ends_at);

grant select, insert on sign_in_setting, passkey, identity_link, recovery_code, sign_in_ceremony to sunfund_app;
grant update (password, issuer, client, acr) on sign_in_setting to sunfund_app;
grant update (sign_count, last_used_at, stopped_at, removed_at) on passkey to sunfund_app;
grant update (removed_at) on identity_link to sunfund_app;
grant update (used_at) on recovery_code to sunfund_app;
grant update (proved_at, proved_by) on session to sunfund_app;
grant delete on recovery_code, sign_in_ceremony to sunfund_app; -- codes that are replaced, questions that are answered
