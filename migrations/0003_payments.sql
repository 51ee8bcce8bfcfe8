-- Money in and out of the world: what processors tell us, stored once before anything is done about it.

create table processor (
  book_id        int4 not null,
  code           text not null check (code in ('sandbox')),
  webhook_secret bytea not null check (length(webhook_secret) >= 32),
  old_secret     bytea check (length(old_secret) >= 32), -- still accepted while a new one is rolled out
  primary key (book_id, code)
);

create table inbox (
  book_id         int4 not null,
  id              uuid not null,
  processor       text not null,
  event_id        text not null,
  kind            text not null,
  received_at     timestamptz not null default now(),
  body            bytea not null,
  state           text not null default 'new' check (state in ('new', 'done', 'refused')),
  attempts        int4 not null default 0,
  next_attempt_at timestamptz not null default now(),
  problem         text not null default '',
  done_at         timestamptz,
  primary key (book_id, id),
  unique (book_id, processor, event_id)
);
create index inbox_waiting on inbox (book_id, next_attempt_at) where state = 'new';

-- The sandbox processor's own memory. Nothing in the books reads it.
create table sandbox_session (
  book_id     int4 not null,
  id          uuid not null,
  gift_id     uuid not null,
  amount      int8 not null,
  fee         int8 not null,
  ccy         char(3) not null,
  title       text not null,
  return_url  text not null,
  state       text not null default 'open' check (state in ('open', 'pending', 'succeeded', 'failed')),
  charge      text not null,
  created_at  timestamptz not null,
  decided_at  timestamptz,
  primary key (book_id, id),
  unique (book_id, gift_id)
);

-- Events the sandbox has still to deliver, retried until our webhook answers 200.
create table sandbox_delivery (
  book_id         int4 not null,
  id              uuid not null,
  event_id        text not null,
  body            bytea not null,
  next_attempt_at timestamptz not null,
  attempts        int4 not null default 0,
  delivered_at    timestamptz,
  primary key (book_id, id)
);
create index sandbox_delivery_waiting on sandbox_delivery (book_id, next_attempt_at) where delivered_at is null;

grant select, insert on processor, inbox, sandbox_session, sandbox_delivery to sunfund_app;
grant update (webhook_secret, old_secret) on processor to sunfund_app;
grant update on inbox, sandbox_session, sandbox_delivery to sunfund_app;
