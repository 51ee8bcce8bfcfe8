-- Counters of match that are moved together lie together: a row for a donor, campaign, organisation or pool, on one day or of the whole event.
-- A row for each counter cost a gift as much again as its award. Nothing could be opened before this file, so there are none to carry over.

drop table match_count;

create table match_count (
  book_id  int4 not null,
  event_id int4 not null,
  subject  text not null, -- a letter for all (a), pool (p), donor (d), campaign (c), organisation (o), and its name
  day      int4 not null, -- since 1970-01-01; 0 for the whole event
  counts   text not null, -- [[kind, b, value], …] as JSON; kinds are those of match.Kind
  primary key (book_id, event_id, subject, day)
) with (fillfactor = 70);

call raise_wall('match_count');

grant select, insert on match_count to sunfund_app;
grant update (counts) on match_count to sunfund_app;
