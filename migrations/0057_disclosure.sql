-- What was published, when, and what it said: one entry for each campaign, project, year and event. Figures are frozen with the ledger
-- position they were read at. A correction is a further version that says what was published, what is right, why and who found it.

create table disclosure (
  book_id   int4 not null,
  id        uuid not null,
  kind      text not null check (kind in ('campaign', 'project', 'year', 'event')),
  object    text not null check (object ~ '^[a-z]+:[0-9a-f-]{1,40}$'), -- "campaign:3", "project:…", "year:2026", "event:…"
  fund_id   int4, -- whose street may see drafts; null: the whole book's
  opened_at timestamptz not null,
  primary key (book_id, id),
  unique (book_id, object)
);

create table disclosure_version (
  book_id      int4 not null,
  entry_id     uuid not null,
  version      int4 not null check (version > 0),
  phase        text not null check (phase in ('start', 'progress', 'final')),
  corrects     int4, -- the version whose figures were wrong
  published_at timestamptz not null,
  published_on date not null,
  figures      jsonb not null,
  hash         bytea not null check (length(hash) = 32), -- SHA-256 of the figures as published
  position     int8 not null, -- postings the book held
  made_by      uuid not null,
  second       uuid not null,
  was          text not null default '' check (length(was) <= 1000),
  correct      text not null default '' check (length(correct) <= 1000),
  reason       text not null default '' check (length(reason) <= 1000),
  primary key (book_id, entry_id, version),
  foreign key (book_id, entry_id) references disclosure (book_id, id),
  constraint disclosure_second_person check (second <> made_by),
  constraint disclosure_note check ((corrects is null) = (was = '') and (corrects is null) = (correct = '') and (corrects is null) = (reason = '')),
  constraint disclosure_corrects check (corrects < version)
);
create index disclosure_version_day on disclosure_version (book_id, published_at desc);

-- Who sees to a deadline, and how far it was reminded: 1 thirty days before, 2 seven days before, 3 overdue.
create table deadline (
  book_id  int4 not null,
  key      text not null check (length(key) between 5 and 100), -- rule, object and day
  owner    uuid,
  reminded int2 not null default 0 check (reminded between 0 and 3),
  primary key (book_id, key)
);

create trigger disclosure_append_only before update or delete on disclosure for each row execute function refuse_change();
create trigger disclosure_keep before truncate on disclosure for each statement execute function refuse_change();
create trigger disclosure_version_append_only before update or delete on disclosure_version for each row execute function refuse_change();
create trigger disclosure_version_keep before truncate on disclosure_version for each statement execute function refuse_change();

call raise_wall('disclosure');
call raise_wall('disclosure_version');
call raise_wall('deadline');

grant select, insert on disclosure, disclosure_version, deadline to sunfund_app;
grant update (owner, reminded) on deadline to sunfund_app;
