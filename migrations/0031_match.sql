-- Match (配捐): events with their rules and pools, what each gift earned, and what became of it. See docs/bookkeeping.md.
-- Everything about one event that is decided is decided under the book's posting lock.

-- One rule at a time, its pools, its counters. Several may be open for one campaign: layers of a city, a street, a firm.
create table match_event (
  book_id   int4 not null,
  event_id  int4 not null,
  code      text not null check (code ~ '^[a-z0-9-]{1,60}$'),
  name_zh   text not null check (length(name_zh) between 1 and 120),
  name_en   text not null check (length(name_en) between 1 and 120),
  state     text not null check (state in ('draft', 'open', 'closed', 'ended')), -- open: its gifts are decided as they are booked
  made_by   uuid not null,
  made_at   timestamptz not null,
  opened_at timestamptz,
  closed_at timestamptz,
  primary key (book_id, event_id),
  unique (book_id, code),
  check ((opened_at is null) = (state = 'draft') and (closed_at is null) = (state in ('draft', 'open')))
);
create index match_event_open on match_event (book_id, event_id) where state = 'open';

-- A version of its rule, in force for gifts paid from then on. hash is that of the terms' bytes.
create table match_rule (
  book_id      int4 not null,
  event_id     int4 not null,
  version      int4 not null check (version > 0),
  from_at      timestamptz not null,
  hash         bytea not null check (length(hash) = 32),
  terms        text not null check (length(terms) <= 262144),
  published_at timestamptz not null check (published_at <= from_at),
  by_person    uuid not null,
  second       uuid not null check (second <> by_person),
  primary key (book_id, event_id, version)
);

-- The secret of its draws: the commitment is public from the start, the seed after closing. Until then it is sealed.
create table match_seed (
  book_id     int4 not null,
  event_id    int4 not null,
  commitment  text not null check (commitment ~ '^[0-9a-f]{64}$'),
  sealed_by   text,
  sealed_key  bytea,
  sealed      bytea,
  seed        text check (seed ~ '^[0-9a-f]{64}$'),
  revealed_at timestamptz,
  primary key (book_id, event_id),
  check (num_nonnulls(sealed_by, sealed_key, sealed) = case when seed is null then 3 else 0 end
         and (seed is null) = (revealed_at is null))
);

-- promised: somebody outside has promised the money (E21). fund: it lies in a fund of the book and is reserved there.
create table match_pool (
  book_id int4 not null,
  event_id int4 not null,
  code    text not null check (code ~ '^[a-z0-9-]{1,40}$'),
  kind    text not null check (kind in ('promised', 'fund')),
  fund_id int4 not null, -- whose accounts keep it; the fund that the money lies in
  amount  int8 not null check (amount > 0), -- minor units of the book's currency
  funder  text not null default '', -- the pseudonym under which the funder would give in this event
  made_at timestamptz not null,
  primary key (book_id, event_id, code)
);

-- What the rule knew of a campaign, from its first gift on.
create table match_campaign (
  book_id      int4 not null,
  event_id     int4 not null,
  campaign_id  int4 not null,
  slug         text not null,
  organisation text not null,
  fund_id      int4 not null,
  goal         int8 not null,
  primary key (book_id, event_id, campaign_id)
);

-- What a gift earned from each pool, in the order of deciding. A gift that counted and earned nothing has one row without a pool;
-- reasons, draws and facts stand in its first row (part 0). seq is handed out under the book's lock.
create table match_award (
  book_id     int4 not null,
  event_id    int4 not null,
  seq         int8 not null,
  amount      int8 not null check (amount >= 0), -- minor units of the book's currency
  gift_id     uuid,   -- null: for the campaign, when all gifts are in
  entry_id    uuid,   -- that earned it
  campaign_id int4 not null,
  version     int4 not null,
  part        int2 not null,
  held        boolean not null,
  pool        text not null,
  slice       text not null,
  donor       text not null, -- a pseudonym of this event
  reasons     text not null,
  drawn       text not null, -- "label low high value", draws apart by a semicolon
  facts       text, -- what else the rule was told, as JSON
  primary key (book_id, event_id, seq),
  check ((amount > 0) = (pool <> '') and (entry_id is null) = (pool = ''))
);
create index match_award_gift on match_award (book_id, gift_id) where gift_id is not null;
create index match_award_held on match_award (book_id, event_id, seq) where held;

-- What became of an award afterwards. position is the last award's seq at that moment; changes, as JSON, is what the counters changed by with
-- all steps on one gift. Every refund of a gift that was decided is a step, also where it takes nothing.
create table match_step (
  book_id   int4 not null,
  event_id  int4 not null,
  number    int8 not null,
  kind      text not null check (kind in ('hold', 'release', 'refuse', 'refund', 'disallow')),
  seq       int8 not null,
  amount    int8 not null check (amount >= 0),
  position  int8 not null,
  to_pool   boolean not null, -- open to later gifts again
  entry_id  uuid,
  refund_id uuid,
  by_person uuid,
  second    uuid check (second <> by_person),
  reason    text not null check (length(reason) <= 400),
  changes   text not null default '',
  at        timestamptz not null,
  primary key (book_id, event_id, number),
  check ((amount > 0) = (entry_id is not null) and (amount > 0 or kind = 'refund') and (kind = 'refund') = (refund_id is not null)),
  foreign key (book_id, event_id, seq) references match_award (book_id, event_id, seq)
);
create index match_step_award on match_step (book_id, event_id, seq);

-- Money that came for a campaign's match, went back, or was left over: pool by pool.
create table match_payment (
  book_id     int4 not null,
  event_id    int4 not null,
  id          uuid not null,
  pool        text not null,
  campaign_id int4 not null, -- 0 for what is of no campaign
  kind        text not null check (kind in ('settled', 'clawed', 'clawed-own', 'returned', 'rolled')),
  amount      int8 not null check (amount > 0),
  day         date not null,
  bank_ref    text not null check (length(bank_ref) <= 80),
  entry_id    uuid not null,
  by_person   uuid not null,
  second      uuid not null check (second <> by_person),
  at          timestamptz not null,
  primary key (book_id, event_id, id, pool, campaign_id)
);

-- The counters of the rule's engine (match.Key): a projection of awards and steps. `sunfund verify` makes them anew and compares.
create table match_count (
  book_id  int4 not null,
  event_id int4 not null,
  kind     int2 not null,
  a        text not null,
  b        text not null,
  day      int4 not null, -- since 1970-01-01
  n        int8 not null,
  primary key (book_id, event_id, kind, a, b, day)
) with (fillfactor = 70);

-- People whose gifts are held: money of a funder was seen to come back to them.
create table match_circle (
  book_id  int4 not null,
  event_id int4 not null,
  donor    text not null,
  path     text not null check (length(path) <= 2000), -- of entries, as the walk found it
  found_at timestamptz not null,
  primary key (book_id, event_id, donor)
);

do $$
declare
  t text;
begin
  foreach t in array array['match_rule', 'match_campaign', 'match_award', 'match_step', 'match_payment', 'match_circle'] loop
    execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()', t || '_append_only', t);
    execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()', t || '_keep', t);
    execute format('grant select, insert on %I to sunfund_app', t);
  end loop;
  foreach t in array array['match_event', 'match_rule', 'match_seed', 'match_pool', 'match_campaign', 'match_award', 'match_step', 'match_payment',
                           'match_count', 'match_circle'] loop
    execute format('call raise_wall(%L)', t);
  end loop;
end
$$;

grant select, insert on match_event, match_seed, match_pool, match_count to sunfund_app;
grant update (name_zh, name_en, state, opened_at, closed_at) on match_event to sunfund_app;
grant update (sealed_by, sealed_key, sealed, seed, revealed_at) on match_seed to sunfund_app;
grant update (amount) on match_pool to sunfund_app;
grant update (n) on match_count to sunfund_app;
