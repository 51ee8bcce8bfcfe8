-- What the program does by itself: the jobs of a book, and each run of one. A slot is a moment at which a job is due; one row is one slot, so that
-- of several processes one runs it.

create table job (
  book_id       int4 not null,
  name          text not null check (name ~ '^[a-z][a-z-]{1,39}$'),
  spec          text not null check (length(spec) between 1 and 80), -- five fields of cron in UTC, or "local HH:MM" in the book's time zone
  seconds       int4 not null check (seconds > 0),                   -- from one slot to the next, as a rule
  late_after    int4 not null check (late_after > 0),                -- seconds behind a slot that is not done
  done_slot     timestamptz not null,                                -- everything up to it is done
  next_slot     timestamptz not null check (next_slot > done_slot),  -- the first that is not
  failing_since timestamptz,
  told_at       timestamptz,                                         -- that it fails or is late
  asked_at      timestamptz,                                         -- to run out of its turn
  asked_by      uuid,
  gone          boolean not null default false,                      -- this version of the program has no such job
  primary key (book_id, name),
  check ((asked_at is null) or not gone)
);

create table job_run (
  book_id     int4 not null,
  name        text not null,
  slot        timestamptz not null,
  id          uuid not null,
  state       text not null default 'running' check (state in ('running', 'done', 'failed')),
  tries       int4 not null default 1 check (tries > 0),
  missed      int4 not null default 0 check (missed >= 0), -- earlier slots that this run makes up for
  asked_by    uuid,
  runner      text not null check (length(runner) <= 200),
  token       uuid not null,                               -- of this try: who was overtaken no longer holds it
  lease_until timestamptz not null,
  started_at  timestamptz not null,
  finished_at timestamptz,
  next_try    timestamptz,
  counts      jsonb not null default '{}' check (jsonb_typeof(counts) = 'object' and pg_column_size(counts) <= 4000),
  error       text not null default '' check (length(error) <= 2000),
  primary key (book_id, name, slot),
  check ((state = 'running') = (finished_at is null)),
  check ((state = 'failed') = (error <> ''))
);
create unique index job_run_id on job_run (book_id, id);
create unique index job_run_one on job_run (book_id, name) where state = 'running'; -- a job that overruns is not started twice

call raise_wall('job');
call raise_wall('job_run');
grant select, insert, update on job to sunfund_app;
grant select, insert, update, delete on job_run to sunfund_app;
