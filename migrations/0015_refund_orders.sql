-- A refund before it is booked: asked for, approved, sent. Its id is the idempotency key at the processor, so that no money is
-- sent twice; what has moved is in the table refund, under ref.
create table refund_order (
  book_id         int4 not null,
  id              uuid not null,
  gift_id         uuid not null,
  amount          int8 not null check (amount > 0), -- minor units of ccy, the gift's currency
  ccy             char(3) not null,
  reason          text not null,
  note            text not null default '',
  by_donor        boolean not null,
  state           text not null check (state in ('asked', 'requested', 'approved', 'sent', 'succeeded', 'failed', 'declined')),
  ref             text not null default '', -- of the refund at the processor
  asked_at        timestamptz not null,
  sent_at         timestamptz,
  ended_at        timestamptz,
  attempts        int4 not null default 0,
  next_attempt_at timestamptz not null,
  problem         text not null default '',
  primary key (book_id, id)
);
create index refund_order_gift on refund_order (book_id, gift_id);
create index refund_order_waiting on refund_order (book_id, next_attempt_at) where state in ('approved', 'sent');
create index refund_order_open on refund_order (book_id, asked_at) where state in ('asked', 'requested', 'approved', 'sent');
create unique index refund_order_asked on refund_order (book_id, gift_id) where state = 'asked';

call raise_wall('refund_order');
grant select, insert on refund_order to sunfund_app;
grant update on refund_order to sunfund_app;
