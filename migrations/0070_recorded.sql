-- What the book said at a past moment is read without what was recorded since. Few entries are recorded on another day than their own, and only
-- those are in the indices by days; the places of the rest are known by their blocks, which costs the intake next to nothing.
create index entry_late on entry (book_id, recorded_at) where effective_on < (recorded_at at time zone 'UTC')::date - 1;
create index entry_ahead on entry (book_id, effective_on) where effective_on > (recorded_at at time zone 'UTC')::date + 1;
create index entry_recorded on entry using brin (book_id, recorded_at) with (autosummarize = on);

-- How many postings were recorded before a moment, the end of a day (UTC). The owner may empty it while the service is stopped; it is filled anew.
create table recorded_mark (
  book_id int4 not null,
  moment  timestamptz not null,
  posted  int8 not null,
  primary key (book_id, moment)
);

call raise_wall('recorded_mark');
grant select, insert on recorded_mark to sunfund_app;
