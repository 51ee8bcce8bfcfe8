-- Statements of banks and processors: accounts outside, the files that came, their statements and lines.

-- An account outside, as a bank or a processor keeps it, and how its files are written.
create table source_account (
  book_id  int4 not null,
  id       int4 not null,
  name     text not null check (length(name) between 1 and 60),
  kind     text not null check (kind in ('bank', 'processor', 'wallet')),
  format   text not null check (format ~ '^[a-z0-9-]{2,20}$'),
  number   text not null default '' check (length(number) <= 40), -- a file of another account is refused; empty: not compared
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  made_by  uuid not null,
  made_at  timestamptz not null,
  primary key (book_id, id),
  unique (book_id, name)
);

-- How an account's CSV files are read, made from a sample. A change is a new version; each file remembers which one read it.
create table source_profile (
  book_id   int4 not null,
  id        uuid not null,
  source_id int4 not null,
  version   int4 not null check (version > 0),
  layout    jsonb not null,
  made_by   uuid not null,
  made_at   timestamptz not null,
  primary key (book_id, id),
  unique (book_id, source_id, version),
  foreign key (book_id, source_id) references source_account (book_id, id)
);

-- A file as it came. Its bytes are kept, sealed, because lines point into them.
create table source_file (
  book_id     int4 not null,
  id          uuid not null,
  source_id   int4 not null,
  name        text not null check (length(name) between 1 and 120),
  hash        bytea not null check (length(hash) = 32),
  size        int8 not null check (size > 0),
  state       text not null check (state in ('received', 'imported', 'quarantined', 'duplicate')),
  same_as     uuid,  -- the file of the same bytes that came before
  announced   text not null default '' check (announced ~ '^[0-9a-f]{0,40}$'), -- SHA-1 by the processor
  opening     int8,  -- balances as a person read them elsewhere
  closing     int8,
  sealed_by   text,
  sealed_key  bytea,
  profile_id  uuid,
  parser      int4,  -- version of the program that read it
  version     text not null default '' check (length(version) <= 40),
  reason      text check (reason ~ '^[a-z-]{2,30}$'),
  reason_line int4,
  want        text,
  got         text,
  lines       int4,
  fresh       int4,  -- of them not known before
  made_by     uuid not null,
  made_at     timestamptz not null,
  done_at     timestamptz,
  primary key (book_id, id),
  foreign key (book_id, source_id) references source_account (book_id, id),
  foreign key (book_id, profile_id) references source_profile (book_id, id),
  constraint source_file_same check ((state = 'duplicate') = (same_as is not null)),
  constraint source_file_sealed check ((state = 'duplicate') = (sealed_by is null) and (sealed_by is null) = (sealed_key is null)),
  constraint source_file_reason check ((state = 'quarantined') = (reason is not null)),
  constraint source_file_lines check ((state = 'imported') = (lines is not null) and (lines is null) = (fresh is null)),
  constraint source_file_done check ((state in ('imported', 'quarantined')) = (done_at is not null))
);
create unique index source_file_hash on source_file (book_id, source_id, hash) where state <> 'duplicate';
create index source_file_made on source_file (book_id, source_id, made_at);

-- Pieces of a file, each sealed for its place.
create table source_part (
  book_id int4 not null,
  file_id uuid not null,
  no      int4 not null check (no >= 0),
  body    bytea not null check (length(body) <= 2097152),
  primary key (book_id, file_id, no)
);

-- A statement in a file, and what has been proved of it.
create table source_statement (
  book_id      int4 not null,
  file_id      uuid not null,
  no           int4 not null,
  source_id    int4 not null,
  account      text not null,
  number       text not null,
  from_on      date,
  to_on        date,
  opening      int8,
  closing      int8,
  count_in     int4 not null,
  count_out    int4 not null,
  sum_in       int8 not null,
  sum_out      int8 not null,
  skipped      int4 not null,
  newest_first bool not null,
  proved       text[] not null,
  gap          int8 not null, -- money that moved on days which are missing inside it
  gaps         int4 not null,
  primary key (book_id, file_id, no)
);
create index source_statement_day on source_statement (book_id, source_id, to_on);

-- A booked line of an account, once, however many files tell it. The file is the one that told it first.
-- Names and texts stay in the file; marks are those words of the text that may be a reference.
create table ext_line (
  book_id    int4 not null,
  source_id  int4 not null,
  line_key   bytea not null check (length(line_key) = 20),
  file_id    uuid not null,
  statement  int4 not null,
  line_no    int4 not null,
  row_no     int4 not null,
  at         int8 not null,
  size       int4 not null,
  booked_on  date not null,
  value_on   date not null,
  clock      timestamptz,
  amount     int8 not null,
  fee        int8 not null,
  fee_exact  int8 not null,
  balance    int8,
  kind       text not null,
  code       text not null,
  ext_id     text not null,
  original   text not null,
  order_no   text not null,
  end_to_end text not null,
  marks      text[] not null,
  reversal   bool not null,
  parts      jsonb,
  primary key (book_id, source_id, line_key)
);
create index ext_line_day on ext_line (book_id, source_id, booked_on);

create trigger source_account_append_only before update or delete on source_account for each row execute function refuse_change();
create trigger source_account_keep before truncate on source_account for each statement execute function refuse_change();
create trigger source_profile_append_only before update or delete on source_profile for each row execute function refuse_change();
create trigger source_profile_keep before truncate on source_profile for each statement execute function refuse_change();
create trigger source_file_keep before delete on source_file for each row execute function refuse_change();
create trigger source_part_append_only before update or delete on source_part for each row execute function refuse_change();
create trigger source_part_keep before truncate on source_part for each statement execute function refuse_change();
create trigger source_statement_append_only before update or delete on source_statement for each row execute function refuse_change();
create trigger source_statement_keep before truncate on source_statement for each statement execute function refuse_change();
create trigger ext_line_append_only before update or delete on ext_line for each row execute function refuse_change();
create trigger ext_line_keep before truncate on ext_line for each statement execute function refuse_change();

call raise_wall('source_account');
call raise_wall('source_profile');
call raise_wall('source_file');
call raise_wall('source_part');
call raise_wall('source_statement');
call raise_wall('ext_line');

grant select, insert on source_account, source_profile, source_file, source_part, source_statement, ext_line to sunfund_app;
grant update (state, profile_id, parser, version, reason, reason_line, want, got, lines, fresh, opening, closing, done_at) on source_file to sunfund_app;
