-- Monthly and yearly giving by card: the processor charges by itself. What the donor wants stands here, and what the processor was
-- told beside it; a worker tells until both are the same.

alter table plan
  add column way          text not null default 'letter' check (way in ('letter', 'card')),
  add column every        text not null default 'month' check (every in ('month', 'year')),
  add column processor    text not null default '' check (processor in ('', 'stripe', 'sandbox')),
  add column subscription text not null default '', -- the processor's number of it; empty until it is opened
  add column customer     text not null default '',
  add column failing      boolean not null default false, -- the last charge failed and is tried again
  add column card_at      timestamptz,                    -- when the donor put another card
  add column told_state   text not null default '',       -- empty: nobody knows what the processor has heard
  add column told_amount  int8 not null default 0,
  add column tells        int4 not null default 0,
  add column tell_at      timestamptz not null default '-infinity';
alter table plan drop constraint plan_reason_check;
alter table plan add constraint plan_reason_check
  check (reason in ('', 'donor', 'missed', 'campaign', 'erased', 'unpaid', 'card', 'processor'));
alter table plan add constraint plan_subscription_check check (way = 'card' or subscription = '');
create unique index plan_subscription on plan (book_id, processor, subscription) where subscription <> '';
create index plan_card on plan (book_id, next_on) where way = 'card' and state in ('active', 'paused');

-- What a processor asked of a card, by its invoice. Amounts are minor units of ccy, what covers the fee included. Paid stays paid.
create table plan_charge (
  book_id    int4 not null,
  plan_id    uuid not null,
  invoice    text not null,
  amount     int8 not null check (amount > 0),
  ccy        char(3) not null,
  state      text not null check (state in ('paid', 'failed')),
  tries      int4 not null check (tries >= 0),
  next_try   timestamptz,
  asked_at   timestamptz not null,
  gift_id    uuid,
  primary key (book_id, plan_id, invoice),
  foreign key (book_id, plan_id) references plan (book_id, id),
  check ((state = 'paid') = (gift_id is not null))
);

-- The letter before a yearly charge, once.
create table plan_notice (
  book_id int4 not null,
  plan_id uuid not null,
  due_on  date not null,
  sent_at timestamptz not null,
  primary key (book_id, plan_id, due_on),
  foreign key (book_id, plan_id) references plan (book_id, id)
);
create trigger plan_notice_append_only before update or delete on plan_notice for each row execute function refuse_change();
create trigger plan_notice_keep before truncate on plan_notice for each statement execute function refuse_change();

alter table private.letter drop constraint letter_kind_check;
alter table private.letter add constraint letter_kind_check
  check (kind in ('sign_in', 'receipt', 'reminder', 'stopped', 'refund_declined', 'failing', 'upcoming'));

-- What a book asks of gifts, and when it writes before a yearly charge. Minor units of the book's currency.
create table giving_rule (
  book_id     int4 primary key,
  gift_min    int8 not null default 0 check (gift_min >= 0),
  notice_days int2 not null default 7 check (notice_days between 1 and 60)
);

-- Foreign currencies that the gift form takes, with their own limits in minor units of ccy.
create table gift_currency (
  book_id  int4 not null,
  ccy      char(3) not null,
  gift_min int8 not null check (gift_min > 0),
  gift_max int8 not null check (gift_max >= gift_min),
  primary key (book_id, ccy)
);

call raise_wall('plan_charge');
call raise_wall('plan_notice');
call raise_wall('giving_rule');
call raise_wall('gift_currency');

grant update (processor, subscription, customer, failing, card_at, told_state, told_amount, tells, tell_at) on plan to sunfund_app;
grant select, insert, update on plan_charge to sunfund_app;
grant select, insert on plan_notice to sunfund_app;
grant select, insert, update on giving_rule, gift_currency to sunfund_app;
grant delete on gift_currency to sunfund_app;
