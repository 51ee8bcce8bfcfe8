-- Card testing: who began and whose payments failed, counted for minutes, and how the book defends itself. See docs/payments.md.
-- Subjects are keyed hashes; nothing here is a fact of the books.

-- Where a started gift came from, so that what the processor says of it later counts there.
create table card_source (
  book_id  int4 not null,
  gift_id  uuid not null,
  session  int8 not null, -- the form
  address  int8 not null, -- a network of 256 addresses, or a /64
  email    int8,
  campaign int8 not null,
  begun_at timestamptz not null,
  primary key (book_id, gift_id)
);
create index card_source_old on card_source (book_id, begun_at);

create table card_count (
  book_id     int4 not null,
  kind        text not null check (kind in ('address', 'campaign', 'email', 'session')),
  subject     int8 not null,
  begun       int4 not null default 0 check (begun >= 0),
  failed      int4 not null default 0 check (failed >= 0),
  paid        int4 not null default 0 check (paid >= 0),
  window_ends timestamptz not null,
  primary key (book_id, kind, subject)
);
create index card_count_old on card_count (book_id, window_ends);

-- What became of the payments of the whole book, by the quarter of a minute.
create table card_slot (
  book_id int4 not null,
  slot    timestamptz not null,
  failed  int4 not null check (failed >= 0),
  paid    int4 not null check (paid >= 0),
  primary key (book_id, slot)
);

-- The circuit breaker: the last alarm, with the figures that raised it.
create table card_defence (
  book_id    int4 primary key,
  paused_to  timestamptz not null, -- until then no cards,
  guarded_to timestamptz not null, -- until then everybody answers a challenge
  raised_at  timestamptz not null,
  counted_at timestamptz not null, -- what was before counts no more: somebody lifted the alarm
  failed     int4 not null,
  paid       int4 not null
);

call raise_wall('card_source');
call raise_wall('card_count');
call raise_wall('card_slot');
call raise_wall('card_defence');
grant select, insert, delete on card_source, card_count, card_slot to sunfund_app; -- what has run out is deleted
grant update on card_count, card_slot, card_defence to sunfund_app;
grant select, insert on card_defence to sunfund_app;
