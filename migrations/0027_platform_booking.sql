-- Platform files that are being booked: who asked, and how far it is. A stop in the middle loses nothing, the next worker goes on.
create table platform_booking (
  book_id  int4 not null,
  file_id  uuid not null,
  key      uuid not null, -- of the form, and of the entry of the match
  asked_by uuid not null,
  made     text not null check (length(made) <= 100),      -- the name on the voucher
  summary  text not null check (length(summary) <= 400),
  asked_at timestamptz not null,
  total    int4 not null check (total >= 0),               -- lines that can be booked
  done     int4 not null default 0 check (done >= 0),      -- of them, looked at
  state    text not null default 'running' check (state in ('running', 'stopped', 'done')),
  problem  text not null default '' check (problem ~ '^[a-z-]{0,30}$'), -- why it stopped
  ended_at timestamptz,
  primary key (book_id, file_id),
  constraint platform_booking_ended check ((state = 'running') = (ended_at is null))
);
create index platform_booking_running on platform_booking (book_id, asked_at) where state = 'running';

create trigger platform_booking_keep before delete on platform_booking for each row execute function refuse_change();

call raise_wall('platform_booking');

grant select, insert on platform_booking to sunfund_app;
grant update (key, asked_by, made, summary, asked_at, total, done, state, problem, ended_at) on platform_booking to sunfund_app;
