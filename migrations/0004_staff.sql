-- People who sign in, what they may do, what a second person decided, and who did what.
-- The rights of each role are code (ledger/staff/role.go); here is only who holds which role.

create table person (
  book_id     int4 not null,
  id          uuid not null,
  -- Lower-case ASCII only: two names that look alike cannot be two people.
  login       text not null check (login ~ '^[a-z0-9][a-z0-9._@+-]{0,63}$'),
  name_zh     text not null check (length(name_zh) between 1 and 100),
  name_en     text not null check (length(name_en) between 1 and 100),
  state       text not null default 'active' check (state in ('active', 'disabled')),
  password    text check (password like '$argon2id$%'), -- PHC string; null: cannot sign in by password
  totp_secret text,
  totp_step   int8 not null default 0, -- the last 30-second step whose code was used: none is taken twice
  lang        text not null check (lang in ('zh-CN', 'en')),
  email       text not null default '' check (length(email) <= 200), -- lower case; where requests are announced to
  created_at  timestamptz not null,
  primary key (book_id, id),
  unique (book_id, login)
);
-- One address, one person: two accounts of one person are not two people.
create unique index person_email on person (book_id, email) where email <> '';

-- Who holds, or held, which role. Rows are ended, never deleted. granted_by nil: the command line.
create table role_grant (
  book_id    int4 not null,
  id         uuid not null,
  person_id  uuid not null,
  role       text not null check (role in ('donor', 'resident', 'provider', 'street_officer', 'accountant', 'approver', 'supervisor', 'auditor', 'admin')),
  street_id  int4,
  fund_id    int4,
  granted_at timestamptz not null,
  granted_by uuid not null,
  revoked_at timestamptz,
  revoked_by uuid,
  primary key (book_id, id),
  foreign key (book_id, person_id) references person (book_id, id),
  foreign key (book_id, street_id) references street (book_id, street_id),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  constraint role_grant_scope check (case role
    when 'street_officer' then street_id is not null and fund_id is null
    when 'resident' then street_id is not null and fund_id is null
    when 'supervisor' then (street_id is null) <> (fund_id is null)
    else street_id is null and fund_id is null end),
  constraint role_grant_ended check ((revoked_at is null) = (revoked_by is null)),
  constraint role_grant_second_person check (granted_by <> person_id and revoked_by <> person_id)
);
create unique index role_grant_live on role_grant (book_id, person_id, role, street_id, fund_id) nulls not distinct
  where revoked_at is null;

-- The browser holds the token, we its SHA-256. Every request reads roles anew, so nothing here goes stale.
create table session (
  book_id      int4 not null,
  token_hash   bytea not null check (length(token_hash) = 32),
  id           uuid not null, -- what lists show and what is ended by
  person_id    uuid not null,
  created_at   timestamptz not null,
  last_seen_at timestamptz not null,
  idle_until   timestamptz not null,
  ends_at      timestamptz not null check (ends_at > created_at),
  device       text not null check (length(device) <= 200),
  ip           inet,
  revoked_at   timestamptz,
  primary key (book_id, token_hash),
  unique (book_id, id),
  foreign key (book_id, person_id) references person (book_id, id)
);
create index session_person on session (book_id, person_id, created_at);

-- Tries per account and per address in the running window, shared by all processes. The subject is hashed:
-- people type passwords into the wrong field.
create table sign_in_attempt (
  book_id     int4 not null,
  kind        text not null check (kind in ('account', 'address')),
  subject     bytea not null check (length(subject) = 32),
  tries       int4 not null check (tries >= 0),
  window_ends timestamptz not null,
  primary key (book_id, kind, subject)
);

-- What one person asks and others decide. payload_hash is what they saw: kind, summary, amount, payee, payload and version.
create table approval (
  book_id      int4 not null,
  id           uuid not null,
  form_id      uuid not null, -- the same form sent twice is one request
  kind         text not null check (length(kind) between 1 and 40),
  payload      jsonb not null,
  payload_hash bytea not null check (length(payload_hash) = 32),
  summary      text not null check (length(summary) between 1 and 400),
  amount       int8 not null check (amount >= 0), -- minor units of the book's currency; 0 when no money is spoken of
  payee        text not null check (length(payee) <= 200), -- who gains by it, 'person:…' or an outside party; empty: nobody
  version      int4 not null default 1 check (version > 0), -- counted up by every edit, which voids earlier approvals
  needed       int2 not null default 1 check (needed between 1 and 5), -- how many approvals it took
  made_by      uuid not null,
  made_at      timestamptz not null,
  changed_at   timestamptz not null,
  state        text not null default 'open' check (state in ('open', 'approved', 'rejected', 'withdrawn', 'failed')),
  decided_by   uuid,
  decided_at   timestamptz,
  reason       text not null default '' check (length(reason) <= 1000),
  entry_id     uuid,
  primary key (book_id, id),
  unique (book_id, form_id),
  foreign key (book_id, made_by) references person (book_id, id),
  foreign key (book_id, decided_by) references person (book_id, id),
  constraint approval_decided check ((state = 'open') = (decided_by is null) and (state = 'open') = (decided_at is null)),
  constraint approval_second_person check (state not in ('approved', 'rejected', 'failed') or decided_by <> made_by),
  constraint approval_withdrawn check (state <> 'withdrawn' or decided_by = made_by),
  constraint approval_entry check (entry_id is null or state in ('approved', 'failed'))
);
create index approval_open on approval (book_id, id) where state = 'open';
create index approval_maker on approval (book_id, made_by, id);
create unique index approval_entry on approval (book_id, entry_id) where entry_id is not null;

-- Programs that use the API. The token is sf_<book and id>_<secret>; only the secret's SHA-256 is kept.
create table api_key (
  book_id      int4 not null,
  id           uuid not null,
  name         text not null check (length(name) between 1 and 100),
  secret_hash  bytea not null check (length(secret_hash) = 32),
  scopes       text[] not null check (cardinality(scopes) > 0 and scopes <@ array[
                 'books:read', 'funds:read', 'campaigns:read', 'gifts:read', 'gifts:write',
                 'entries:read', 'entries:write', 'balances:read']),
  created_at   timestamptz not null,
  created_by   uuid not null,
  expires_at   timestamptz not null check (expires_at > created_at),
  last_used_at timestamptz,
  revoked_at   timestamptz,
  revoked_by   uuid,
  successor    uuid, -- the key made to replace it; both work until this one expires
  primary key (book_id, id),
  foreign key (book_id, successor) references api_key (book_id, id),
  constraint api_key_ended check ((revoked_at is null) = (revoked_by is null))
);

-- The answer given under an Idempotency-Key, written in the transaction of the effect.
create table request_key (
  book_id      int4 not null,
  key_id       uuid not null, -- the api_key
  key          text not null check (length(key) between 1 and 255),
  request_hash bytea not null check (length(request_hash) = 32),
  status       int2 not null check (status between 200 and 599),
  body         bytea not null,
  created_at   timestamptz not null,
  primary key (book_id, key_id, key),
  foreign key (book_id, key_id) references api_key (book_id, id)
);
create index request_key_old on request_key (book_id, created_at);

create table audit_event (
  book_id int4 not null,
  id      uuid not null,
  at      timestamptz not null,
  who     uuid not null, -- person or api_key; nil: nobody known, or the command line
  what    text not null check (what ~ '^[a-z0-9_.]{1,60}$'),
  object  text not null check (length(object) <= 200),
  detail  jsonb not null,
  before_hash bytea,
  after_hash  bytea,
  reason  text not null default '' check (length(reason) <= 1000),
  request text not null default '' check (length(request) <= 100), -- id of the request, as the log and the answer name it
  ip      inet,
  primary key (book_id, id)
);
create index audit_event_who on audit_event (book_id, who, id);
create index audit_event_object on audit_event (book_id, object, id);

create function refuse_decided_change() returns trigger language plpgsql as $$
begin
  -- Only an approved effect that could not be carried out may still be marked failed.
  if old.state <> 'open' and not (old.state = 'approved' and new.state = 'failed'
     and (new.payload_hash, new.payload, new.decided_by) = (old.payload_hash, old.payload, old.decided_by)) then
    raise exception 'approval % is %: change refused', old.id, old.state
      using errcode = 'integrity_constraint_violation', constraint = 'approval_final';
  end if;
  return new;
end
$$;

create trigger approval_final before update on approval for each row execute function refuse_decided_change();
create trigger approval_keep before delete on approval for each row execute function refuse_change();
create trigger approval_keep_all before truncate on approval for each statement execute function refuse_change();
create trigger role_grant_keep before delete on role_grant for each row execute function refuse_change();
create trigger role_grant_keep_all before truncate on role_grant for each statement execute function refuse_change();
create trigger audit_event_append_only before update or delete on audit_event for each row execute function refuse_change();
create trigger audit_event_keep before truncate on audit_event for each statement execute function refuse_change();

grant select, insert on person, role_grant, session, sign_in_attempt, approval, api_key, request_key, audit_event
  to sunfund_app;
grant update (name_zh, name_en, state, password, totp_secret, totp_step, lang, email) on person to sunfund_app;
grant update (revoked_at, revoked_by) on role_grant to sunfund_app;
grant update (last_seen_at, idle_until, revoked_at) on session to sunfund_app;
grant update (tries, window_ends) on sign_in_attempt to sunfund_app;
grant update (payload, payload_hash, summary, amount, payee, version, needed, changed_at, state, decided_by, decided_at, reason, entry_id)
  on approval to sunfund_app;
grant update (last_used_at, expires_at, revoked_at, revoked_by, successor) on api_key to sunfund_app;
grant delete on session, sign_in_attempt, request_key to sunfund_app; -- only what has run out
