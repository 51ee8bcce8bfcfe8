-- Gifts of an event of match by the hour in which they were paid (of the book's clock), what they earned, and what of that fell back to the pools in that
-- hour. A job counts awards and steps in the order of their numbers, which have no gap. The owner may empty both tables of an event at once; it is counted anew.
create table match_hour (
  book_id  int4 not null,
  event_id int4 not null,
  hour     timestamptz not null, -- when it begins
  gifts    int8 not null,
  amount   int8 not null, -- of the gifts as they were given; minor units of the book's currency, as below
  match    int8 not null, -- that they earned
  freed    int8 not null, -- fell back to the pools by refunds and refusals
  primary key (book_id, event_id, hour)
) with (fillfactor = 70);

-- How far that is counted: the last award and the last step.
create table match_counted (
  book_id  int4 not null,
  event_id int4 not null,
  seq      int8 not null default 0,
  step     int8 not null default 0,
  primary key (book_id, event_id)
) with (fillfactor = 70);

call raise_wall('match_hour');
call raise_wall('match_counted');
grant select, insert on match_hour, match_counted to sunfund_app;
grant update (gifts, amount, match, freed) on match_hour to sunfund_app;
grant update (seq, step) on match_counted to sunfund_app;
