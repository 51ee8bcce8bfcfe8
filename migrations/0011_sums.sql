-- Turnovers summed over whole months and years, so that what a book held on a past day is read from few rows however many
-- years it has been kept. Only what has ended is summed; the posting transaction adds what comes late.

-- What is read of a past day is read of all accounts: their rows of one day lie together, and are written together.
alter table turnover drop constraint turnover_pkey;
alter table turnover add constraint turnover_pkey primary key (book_id, day, account_id);

create table turnover_sum (
  book_id    int4 not null,
  months     int2 not null check (months in (1, 12)),
  first      date not null check (extract(day from first) = 1 and (months = 1 or extract(month from first) = 1)),
  account_id int4 not null,
  debit      int8 not null,
  credit     int8 not null,
  primary key (book_id, months, first, account_id)
) with (fillfactor = 90);

-- The months and years whose sums stand in turnover_sum: one stretch that begins in a January, each whole year in it too.
create table summed (
  book_id int4 not null,
  months  int2 not null check (months in (1, 12)),
  first   date not null,
  primary key (book_id, months, first)
);

call raise_wall('turnover_sum');
call raise_wall('summed');
grant select, insert, update on turnover_sum to sunfund_app;
grant select, insert on summed to sunfund_app;
