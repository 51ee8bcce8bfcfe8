-- Stripe: the books follow the processor's balance, row by row. See docs/payments.md.

-- Why money of a gift went back: the donor's side, our own fault, or a dispute that was lost.
alter table refund add column cause text not null default 'outside' check (cause in ('outside', 'own', 'dispute'));

-- A refund that the processor could not carry out: its entry is reversed, the gift is whole again.
create table refund_failure (
  book_id   int4 not null,
  refund_id uuid not null,
  entry_id  uuid not null, -- the reversal
  failed_at timestamptz not null,
  reason    text not null,
  primary key (book_id, refund_id)
);
create trigger refund_failure_append_only before update or delete on refund_failure for each row execute function refuse_change();
create trigger refund_failure_keep before truncate on refund_failure for each statement execute function refuse_change();

-- Events of another version, account or mode are kept apart.
alter table inbox drop constraint inbox_state_check;
alter table inbox add constraint inbox_state_check check (state in ('new', 'done', 'refused', 'quarantined'));
create index inbox_apart on inbox (book_id, received_at) where state in ('refused', 'quarantined');

-- The payment page of a started gift at a processor outside.
create table checkout_session (
  book_id    int4 not null,
  gift_id    uuid not null,
  processor  text not null,
  session    text not null,
  url        text not null,
  charged    int8 not null check (charged > 0), -- minor units of the gift's currency, what covers the fee included
  state      text not null default 'open' check (state in ('open', 'pending', 'paid', 'failed')),
  created_at timestamptz not null,
  primary key (book_id, gift_id),
  unique (book_id, processor, session)
);
create index checkout_session_open on checkout_session (book_id, created_at) where state in ('open', 'pending');

-- One row of the processor's balance, booked once. Amounts are minor units of the book's currency; net is amount less fee.
create table processor_txn (
  book_id     int4 not null,
  processor   text not null,
  txn         text not null,
  category    text not null,
  source      text not null, -- the charge, refund, dispute or payout behind it
  gift_id     uuid,
  entry_id    uuid not null, -- of the principal; the fee of gifts and refunds is in an entry of many
  amount      int8 not null,
  fee         int8 not null,
  net         int8 not null check (net = amount - fee),
  happened_at timestamptz not null,
  booked_at   timestamptz not null,
  funds       int4[] not null, -- whose money it moved,
  nets        int8[] not null, -- and by how much: together the net
  primary key (book_id, processor, txn),
  check (cardinality(funds) = cardinality(nets))
);
create index processor_txn_source on processor_txn (book_id, processor, source);
create trigger processor_txn_append_only before update or delete on processor_txn for each row execute function refuse_change();
create trigger processor_txn_keep before truncate on processor_txn for each statement execute function refuse_change();

create table dispute (
  book_id   int4 not null,
  processor text not null,
  dispute   text not null,
  gift_id   uuid not null,
  amount    int8 not null, -- minor units of ccy, the gift's currency
  ccy       char(3) not null,
  withdrawn int8 not null, -- minor units of the book's currency that the processor holds back now
  cover     int8 not null, -- of it, what the donor had paid on top for the fee
  fee       int8 not null, -- minor units of the book's currency
  reason    text not null,
  state     text not null check (state in ('inquiry', 'open', 'won', 'lost')),
  opened_at timestamptz not null,
  due_by    timestamptz,
  closed_at timestamptz,
  primary key (book_id, processor, dispute)
);
create index dispute_gift on dispute (book_id, gift_id);

create table payout (
  book_id    int4 not null,
  processor  text not null,
  payout     text not null,
  amount     int8 not null, -- minor units of the book's currency
  state      text not null check (state in ('created', 'paid', 'failed')),
  complete   boolean not null, -- the processor says its list of members is
  arrives_on date not null,
  created_at timestamptz not null,
  landed     uuid, -- the entry of its arrival
  primary key (book_id, processor, payout)
);
create index payout_open on payout (book_id, created_at) where state = 'created';

-- Which rows a payout pays out.
create table payout_member (
  book_id   int4 not null,
  processor text not null,
  payout    text not null,
  txn       text not null,
  primary key (book_id, processor, payout, txn),
  unique (book_id, processor, txn)
);
create trigger payout_member_append_only before update or delete on payout_member for each row execute function refuse_change();
create trigger payout_member_keep before truncate on payout_member for each statement execute function refuse_change();

-- Up to when the processor's balance was looked through by ourselves.
create table processor_sweep (
  book_id   int4 not null,
  processor text not null,
  swept_to  timestamptz not null,
  swept_at  timestamptz not null,
  problem   text not null default '',
  primary key (book_id, processor)
);

call raise_wall('refund_failure');
call raise_wall('checkout_session');
call raise_wall('processor_txn');
call raise_wall('dispute');
call raise_wall('payout');
call raise_wall('payout_member');
call raise_wall('processor_sweep');

grant select, insert on refund_failure, checkout_session, processor_txn, dispute, payout, payout_member, processor_sweep to sunfund_app;
grant update on checkout_session, dispute, payout, processor_sweep to sunfund_app;
