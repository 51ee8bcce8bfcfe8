-- Closing for good: what was closed, by which report, signed by whom; days closed for now; what the checks found last.

-- A month that is closed for good closes all that lie before it, also those in which nothing was ever booked.
create or replace function check_period_open() returns trigger language plpgsql as $$
declare
  closed date;
begin
  select a.month into closed
    from (select distinct book_id, date_trunc('month', effective_on)::date as month from added) a
   where exists (select from period p where p.book_id = a.book_id and p.month >= a.month and p.state = 'hard')
   limit 1;
  if found then
    raise exception 'period % is closed', closed using errcode = 'check_violation', constraint = 'period_open';
  end if;
  return null;
end
$$;

-- What was seen when months were asked to be closed. The hash is of exactly these bytes.
create table close_report (
  book_id int4 not null,
  id      uuid not null,
  first   date not null check (extract(day from first) = 1),
  month   date not null check (extract(day from month) = 1 and month >= first),
  body    text not null,
  hash    bytea not null check (hash = sha256(convert_to(body, 'UTF8'))),
  made_by uuid not null,
  made_at timestamptz not null,
  primary key (book_id, id)
);

-- The months first..month, closed for good by two people on that report.
create table period_close (
  book_id     int4 not null,
  month       date not null,
  first       date not null,
  report_id   uuid not null,
  asked_by    uuid not null,
  approved_by uuid not null,
  approval_id uuid not null,
  closed_at   timestamptz not null,
  primary key (book_id, month),
  foreign key (book_id, report_id) references close_report (book_id, id),
  constraint period_close_second check (approved_by <> asked_by)
);

-- A day closed for now: what had moved on it by then. What differs later came late.
create table day_close (
  book_id  int4 not null,
  day      date not null,
  made_at  timestamptz not null,
  made_by  uuid, -- null: by itself
  moved    int8 not null, -- sum of the day's debits, minor units of the book's currency
  red      text[] not null, -- checks that were red
  primary key (book_id, day)
);

-- An entry that belongs to a day in a closed month and was booked in an open one.
create table late_entry (
  book_id     int4 not null,
  entry_id    uuid not null,
  happened_on date not null,
  primary key (book_id, entry_id)
);

-- What a check found when it last ran.
create table check_result (
  book_id   int4 not null,
  code      text not null check (code ~ '^[EC][0-9]{1,2}$'),
  at        timestamptz not null,
  took_ms   int4 not null,
  found     int8 not null,
  breaks    jsonb not null, -- the first of the rows that break it
  red_since timestamptz,
  primary key (book_id, code),
  check ((found = 0) = (red_since is null))
);

create trigger close_report_append_only before update or delete on close_report for each row execute function refuse_change();
create trigger close_report_keep before truncate on close_report for each statement execute function refuse_change();
create trigger period_close_append_only before update or delete on period_close for each row execute function refuse_change();
create trigger period_close_keep before truncate on period_close for each statement execute function refuse_change();
create trigger day_close_append_only before update or delete on day_close for each row execute function refuse_change();
create trigger day_close_keep before truncate on day_close for each statement execute function refuse_change();
create trigger late_entry_append_only before update or delete on late_entry for each row execute function refuse_change();
create trigger late_entry_keep before truncate on late_entry for each statement execute function refuse_change();

call raise_wall('close_report');
call raise_wall('period_close');
call raise_wall('day_close');
call raise_wall('late_entry');
call raise_wall('check_result');

grant select, insert on close_report, period_close, day_close, late_entry, check_result to sunfund_app;
grant update (at, took_ms, found, breaks, red_since) on check_result to sunfund_app;
