-- What comes in without a processor: papers beside records, the steps of a record's life, receipts on a bank account.

-- The content of a paper, once a book, under its SHA-256.
create table paper (
  book_id  int4 not null,
  hash     bytea not null check (length(hash) = 32),
  media    text not null check (media in ('application/pdf', 'image/jpeg', 'image/png', 'image/webp')),
  body     bytea not null check (length(body) between 1 and 5242880),
  added_at timestamptz not null,
  primary key (book_id, hash)
);

-- A paper beside a record, as 'lot:0190…' or 'entry:0190…'.
create table attachment (
  book_id  int4 not null,
  id       uuid not null,
  object   text not null check (object ~ '^[a-z-]{2,30}:[0-9a-f-]{1,40}$'),
  hash     bytea not null,
  name     text not null check (length(name) between 1 and 120),
  added_by uuid not null,
  added_at timestamptz not null,
  primary key (book_id, id),
  unique (book_id, object, hash),
  foreign key (book_id, hash) references paper (book_id, hash)
);

-- What happened to a record, by whom, and the entry that it made. The key of a step makes it happen once.
create table record_step (
  book_id       int4 not null,
  id            uuid not null,
  object        text not null check (object ~ '^[a-z-]{2,30}:[0-9a-f-]{1,40}$'),
  act           text not null check (act ~ '^[a-z-]{2,30}$'),
  at            timestamptz not null,
  by_person     uuid not null,
  second_person uuid,
  entry_id      uuid,
  amount        int8 not null default 0,
  note          text not null default '' check (length(note) <= 400),
  primary key (book_id, id),
  constraint record_step_second_person check (second_person <> by_person)
);
create index record_step_object on record_step (book_id, object, at);

-- Money on a bank account that no processor announced. While nobody knows whose it is, it is a liability of fund_id.
create table bank_receipt (
  book_id   int4 not null,
  id        uuid not null,
  ref       text not null check (length(ref) between 1 and 100), -- the bank's number of the line
  day       date not null,
  amount    int8 not null check (amount > 0),
  fund_id   int4 not null,
  firm      text not null default '' check (length(firm) <= 100), -- the sender, unless a natural person
  donor_id  uuid,                                                 -- a natural person lives in donor alone
  state     text not null check (state in ('identified', 'open', 'claimed', 'kept', 'returned', 'void')),
  gift_id   uuid,
  proof     text not null default '' check (length(proof) <= 200),
  ended_on  date,
  seen_by   uuid not null,
  seen_at   timestamptz not null,
  primary key (book_id, id),
  unique (book_id, ref),
  constraint bank_receipt_gift check ((gift_id is not null) = (state in ('identified', 'claimed'))),
  constraint bank_receipt_end check ((ended_on is null) = (state = 'open'))
);
create index bank_receipt_open on bank_receipt (book_id, day, id) where state = 'open';

create trigger paper_append_only before update or delete on paper for each row execute function refuse_change();
create trigger paper_keep before truncate on paper for each statement execute function refuse_change();
create trigger attachment_append_only before update or delete on attachment for each row execute function refuse_change();
create trigger attachment_keep before truncate on attachment for each statement execute function refuse_change();
create trigger record_step_append_only before update or delete on record_step for each row execute function refuse_change();
create trigger record_step_keep before truncate on record_step for each statement execute function refuse_change();
create trigger bank_receipt_keep before delete on bank_receipt for each row execute function refuse_change();

call raise_wall('paper');
call raise_wall('attachment');
call raise_wall('record_step');
call raise_wall('bank_receipt');

grant select, insert on paper, attachment, record_step, bank_receipt to sunfund_app;
grant update (state, gift_id, proof, ended_on) on bank_receipt to sunfund_app;
