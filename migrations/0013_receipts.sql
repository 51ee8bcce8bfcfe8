-- Donation receipts (公益事业捐赠票据, 财综〔2024〕1号): numbers come in ranges that the finance department allots, and are
-- used one after the other. A receipt stands as issued; what is wrong with it is said by a void and by its successor.

create table receipt_range (
  book_id      int4 not null,
  range_id     int4 not null,
  code         text not null check (code ~ '^[0-9A-Z]{4,20}$'), -- 票据代码
  first_number int8 not null check (first_number > 0),
  last_number  int8 not null check (last_number >= first_number and last_number < 10000000000),
  digits       int2 not null check (digits between 1 and 10),   -- numbers are printed this wide
  allotted_on  date not null,
  made_by      uuid not null,
  made_at      timestamptz not null,
  primary key (book_id, range_id),
  check (length(last_number::text) <= digits)
);

-- Receipts for many gifts at a time. The cursor is the last gift that was looked at, so that it goes on where it was.
create table receipt_batch (
  book_id    int4 not null,
  id         uuid not null,
  from_day   date not null,
  to_day     date not null check (to_day >= from_day), -- the last one
  single_min int8 not null check (single_min > 0), -- named gifts from here on get a receipt of their own, minor units
  asked_by   uuid not null,
  asked_at   timestamptz not null,
  total      int8 not null check (total >= 0), -- gifts without a receipt when it began
  done       int8 not null default 0,
  cursor     uuid not null,
  state      text not null default 'running' check (state in ('running', 'done', 'stopped')),
  problem    text not null default '',
  ended_at   timestamptz,
  primary key (book_id, id)
);
create unique index receipt_batch_one on receipt_batch (book_id) where state = 'running';

create table receipt (
  book_id    int4 not null,
  id         uuid not null,
  range_id   int4 not null,
  number     int8 not null,
  check_code text not null check (check_code ~ '^[a-z2-7]{8}$'),
  face       text not null check (face in ('single', 'merged')),
  payer      text not null check (payer in ('nobody', 'person', 'organisation')), -- nobody: 爱心人士
  donor_id   uuid,          -- of a person or organisation: the name is kept apart
  uscc       text not null default '' check (uscc = '' or payer = 'organisation' and uscc ~ '^[0-9A-Z]{18}$'),
  fund_id    int4 not null,
  campaign_id int4,         -- of a single receipt
  amount     int8 not null check (amount > 0),
  ccy        char(3) not null,
  gifts      int8 not null check (gifts > 0),
  given_on   date not null, -- the day of the gift
  issued_on  date not null,
  issued_at  timestamptz not null,
  issued_by  uuid not null, -- nil: asked for by the donor, or issued by a batch after a refund
  batch_id   uuid,
  replaces   uuid,
  primary key (book_id, id),
  unique (book_id, range_id, number),
  check ((payer = 'nobody') = (donor_id is null)),
  foreign key (book_id, range_id) references receipt_range (book_id, range_id)
);
create index receipt_day on receipt (book_id, issued_on, id);
create unique index receipt_replaces on receipt (book_id, replaces) where replaces is not null;

create table receipt_void (
  book_id    int4 not null,
  receipt_id uuid not null,
  cause      text not null check (cause in ('refund', 'payer', 'amount', 'split', 'other')),
  reason     text not null check (length(reason) between 1 and 1000),
  voided_at  timestamptz not null,
  voided_by  uuid not null, -- nil: by itself, after a refund
  primary key (book_id, receipt_id),
  foreign key (book_id, receipt_id) references receipt (book_id, id)
);

-- What a receipt is for. A gift's next receipt waits for the void of the one before.
create table receipt_gift (
  book_id    int4 not null,
  gift_id    uuid not null,
  issue      int2 not null check (issue > 0),
  receipt_id uuid not null,
  amount     int8 not null check (amount > 0),
  primary key (book_id, gift_id, issue)
);
create index receipt_gift_receipt on receipt_gift (book_id, receipt_id);

create function check_receipt_gift() returns trigger language plpgsql as $$
begin
  if exists (select from added n
               join receipt_gift g on g.book_id = n.book_id and g.gift_id = n.gift_id and g.issue = n.issue - 1
              where n.issue > 1
                and not exists (select from receipt_void v where v.book_id = g.book_id and v.receipt_id = g.receipt_id))
     or exists (select from added n
                 where n.issue > 1
                   and not exists (select from receipt_gift g where g.book_id = n.book_id and g.gift_id = n.gift_id and g.issue = n.issue - 1)) then
    raise exception 'a gift has a receipt that is not void'
      using errcode = 'integrity_constraint_violation', constraint = 'receipt_gift_once';
  end if;
  return null;
end
$$;
create trigger receipt_gift_once after insert on receipt_gift referencing new table as added
  for each statement execute function check_receipt_gift();

create trigger receipt_range_append_only before update or delete on receipt_range for each row execute function refuse_change();
create trigger receipt_range_keep before truncate on receipt_range for each statement execute function refuse_change();
create trigger receipt_append_only before update or delete on receipt for each row execute function refuse_change();
create trigger receipt_keep before truncate on receipt for each statement execute function refuse_change();
create trigger receipt_void_append_only before update or delete on receipt_void for each row execute function refuse_change();
create trigger receipt_void_keep before truncate on receipt_void for each statement execute function refuse_change();
create trigger receipt_gift_append_only before update or delete on receipt_gift for each row execute function refuse_change();
create trigger receipt_gift_keep before truncate on receipt_gift for each statement execute function refuse_change();

call raise_wall('receipt_range');
call raise_wall('receipt_batch');
call raise_wall('receipt');
call raise_wall('receipt_void');
call raise_wall('receipt_gift');

grant select, insert on receipt_range, receipt_batch, receipt, receipt_void, receipt_gift to sunfund_app;
grant update (done, cursor, state, problem, ended_at) on receipt_batch to sunfund_app;
