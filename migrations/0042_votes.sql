-- Residents decide (居民投票): who may vote, what is voted on, the ballots, and what a result sets aside.

-- No money of such a fund is spent unless residents decided on it (the yearly community budget, 社区经费).
alter table fund add column vote_required boolean not null default false;
grant update (vote_required) on fund to sunfund_app;

create table community (
  book_id      int4 not null,
  community_id int4 not null,
  street_id    int4 not null,
  code         text not null check (code ~ '^[A-Za-z0-9-]{1,20}$'),
  name_zh      text not null check (length(name_zh) between 1 and 60),
  name_en      text not null check (length(name_en) between 1 and 60),
  primary key (book_id, community_id),
  unique (book_id, code),
  foreign key (book_id, street_id) references street (book_id, street_id)
);

-- Somebody who lives in a community, known by a code from the street alone, or by a telephone number that the street has verified.
-- The number is sealed like donors' data; the code is kept as its hash.
create table private.resident (
  book_id      int4 not null,
  id           uuid not null,
  community_id int4 not null,
  made_by      uuid not null,
  made_at      timestamptz not null,
  ended_at     timestamptz,
  code         bytea not null check (length(code) = 32),
  number_index int8, -- where a number is found again: a hash under the outside key
  key_id       text,
  key          bytea,
  number       bytea,
  primary key (book_id, id),
  unique (book_id, code),
  check (num_nonnulls(number_index, key_id, key, number) in (0, 4)),
  check (ended_at is null or number is null)
);
create unique index resident_number on private.resident (book_id, number_index) where number_index is not null;
create index resident_community on private.resident (book_id, community_id, id);

create table private.resident_session (
  book_id     int4 not null,
  token       bytea not null check (length(token) = 32),
  resident_id uuid not null,
  ends_at     timestamptz not null,
  primary key (book_id, token)
);
create index resident_session_end on private.resident_session (book_id, ends_at);

create table poll (
  book_id      int4 not null,
  id           uuid not null,
  number       int4 not null,
  fund_id      int4 not null,
  street_id    int4 not null,
  title_zh     text not null check (length(title_zh) between 2 and 80),
  title_en     text not null check (length(title_en) between 2 and 80),
  paper_at     text not null check (length(paper_at) <= 200), -- where one votes on paper; empty: nowhere
  budget       int8 not null check (budget > 0),
  rule         jsonb not null,
  opens_at     timestamptz not null,
  closes_at    timestamptz not null,
  state        text not null check (state in ('draft', 'open', 'closed', 'counted', 'void')),
  made_by      uuid not null,
  rule_hash    bytea check (length(rule_hash) = 32), -- of all that was published before the first ballot
  published_at timestamptz,
  closed_at    timestamptz,
  counted_at   timestamptz,
  result       jsonb,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  foreign key (book_id, street_id) references street (book_id, street_id),
  constraint poll_days check (opens_at < closes_at),
  constraint poll_published check ((state = 'draft') <= (published_at is null) and (published_at is null) = (rule_hash is null)),
  constraint poll_counted check ((state = 'counted') = (counted_at is not null) and (counted_at is null) = (result is null))
);
create index poll_street on poll (book_id, street_id, number);

create table poll_community (
  book_id      int4 not null,
  poll_id      uuid not null,
  community_id int4 not null,
  primary key (book_id, poll_id, community_id),
  foreign key (book_id, poll_id) references poll (book_id, id),
  foreign key (book_id, community_id) references community (book_id, community_id)
);

-- place is the published order: it decides between projects that all tie-breaks leave equal.
create table poll_option (
  book_id  int4 not null,
  poll_id  uuid not null,
  place    int2 not null check (place between 1 and 200),
  title_zh text not null check (length(title_zh) between 2 and 80),
  title_en text not null check (length(title_en) between 2 and 80),
  about    text not null check (length(about) <= 1000),
  cost     int8 not null check (cost > 0),
  primary key (book_id, poll_id, place),
  foreign key (book_id, poll_id) references poll (book_id, id)
);

-- While a vote is open its on-line ballots are sealed by a key of the vote's own. It goes with them when the vote closes.
create table private.poll_key (
  book_id int4 not null,
  poll_id uuid not null,
  key_id  text not null,
  key     bytea not null,
  primary key (book_id, poll_id)
);
create table private.poll_cast (
  book_id     int4 not null,
  poll_id     uuid not null,
  resident_id uuid not null,
  marks       bytea not null,
  primary key (book_id, poll_id, resident_id)
);

-- Who voted, and never what.
create table poll_voter (
  book_id     int4 not null,
  poll_id     uuid not null,
  resident_id uuid not null,
  channel     text not null check (channel in ('online', 'paper')),
  primary key (book_id, poll_id, resident_id),
  foreign key (book_id, poll_id) references poll (book_id, id)
);

-- A sheet of paper as one person read it. It counts once two people read the same.
create table poll_sheet (
  book_id    int4 not null,
  poll_id    uuid not null,
  sheet      int4 not null check (sheet between 1 and 100000),
  entered_by uuid not null,
  version    int2 not null check (version between 1 and 20),
  marks      text not null check (length(marks) <= 2000),
  spoiled    boolean not null, -- counts in the turnout and for no project
  entered_at timestamptz not null,
  primary key (book_id, poll_id, sheet, entered_by, version),
  foreign key (book_id, poll_id) references poll (book_id, id),
  check (not spoiled or marks = '')
);

-- Ballots without names, in the order of their content.
create table poll_ballot (
  book_id int4 not null,
  poll_id uuid not null,
  n       int4 not null check (n > 0),
  channel text not null check (channel in ('online', 'paper')),
  marks   text not null check (length(marks) <= 2000),
  primary key (book_id, poll_id, n),
  foreign key (book_id, poll_id) references poll (book_id, id)
);

create trigger poll_keep before delete on poll for each row execute function refuse_change();
create trigger community_keep before update or delete on community for each row execute function refuse_change();
create trigger poll_voter_append_only before update or delete on poll_voter for each row execute function refuse_change();
create trigger poll_voter_keep before truncate on poll_voter for each statement execute function refuse_change();
create trigger poll_sheet_append_only before update or delete on poll_sheet for each row execute function refuse_change();
create trigger poll_sheet_keep before truncate on poll_sheet for each statement execute function refuse_change();
create trigger poll_ballot_append_only before update or delete on poll_ballot for each row execute function refuse_change();
create trigger poll_ballot_keep before truncate on poll_ballot for each statement execute function refuse_change();
create trigger poll_settled before update on poll for each row when (old.state in ('counted', 'void')) execute function refuse_change();

call raise_wall('community');
call raise_wall('private.resident');
call raise_wall('private.resident_session');
call raise_wall('poll');
call raise_wall('poll_community');
call raise_wall('poll_option');
call raise_wall('private.poll_key');
call raise_wall('private.poll_cast');
call raise_wall('poll_voter');
call raise_wall('poll_sheet');
call raise_wall('poll_ballot');

grant select, insert on community, poll, poll_community, poll_voter, poll_sheet, poll_ballot to sunfund_app;
grant select, insert, delete on poll_option to sunfund_app; -- of drafts
grant update (state, rule_hash, published_at, closed_at, counted_at, result) on poll to sunfund_app;
grant select, insert on private.resident to sunfund_app;
grant update (ended_at, code, number_index, key_id, key, number) on private.resident to sunfund_app;
grant select, insert, delete on private.resident_session, private.poll_key, private.poll_cast to sunfund_app;
grant update (marks) on private.poll_cast to sunfund_app;
grant update (key_id, key) on private.poll_key to sunfund_app;
