-- What was earned of each pool of match and what of it fell back, so that a statement does not add up the awards of a day of millions of gifts on each view. The
-- job that counts hours counts this too, with marks of its own: a program of before this file moves only those of hours.
create table match_earned (
  book_id  int4 not null,
  event_id int4 not null,
  pool     text not null,
  earned   int8 not null, -- minor units of the book's currency, as below
  freed    int8 not null, -- fell back by refunds, refusals and disallowing
  given    int8 not null, -- of earned, without a gift, once all gifts were in
  primary key (book_id, event_id, pool)
) with (fillfactor = 70);

call raise_wall('match_earned');
grant select, insert on match_earned to sunfund_app;
grant update (earned, freed, given) on match_earned to sunfund_app;

alter table match_counted add column earned_seq int8 not null default 0, add column earned_step int8 not null default 0;
grant update (earned_seq, earned_step) on match_counted to sunfund_app;
