-- The book: funds, accounts, entries, postings and what is derived from them.
-- Shapes, column order and keys were measured; see docs/development.md before changing one.
-- book_id leads every key, so that a book can move to another server.

do $$
begin
  if not exists (select from pg_roles where rolname = 'sunfund_app') then
    create role sunfund_app nologin;
  end if;
exception when duplicate_object or unique_violation then
  null; -- another database of this cluster migrated at the same moment
end
$$;

revoke all on schema public from public;
grant usage on schema public to sunfund_app;

-- One association's set of books. The only table that is not inside a book: it is the list of them.
create table book (
  book_id    int4 primary key,
  code       text not null unique check (code ~ '^[a-z0-9-]{1,40}$'),
  host       text unique,
  name_zh    text not null,
  name_en    text not null,
  regime     text not null check (regime in ('cn2026', 'cn2004')),
  ccy        char(3) not null,
  time_zone  text not null,
  -- Encrypts entry ids into the references that the public sees.
  ref_key    bytea not null check (length(ref_key) = 16),
  sandbox    boolean not null,
  created_at timestamptz not null default now()
);

create table street (
  book_id   int4 not null,
  street_id int4 not null,
  code      text not null,
  name_zh   text not null,
  name_en   text not null,
  primary key (book_id, street_id),
  unique (book_id, code)
);

create table fund (
  book_id    int4 not null,
  fund_id    int4 not null,
  code       text not null check (code ~ '^[A-Za-z0-9-]{1,40}$'),
  kind       text not null check (kind in ('general', 'designated', 'restricted', 'subsidy', 'endowment', 'agency')),
  name_zh    text not null,
  name_en    text not null,
  purpose_zh text not null default '',
  purpose_en text not null default '',
  street_id  int4,
  fee_bearer text not null default 'general' check (fee_bearer in ('general', 'fund', 'donor')),
  created_at timestamptz not null default now(),
  primary key (book_id, fund_id),
  unique (book_id, code),
  foreign key (book_id, street_id) references street (book_id, street_id)
);

-- A leaf: chart account x fund x currency x what else the money is tagged with. Made on first use, never renamed.
create table account (
  book_id    int4 not null,
  account_id int4 not null,
  fund_id    int4 not null,
  unit       int2 not null, -- ISO 4217 number of the currency, plus 1000 on memo accounts
  chart      text not null,
  ccy        char(3) not null,
  dims       jsonb not null,
  leaf       uuid not null, -- hash of (chart, fund, currency, dims): the one way to find it
  -- Row level security keeps what is not leakproof, such as ->>, away from indexes.
  campaign   text generated always as (dims ->> 'campaign') stored,
  primary key (book_id, account_id),
  unique (book_id, leaf),
  foreign key (book_id, fund_id) references fund (book_id, fund_id)
);
create index account_fund on account (book_id, fund_id, chart);
create index account_campaign on account (book_id, campaign) where campaign is not null;

-- What an account holds now. Debit positive. floor and ceiling guard it.
create table balance (
  book_id    int4 not null,
  account_id int4 not null,
  balance    int8 not null,
  seq        int8 not null, -- postings so far: the last posting's seq
  debits     int8 not null, -- how many of them are debits
  floor      int8,
  ceiling    int8,
  primary key (book_id, account_id),
  constraint balance_floor check (balance >= floor),
  constraint balance_ceiling check (balance <= ceiling)
) with (fillfactor = 50);

-- Sums per account and the day the entries belong to.
create table turnover (
  book_id    int4 not null,
  account_id int4 not null,
  day        date not null,
  debit      int8 not null,
  credit     int8 not null,
  primary key (book_id, account_id, day)
) with (fillfactor = 50);

create table entry (
  book_id      int4 not null,
  effective_on date not null,
  id           uuid not null,
  recorded_at  timestamptz not null default now(),
  xid          xid8 not null default pg_current_xact_id(),
  key          uuid not null,
  body_hash    bytea not null check (length(body_hash) = 32),
  actor        uuid not null,
  kind         int2 not null,
  reverses     uuid,
  accounts     int4[] not null,
  seqs         int8[] not null,
  primary key (book_id, id),
  unique (book_id, key),
  check (cardinality(accounts) >= 2 and cardinality(accounts) = cardinality(seqs))
);
create index entry_xid on entry (book_id, xid, id);
create unique index entry_reverses on entry (book_id, reverses) where reverses is not null;

-- No foreign keys here, on entry or on gift: they cost two to four times; `sunfund verify` proves what they would.
create table posting (
  book_id       int4 not null,
  account_id    int4 not null,
  seq           int8 not null,
  entry_id      uuid not null,
  amount        int8 not null, -- minor units, debit positive
  balance_after int8 not null,
  fund_id       int4 not null,
  line          int2 not null,
  unit          int2 not null, -- as in account
  primary key (book_id, account_id, seq)
);

-- The words of an entry that somebody wrote or a document caused. Gifts have none: their gift row tells all.
create table document (
  book_id     int4 not null,
  entry_id    uuid not null,
  month       date not null check (extract(day from month) = 1),
  number      int4 not null, -- 记字第 n 号, counted per book and month without a gap
  summary     text not null check (length(summary) between 1 and 400),
  source_kind text not null,
  source_ref  text not null default '',
  reason      text not null default '',
  attachments int2 not null default 0 check (attachments between 0 and 999),
  made_by     text not null,
  checked_by  text,
  primary key (book_id, entry_id),
  unique (book_id, month, number),
  constraint document_second_person check (checked_by <> made_by)
);
create index document_source on document (book_id, source_kind, source_ref);

-- A month of a book. Missing means open.
create table period (
  book_id int4 not null,
  month   date not null check (extract(day from month) = 1),
  state   text not null default 'open' check (state in ('open', 'soft', 'hard')),
  primary key (book_id, month)
);

create table fx_rate (
  book_id int4 not null,
  ccy     char(3) not null,
  day     date not null,
  rate    numeric not null check (rate > 0), -- base currency for one unit of ccy
  primary key (book_id, ccy, day)
);

-- Triggers only refuse.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op
    using errcode = 'integrity_constraint_violation', hint = 'correct by a reversal';
end
$$;

create function check_entry_balances() returns trigger language plpgsql as $$
declare
  bad record;
begin
  select p.entry_id, p.fund_id, p.unit, sum(p.amount) as rest into bad
    from added p
   group by p.book_id, p.entry_id, p.fund_id, p.unit
  having sum(p.amount) <> 0
   limit 1;
  if found then
    raise exception 'entry % does not balance in fund %, unit %: %', bad.entry_id, bad.fund_id, bad.unit, bad.rest
      using errcode = 'check_violation', constraint = 'entry_balances';
  end if;
  return null;
end
$$;

create function check_period_open() returns trigger language plpgsql as $$
declare
  closed date;
begin
  select p.month into closed
    from (select distinct book_id, date_trunc('month', effective_on)::date as month from added) a
    join period p on p.book_id = a.book_id and p.month = a.month
   where p.state = 'hard'
   limit 1;
  if found then
    raise exception 'period % is closed', closed using errcode = 'check_violation', constraint = 'period_open';
  end if;
  return null;
end
$$;

create trigger posting_balances after insert on posting
  referencing new table as added for each statement execute function check_entry_balances();
create trigger entry_period after insert on entry
  referencing new table as added for each statement execute function check_period_open();

create trigger entry_append_only before update or delete on entry for each row execute function refuse_change();
create trigger posting_append_only before update or delete on posting for each row execute function refuse_change();
create trigger document_append_only before update or delete on document for each row execute function refuse_change();
create trigger account_append_only before update or delete on account for each row execute function refuse_change();
create trigger period_stays_closed before update on period for each row
  when (old.state = 'hard' and new.state <> 'hard') execute function refuse_change();
create trigger period_keep before delete on period for each row execute function refuse_change();
create trigger entry_keep before truncate on entry for each statement execute function refuse_change();
create trigger posting_keep before truncate on posting for each statement execute function refuse_change();
create trigger document_keep before truncate on document for each statement execute function refuse_change();
create trigger account_keep before truncate on account for each statement execute function refuse_change();

grant select on all tables in schema public to sunfund_app;
grant insert on book, street, fund, account, balance, turnover, entry, posting, document, period, fx_rate to sunfund_app;
grant update on balance, turnover, period to sunfund_app;
