-- A batch of receipts may send each donor who told an address a letter with the link, once.
alter table receipt_batch
  add column mail        boolean not null default false,
  add column mail_cursor uuid not null default '00000000-0000-0000-0000-000000000000', -- the last receipt that was looked at
  add column mail_seen   int8 not null default 0, -- receipts for one gift that were looked at
  add column mail_done   boolean not null default false;
create index receipt_batch_member on receipt (book_id, batch_id, id) where batch_id is not null;
create index receipt_batch_mail on receipt_batch (book_id, id) where mail and not mail_done;

-- What became of a receipt's letter; the letter itself holds the address and goes after thirty days.
create table receipt_letter (
  book_id    int4 not null,
  receipt_id uuid not null,
  batch_id   uuid not null,
  letter_id  uuid not null,
  posted_at  timestamptz not null,
  tries      int2 not null default 0,
  tried_at   timestamptz,
  sent_at    timestamptz,
  primary key (book_id, receipt_id),
  unique (book_id, letter_id)
);
create index receipt_letter_batch on receipt_letter (book_id, batch_id, receipt_id);

call raise_wall('receipt_letter');
grant select, insert on receipt_letter to sunfund_app;
grant update (tries, tried_at, sent_at) on receipt_letter to sunfund_app;
grant update (mail, mail_cursor, mail_seen, mail_done) on receipt_batch to sunfund_app;
