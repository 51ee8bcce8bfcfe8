-- Statements held against the book: what is expected, what is matched, what is open, what is wrong. See docs/reconciliation.md.
-- Facts are append-only. open_line, open_ours and settlement are projections: they hold what is not matched, or sums of lines, and
-- follow from the facts. So a run costs what is new and what is open, not what is past.

-- Ids of what follows from other facts: the same on every server and in every order.
create function recon_id(what text) returns uuid language sql immutable parallel safe
  return encode(substring(sha256(convert_to(what, 'UTF8')) from 1 for 16), 'hex')::uuid;

-- What a processor has agreed to keep, and how long its money takes. The newest row on or before a day counts.
create table source_term (
  book_id     int4 not null,
  source_id   int4 not null,
  from_on     date not null,
  rate_ppm    int4 not null check (rate_ppm between 0 and 1000000), -- of a payment, halves up
  fixed       int8 not null check (fixed >= 0), -- of a payment, minor units of the account's currency
  dispute_fee int8 not null check (dispute_fee >= 0),
  settle_days int2 not null check (settle_days between 0 and 60), -- from the day of the trade to the day at the bank
  made_by     uuid not null,
  made_at     timestamptz not null,
  primary key (book_id, source_id, from_on),
  foreign key (book_id, source_id) references source_account (book_id, id)
);

-- Days on which banks do otherwise than from Monday to Friday.
create table bank_day (
  book_id int4 not null,
  day     date not null,
  open    bool not null,
  primary key (book_id, day)
);

-- Amounts from which a break is one, two, three levels graver, and below which a bank's fee is booked by itself. One row a book; none: the defaults.
create table recon_setting (
  book_id   int4 primary key,
  bands     int8[] not null check (cardinality(bands) = 3 and bands[1] > 0 and bands[2] > bands[1] and bands[3] > bands[2]), -- minor units of the book's currency
  fee_limit int8 not null check (fee_limit >= 0), -- a day
  made_by   uuid not null,
  made_at   timestamptz not null
);

-- Money that we expect to see move: written before it does.
create table expectation (
  book_id   int4 not null,
  id        uuid not null,
  kind      text not null check (kind in ('disbursement', 'deposit', 'refund')),
  key       text not null check (length(key) between 1 and 80), -- our number; for a disbursement that of its order
  ref       text not null check (length(ref) <= 80),  -- what the bank line repeats: the end-to-end id
  batch     text not null check (length(batch) <= 80), -- of several that leave in one line; empty: alone
  source_id int4,           -- where it is to move; null: any bank account of the currency
  amount    int8 not null check (amount <> 0), -- minor units of ccy; negative is money out
  ccy       char(3) not null,
  day       date not null,  -- of its approval
  due_on    date not null,  -- after it, it is late
  origin    uuid,           -- the entry or record it comes from
  made_by   uuid not null,
  made_at   timestamptz not null,
  primary key (book_id, id),
  unique (book_id, kind, key)
);

-- A day's or a payout's money on its way from a processor to the bank: a sum of lines.
create table settlement (
  book_id   int4 not null,
  id        uuid not null, -- hash of source and key
  source_id int4 not null,
  key       text not null, -- the day of the trade, or the payout's number
  amount    int8 not null,
  ccy       char(3) not null,
  lines     int4 not null,
  day       date not null, -- of the trade; of a payout the day it should arrive
  due_on    date not null,
  members   int8 not null default 0, -- what its lines add up to, where it was told of itself: a payout, a withdrawal
  told      bool not null default false,
  primary key (book_id, id),
  unique (book_id, source_id, key)
);

create index settlement_odd on settlement (book_id) where told and lines > 0 and members <> amount;

-- A run. inputs is what it had seen of the book: the snapshot of its transaction.
create table recon_run (
  book_id  int4 not null,
  no       int4 not null,
  id       bytea not null check (length(id) = 32), -- hash of book, as_of, what was new, rules
  as_of    timestamptz not null,
  rules    int4 not null,
  inputs   pg_snapshot not null,
  channels int2[] not null, -- whose gifts it looked at
  files    int4 not null,
  lines    int8 not null, -- looked at: new and open
  ours     int8 not null,
  matched  int8 not null,
  proposed int4 not null,
  raised   int4 not null,
  cleared  int4 not null,
  started  timestamptz not null,
  finished timestamptz not null,
  primary key (book_id, no),
  unique (book_id, id)
);

alter table source_file add column run_no int4; -- the run that took its lines
create index source_file_waits on source_file (book_id, id) where state = 'imported' and run_no is null;
create index ext_line_file on ext_line (book_id, file_id);

-- Which of ours goes with which line. A row of both sides is a match of one with one, found by key: its group's id is the hash of its rule and
-- members. Of a group of several each row has one side. live falls when the match is revoked, and never rises.
create table recon_member (
  book_id   int4 not null,
  source_id int4 not null,
  part      int2 not null, -- 0 the money, 1 the fee in a bill that tells it apart, 2 the payout in the balance
  rule      int2 not null,
  run_no    int4 not null, -- 0: a person
  no        int4 not null, -- in the run
  group_id  uuid,
  ours      uuid,
  line_key  bytea,
  kind      int2,          -- of ours: 1 gift, 2 refund, 3 expectation, 4 settlement
  amount    int8 not null, -- allocated, minor units of the account's currency
  live      bool not null default true,
  primary key (book_id, run_no, no),
  check (ours is not null or line_key is not null),
  check (group_id is not null or ours is not null and line_key is not null),
  check ((ours is null) = (kind is null))
);
create unique index recon_member_line on recon_member (book_id, source_id, line_key) where live and line_key is not null;
create unique index recon_member_ours on recon_member (book_id, ours, source_id, part) where live and ours is not null;
create index recon_member_dead on recon_member (book_id, source_id, line_key) where not live;
create index recon_member_group on recon_member (book_id, group_id) where group_id is not null;

-- A group of several, a proposal, or what a person matched.
create table recon_group (
  book_id     int4 not null,
  id          uuid not null, -- hash of rule and members
  rule        int2 not null,
  rule_ver    int2 not null,
  cardinality text not null check (cardinality in ('1:1', '1:N', 'N:1', 'N:M')),
  score       int2 not null check (score between 0 and 100), -- explains, decides nothing
  ambiguous   bool not null,
  run_no      int4 not null,
  source_id   int4 not null,
  amount      int8 not null,
  ours        uuid[] not null,
  kinds       int2[] not null,
  lines       bytea[] not null,
  rejected    jsonb, -- candidates that it was preferred to, and why
  state       text not null check (state in ('proposed', 'confirmed', 'rejected', 'revoked')), -- the last event's
  primary key (book_id, id)
);
create index recon_group_open on recon_group (book_id, run_no) where state = 'proposed';

create table recon_event (
  book_id  int4 not null,
  group_id uuid not null, -- of a group, or derived from a match of one with one
  seq      int4 not null check (seq > 0),
  state    text not null check (state in ('proposed', 'confirmed', 'rejected', 'revoked')),
  actor    uuid not null,
  reason   text not null check (length(reason) <= 400),
  evidence bytea,
  at       timestamptz not null,
  primary key (book_id, group_id, seq)
);

-- What is open. A line that no run has matched; ours that no line has been found for.
create table open_line (
  book_id   int4 not null,
  source_id int4 not null,
  line_key  bytea not null,
  state     text not null check (state in ('timing', 'proposed', 'break')),
  since     timestamptz not null,
  primary key (book_id, source_id, line_key)
);
create table open_ours (
  book_id   int4 not null,
  id        uuid not null,
  kind      int2 not null,
  channel   int2 not null, -- of a gift or refund; 0: at a bank
  source_id int4 not null, -- of a settlement, or an expectation that names it; 0: any
  ref       text not null,
  batch     text not null,
  amount    int8 not null, -- signed
  ccy       char(3) not null,
  fee       int8 not null,
  at        timestamptz not null,
  day       date not null,
  due_on    date not null,
  state     text not null check (state in ('timing', 'proposed', 'break')),
  since     timestamptz not null,
  primary key (book_id, id)
);

-- What does not fit, by name.
create table break_item (
  book_id    int4 not null,
  id         uuid not null, -- hash of key
  key        text not null check (length(key) <= 300),
  type       text not null check (type ~ '^B(0[1-9]|1[0-7])$'),
  source_id  int4,
  amount     int8 not null,
  ccy        char(3) not null,
  day        date not null,
  ours       uuid[] not null,
  lines      bytea[] not null, -- keys of lines of source_id
  files      uuid[] not null,
  note       text not null, -- for machines: what was compared with what
  first_seen timestamptz not null,
  due_at     timestamptz not null,
  run_no     int4 not null,
  state      text not null check (state in ('open', 'assigned', 'proposed', 'approved', 'posted', 'closed', 'self-cleared', 'accepted')), -- the last event's
  owner      uuid,
  ended_at   timestamptz,
  primary key (book_id, id)
);
create index break_item_open on break_item (book_id, type, first_seen) where ended_at is null;
create index break_item_seen on break_item (book_id, first_seen);
create index break_item_halt on break_item (book_id) where type = 'B14' and ended_at is null;

create table break_event (
  book_id  int4 not null,
  break_id uuid not null,
  seq      int4 not null check (seq > 0),
  state    text not null check (state in ('open', 'assigned', 'noted', 'proposed', 'approved', 'posted', 'closed', 'self-cleared', 'accepted', 'reopened')),
  actor    uuid not null,
  owner    uuid,
  note     text not null check (length(note) <= 2000),
  evidence bytea,
  at       timestamptz not null,
  primary key (book_id, break_id, seq)
);

-- What was booked to put a break right.
create table correction (
  book_id  int4 not null,
  key      text not null check (key ~ '^recon:'), -- recon:BREAK:ACTION
  break_id uuid not null,
  action   text not null,
  entry_id uuid,
  mode     text not null check (mode in ('auto', 'approved')),
  maker    uuid not null,
  checker  uuid,
  evidence jsonb not null,
  at       timestamptz not null,
  primary key (book_id, key),
  constraint correction_second_person check ((mode = 'approved') = (checker is not null) and checker is distinct from maker)
);
create index expectation_ref on expectation (book_id, ref) where ref <> '';
create index refund_processor_ref on refund (book_id, processor_ref) where processor_ref is not null;
create index correction_break on correction (book_id, break_id);

create function refuse_rise() returns trigger language plpgsql as $$
begin
  if old.live and not new.live and (to_jsonb(new) - 'live') = (to_jsonb(old) - 'live') then
    return new;
  end if;
  raise exception 'a match is only ever revoked' using errcode = 'integrity_constraint_violation';
end
$$;
create trigger recon_member_falls before update on recon_member for each row execute function refuse_rise();
create trigger recon_member_keep before delete on recon_member for each row execute function refuse_change();

do $$
declare
  t text;
begin
  foreach t in array array['source_term', 'expectation', 'recon_run', 'recon_event', 'break_event', 'correction'] loop
    execute format('create trigger %1$s_append_only before update or delete on %1$s for each row execute function refuse_change()', t);
    execute format('create trigger %1$s_keep before truncate on %1$s for each statement execute function refuse_change()', t);
  end loop;
  foreach t in array array['recon_group', 'break_item'] loop
    execute format('create trigger %1$s_keep before delete on %1$s for each row execute function refuse_change()', t);
  end loop;
  foreach t in array array['source_term', 'bank_day', 'recon_setting', 'expectation', 'settlement', 'recon_run', 'recon_member', 'recon_group', 'recon_event', 'open_line',
    'open_ours', 'break_item', 'break_event', 'correction'] loop
    execute format('call raise_wall(%L)', t);
  end loop;
end
$$;

grant select, insert on source_term, bank_day, recon_setting, expectation, settlement, recon_run, recon_member, recon_group, recon_event, open_line, open_ours, break_item,
  break_event, correction to sunfund_app;
grant update (run_no) on source_file to sunfund_app;
grant update (open) on bank_day to sunfund_app;
grant update on recon_setting to sunfund_app;
grant update (amount, lines, members, told, due_on) on settlement to sunfund_app;
grant update (live) on recon_member to sunfund_app;
grant update (state) on recon_group to sunfund_app;
grant update (state, owner, ended_at) on break_item to sunfund_app;
grant update (state) on open_line to sunfund_app;
grant update (state) on open_ours to sunfund_app;
grant update (amount, due_on) on open_ours to sunfund_app;
grant delete on open_line, open_ours to sunfund_app;
