-- An event whose rule, seed or counters could not be read when gifts came is stopped: gifts are booked without match, and named here, until two
-- people let it go on. And what seals statement files may be sealed anew.

alter table match_event
  add column stopped_at  timestamptz,
  add column stopped_why text not null default '' check (length(stopped_why) <= 400),
  add constraint match_event_stopped check ((stopped_at is null) = (stopped_why = ''));

grant update (stopped_at, stopped_why) on match_event to sunfund_app;

-- A gift that an open event did not decide. It stays without match; who has taken note of it and why follows when the event goes on.
create table match_missed (
  book_id   int4 not null,
  event_id  int4 not null,
  gift_id   uuid not null,
  at        timestamptz not null,
  known_at  timestamptz,
  by_person uuid,
  second    uuid check (second <> by_person),
  reason    text not null default '' check (length(reason) <= 400),
  primary key (book_id, event_id, gift_id),
  check (num_nonnulls(known_at, by_person, second) in (0, 3))
);
create index match_missed_new on match_missed (book_id, event_id, gift_id) where known_at is null;

create trigger match_missed_keep before delete on match_missed for each row execute function refuse_change();
create trigger match_missed_keep_all before truncate on match_missed for each statement execute function refuse_change();

call raise_wall('match_missed');
grant select, insert on match_missed to sunfund_app;
grant update (known_at, by_person, second, reason) on match_missed to sunfund_app;

grant update (sealed_by, sealed_key) on source_file to sunfund_app;
