-- Letters of streets (街道配套): what a street has promised to add to what residents raise, and what became of it.

create table subsidy_letter (
  book_id     int4 not null,
  id          uuid not null,
  number      int4 not null,
  fund_id     int4 not null,
  street_id   int4 not null,
  campaign_id int4, -- whose gifts count; null: all gifts to the fund
  party       text not null check (length(party) between 1 and 100), -- the office that signed
  document    text not null check (length(document) between 1 and 200),
  signed_on   date not null,
  counts      text not null check (counts in ('all', 'online', 'offline')),
  gift_min    int8 not null check (gift_min >= 0),
  per         text not null check (per in ('letter', 'campaign')), -- threshold and lump are asked of the whole, or of each campaign
  threshold   int8 not null check (threshold >= 0),
  lump        int8 not null check (lump >= 0),
  ratio_num   int4 not null check (ratio_num between 0 and 1000), -- the street gives ratio_num for ratio_den raised
  ratio_den   int4 not null check (ratio_den between 1 and 1000),
  share_cap   int8 not null check (share_cap >= 0), -- most for one campaign; zero: no limit but cap
  cap         int8 not null check (cap > 0), -- what is committed
  opens_on    date not null,
  closes_on   date not null,
  fiscal_year int2 not null,
  lapses_on   date not null, -- last day on which it may be claimed
  terms       text not null check (terms in ('grant', 'advance')), -- advance: owed back until it is spent
  homes       int4 not null check (homes between 0 and 10000), -- families that share the whole; zero: not told
  claimed     int8 not null default 0,
  received    int8 not null default 0,
  returned    int8 not null default 0,
  lapsed      int8 not null default 0,
  parallel    int8 not null default 0 check (parallel >= 0), -- paid by the street itself, never on the books
  state       text not null check (state in ('draft', 'open', 'lapsed', 'void')),
  entered_by  uuid not null,
  noticed_on  date, -- both sides were told that it will lapse
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  foreign key (book_id, street_id) references street (book_id, street_id),
  constraint subsidy_letter_rule check (lump > 0 or ratio_num > 0),
  constraint subsidy_letter_days check (opens_on <= closes_on and closes_on <= lapses_on),
  constraint subsidy_letter_sums check (claimed between 0 and cap and received between 0 and claimed and returned between 0 and received
    and lapsed between 0 and cap - claimed)
);
create index subsidy_letter_street on subsidy_letter (book_id, street_id, number);
create index subsidy_letter_open on subsidy_letter (book_id, lapses_on) where state = 'open';

-- A claim is a statement that the association makes and the street signs; statement_hash covers what both read.
create table subsidy_claim (
  book_id        int4 not null,
  id             uuid not null,
  letter_id      uuid not null,
  number         int4 not null, -- of its letter
  amount         int8 not null check (amount > 0),
  raised         int8 not null,
  earned         int8 not null,
  before         int8 not null, -- claimed before
  position       int8 not null, -- of the fund in the ledger
  statement_hash bytea not null check (length(statement_hash) = 32),
  state          text not null check (state in ('made', 'signed', 'withdrawn')),
  made_by        uuid not null,
  made_at        timestamptz not null,
  signed_by      uuid,
  signed_at      timestamptz,
  primary key (book_id, id),
  unique (book_id, letter_id, number),
  foreign key (book_id, letter_id) references subsidy_letter (book_id, id),
  constraint subsidy_claim_second_person check (signed_by <> made_by),
  constraint subsidy_claim_signed check ((state = 'signed') = (signed_by is not null) and (signed_by is null) = (signed_at is null))
);
create unique index subsidy_claim_open on subsidy_claim (book_id, letter_id) where state = 'made';

-- Money of a letter at the bank. A line of the bank's is taken once.
create table subsidy_receipt (
  book_id   int4 not null,
  entry_id  uuid not null,
  letter_id uuid not null,
  day       date not null,
  amount    int8 not null check (amount > 0),
  bank      text not null check (bank in ('bank.basic', 'bank.online')),
  ref       text not null check (length(ref) between 1 and 100),
  void      boolean not null default false,
  primary key (book_id, entry_id),
  foreign key (book_id, letter_id) references subsidy_letter (book_id, id)
);
create unique index subsidy_receipt_ref on subsidy_receipt (book_id, ref) where not void;
create index subsidy_receipt_letter on subsidy_receipt (book_id, letter_id, day);

-- What an entry of cost took from a letter.
create table subsidy_spend (
  book_id   int4 not null,
  letter_id uuid not null,
  entry_id  uuid not null,
  amount    int8 not null check (amount > 0),
  primary key (book_id, letter_id, entry_id),
  foreign key (book_id, letter_id) references subsidy_letter (book_id, id)
);
create index subsidy_spend_entry on subsidy_spend (book_id, entry_id);

-- How far the gifts of an account were counted for a letter, and what was counted. Both can be made anew from the postings.
create table subsidy_cursor (
  book_id    int4 not null,
  letter_id  uuid not null,
  account_id int4 not null,
  seq        int8 not null,
  primary key (book_id, letter_id, account_id)
);
create table subsidy_raised (
  book_id   int4 not null,
  letter_id uuid not null,
  unit      text not null, -- the campaign; empty: the letter
  raised    int8 not null,
  gifts     int8 not null,
  primary key (book_id, letter_id, unit)
);

-- How the earned amount moved, with the ledger position of each figure.
create table subsidy_earning (
  book_id   int4 not null,
  letter_id uuid not null,
  position  int8 not null,
  at        timestamptz not null,
  raised    int8 not null,
  gifts     int8 not null,
  earned    int8 not null,
  primary key (book_id, letter_id, position)
);

create trigger subsidy_letter_keep before delete on subsidy_letter for each row execute function refuse_change();
create trigger subsidy_claim_keep before delete on subsidy_claim for each row execute function refuse_change();
create trigger subsidy_receipt_keep before delete on subsidy_receipt for each row execute function refuse_change();
create trigger subsidy_spend_append_only before update or delete on subsidy_spend for each row execute function refuse_change();
create trigger subsidy_spend_keep before truncate on subsidy_spend for each statement execute function refuse_change();
create trigger subsidy_earning_append_only before update or delete on subsidy_earning for each row execute function refuse_change();
create trigger subsidy_earning_keep before truncate on subsidy_earning for each statement execute function refuse_change();

call raise_wall('subsidy_letter');
call raise_wall('subsidy_claim');
call raise_wall('subsidy_receipt');
call raise_wall('subsidy_spend');
call raise_wall('subsidy_cursor');
call raise_wall('subsidy_raised');
call raise_wall('subsidy_earning');

grant select, insert on subsidy_letter, subsidy_claim, subsidy_receipt, subsidy_spend, subsidy_cursor, subsidy_raised, subsidy_earning to sunfund_app;
grant update (claimed, received, returned, lapsed, parallel, state, noticed_on) on subsidy_letter to sunfund_app;
grant update (state, signed_by, signed_at) on subsidy_claim to sunfund_app;
grant update (void) on subsidy_receipt to sunfund_app;
grant update (seq) on subsidy_cursor to sunfund_app;
grant update (raised, gifts) on subsidy_raised to sunfund_app;
