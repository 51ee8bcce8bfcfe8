-- Charters of funds (章程): what a fund is for, and by which rules. Versions are only added; the ledger reads the last one before it lets
-- anything be spent.

-- What money may be spent on, by name (用途). What is spent says which one it is for.
create table purpose (
  book_id int4 not null,
  code    text not null check (code ~ '^[a-z0-9-]{2,20}$'),
  name_zh text not null check (length(name_zh) between 1 and 40),
  name_en text not null check (length(name_en) between 1 and 60),
  primary key (book_id, code)
);

-- The file of a fund: its application, agreement and committee; from the opening on its charter, the changes of it and its end.
create table fund_file (
  book_id      int4 not null,
  id           uuid not null,
  number       int4 not null,
  state        text not null check (state in ('draft', 'open', 'closed', 'refused', 'dropped')),
  fund_id      int4, -- made by the opening; named before it when a fund that is there gets its first charter
  street_id    int4,
  code         text not null check (code ~ '^[A-Za-z0-9-]{1,40}$'),
  name_zh      text not null check (length(name_zh) between 1 and 100),
  name_en      text not null check (length(name_en) between 1 and 100),
  about_zh     text not null check (length(about_zh) between 1 and 400),
  about_en     text not null check (length(about_en) between 1 and 400),
  terms        jsonb not null, -- as applied for
  agency       jsonb,          -- what was answered in the test of agency money (受托代理三项测试)
  agreement    bytea check (length(agreement) = 32), -- hash of the paper that was agreed on
  entered_by   uuid not null,
  entered_at   timestamptz not null,
  rest_to      int4, -- the fund that took the rest
  rest         int8 check (rest >= 0),
  closed_on    date,
  publish_by   date,
  published_on date,
  published_at text not null default '' check (length(published_at) <= 200),
  version      int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  foreign key (book_id, street_id) references street (book_id, street_id),
  foreign key (book_id, rest_to) references fund (book_id, fund_id),
  constraint fund_file_opened check (state not in ('open', 'closed') or fund_id is not null and agreement is not null),
  constraint fund_file_closed check ((state = 'closed') = (closed_on is not null))
);
create unique index fund_file_fund on fund_file (book_id, fund_id) where fund_id is not null and state in ('open', 'closed');

-- Who sat in the committee, by what they stand for and not by name: names are in the minutes, a paper beside the file.
create table fund_seat (
  book_id  int4 not null,
  file_id  uuid not null,
  seat     int2 not null check (seat between 1 and 99),
  kind     text not null check (kind in ('member', 'supervisor')),
  capacity text not null check (length(capacity) between 1 and 60),
  vote     text not null check (vote in ('yes', 'no', 'abstain', 'absent', 'heard')),
  opinion  text not null check (length(opinion) <= 400),
  primary key (book_id, file_id, seat),
  foreign key (book_id, file_id) references fund_file (book_id, id),
  constraint fund_seat_vote check ((kind = 'supervisor') = (vote in ('heard')) or vote = 'absent')
);

create table fund_charter (
  book_id        int4 not null,
  fund_id        int4 not null,
  version        int4 not null check (version > 0),
  sort           text not null check (sort in ('sunshine', 'service', 'street', 'holding', 'named', 'endowment', 'agency')),
  purposes       text[] not null check (cardinality(purposes) between 1 and 20),
  opens_on       date,
  closes_on      date,
  levy_bp        int4 check (levy_bp between 0 and 10000), -- most that may be levied, in basis points of gifts; null: the agreement is silent
  interest       text not null check (interest in ('fund', 'general')),
  fee_bearer     text not null check (fee_bearer in ('general', 'fund', 'donor')),
  spend_bp       int4 check (spend_bp between 1 and 10000), -- least that is spent a year, of what the fund had when the year began
  dormant_months int4 check (dormant_months between 1 and 120),
  voted          boolean not null,
  basis          text not null check (basis in ('opening', 'filing', 'consent')),
  basis_ref      text not null check (length(basis_ref) between 1 and 100),
  file_id        uuid not null,
  made_by        uuid not null,
  second         uuid not null,
  made_at        timestamptz not null,
  primary key (book_id, fund_id, version),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  foreign key (book_id, file_id) references fund_file (book_id, id),
  constraint fund_charter_window check (opens_on <= closes_on),
  constraint fund_charter_second check (made_by <> second),
  constraint fund_charter_first check ((version = 1) = (basis = 'opening'))
);

-- Each management fee that was taken, with the base and the cap it was taken under.
create table fund_levy (
  book_id  int4 not null,
  fund_id  int4 not null,
  entry_id uuid not null,
  amount   int8 not null check (amount > 0),
  base     int8 not null,
  levy_bp  int4 not null,
  primary key (book_id, entry_id),
  foreign key (book_id, fund_id) references fund (book_id, fund_id)
);
create index fund_levy_fund on fund_levy (book_id, fund_id);

-- The days whose interest of a bank account has been shared out between the funds.
create table fund_interest (
  book_id  int4 not null,
  bank     text not null,
  from_on  date not null,
  to_on    date not null,
  entry_id uuid not null,
  amount   int8 not null check (amount > 0),
  primary key (book_id, entry_id),
  constraint fund_interest_days check (from_on <= to_on)
);

-- What a project is for, of the purposes of the funds that bear it; direct aid likewise.
alter table project add column purpose text not null default '';
alter table disbursement add column purpose_code text not null default '';

create trigger purpose_append_only before update or delete on purpose for each row execute function refuse_change();
create trigger purpose_keep before truncate on purpose for each statement execute function refuse_change();
create trigger fund_file_keep before delete on fund_file for each row execute function refuse_change();
create trigger fund_charter_append_only before update or delete on fund_charter for each row execute function refuse_change();
create trigger fund_charter_keep before truncate on fund_charter for each statement execute function refuse_change();
create trigger fund_levy_append_only before update or delete on fund_levy for each row execute function refuse_change();
create trigger fund_levy_keep before truncate on fund_levy for each statement execute function refuse_change();
create trigger fund_interest_append_only before update or delete on fund_interest for each row execute function refuse_change();
create trigger fund_interest_keep before truncate on fund_interest for each statement execute function refuse_change();
create trigger fund_seat_keep before update on fund_seat for each row execute function refuse_change();

call raise_wall('purpose');
call raise_wall('fund_file');
call raise_wall('fund_seat');
call raise_wall('fund_charter');
call raise_wall('fund_levy');
call raise_wall('fund_interest');

grant select, insert on purpose, fund_file, fund_charter, fund_levy, fund_interest to sunfund_app;
grant select, insert, delete on fund_seat to sunfund_app; -- of drafts
grant update (state, fund_id, agreement, rest_to, rest, closed_on, publish_by, published_on, published_at, version) on fund_file to sunfund_app;
grant update (fee_bearer) on fund to sunfund_app;
