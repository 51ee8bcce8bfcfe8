-- Campaigns and gifts.

create table campaign (
  book_id     int4 not null,
  campaign_id int4 not null,
  fund_id     int4 not null,
  slug        text not null check (slug ~ '^[a-z0-9-]{1,60}$'),
  title_zh    text not null,
  title_en    text not null,
  summary_zh  text not null,
  summary_en  text not null,
  story_zh    text not null,
  story_en    text not null,
  theme       text not null default '',
  filing_no   text not null default '',
  ccy         char(3) not null,
  goal        int8 not null check (goal > 0),
  gift_min    int8 not null check (gift_min > 0),
  gift_max    int8 not null check (gift_max >= gift_min),
  presets     int8[] not null,
  opens_at    timestamptz not null,
  closes_at   timestamptz not null check (closes_at > opens_at),
  state       text not null default 'published' check (state in ('draft', 'published', 'closed')),
  created_at  timestamptz not null default now(),
  primary key (book_id, campaign_id),
  unique (book_id, slug),
  foreign key (book_id, fund_id) references fund (book_id, fund_id)
);

-- Personal data, apart from the books: a donor can be erased without touching an entry.
create table donor (
  book_id    int4 not null,
  id         uuid not null,
  name       text not null default '',
  email      text not null default '',
  created_at timestamptz not null default now(),
  primary key (book_id, id)
);

-- A gift that is started: a form was sent, no money has moved. Its id becomes the gift's and the entry's.
create table checkout (
  book_id      int4 not null,
  id           uuid not null,
  campaign_id  int4 not null,
  amount       int8 not null check (amount > 0),
  created_at   timestamptz not null,
  ended_at     timestamptz,
  channel      int2 not null,
  anonymity    int2 not null,
  ccy          char(3) not null,
  state        text not null default 'started' check (state in ('started', 'pending', 'failed', 'paid')),
  lang         text not null,
  form_id      uuid not null, -- the same form sent twice is one gift
  donor_id     uuid,
  message      text not null default '',
  primary key (book_id, id),
  unique (book_id, form_id)
);
create index checkout_pending on checkout (book_id, campaign_id) where state = 'pending';

-- A paid gift, inserted once. id is the id of the entry that books it.
create table gift (
  book_id       int4 not null,
  id            uuid not null,
  campaign_id   int4 not null,
  fund_id       int4 not null,
  amount        int8 not null check (amount > 0), -- minor units of ccy
  fee           int8 not null default 0,          -- minor units of the book's currency, kept by the processor
  paid_at       timestamptz not null,
  channel       int2 not null,
  anonymity     int2 not null, -- 0 named, 1 anonymous
  ccy           char(3) not null,
  ref           text not null, -- under which it reached us: the processor's charge, or the number in an imported file
  processor_ref text,          -- the processor's own number, where ref is not it
  donor_id      uuid,
  message       text,
  primary key (book_id, id),
  unique (book_id, channel, ref)
);
create index gift_campaign on gift (book_id, campaign_id, id);
create index gift_donor on gift (book_id, donor_id, id) where donor_id is not null;
create index gift_processor_ref on gift (book_id, processor_ref) where processor_ref is not null;

-- Money given back, in whole or in part. id is its entry's.
create table refund (
  book_id       int4 not null,
  id            uuid not null,
  gift_id       uuid not null,
  amount        int8 not null check (amount > 0),
  fee           int8 not null default 0, -- minor units of the book's currency: kept by the processor; negative when given back
  refunded_at   timestamptz not null,
  channel       int2 not null,
  ccy           char(3) not null,
  ref           text not null,
  processor_ref text,
  primary key (book_id, id),
  unique (book_id, channel, ref)
);
create index refund_gift on refund (book_id, gift_id);

create trigger gift_append_only before update or delete on gift for each row execute function refuse_change();
create trigger gift_keep before truncate on gift for each statement execute function refuse_change();
create trigger refund_append_only before update or delete on refund for each row execute function refuse_change();
create trigger refund_keep before truncate on refund for each statement execute function refuse_change();

grant select, insert on campaign, donor, checkout, gift, refund to sunfund_app;
grant update on campaign, donor, checkout to sunfund_app;
