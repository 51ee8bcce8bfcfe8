-- Money of a letter that went back to its street. A line of the bank's is taken once.
create table subsidy_return (
  book_id   int4 not null,
  entry_id  uuid not null,
  letter_id uuid not null,
  day       date not null,
  amount    int8 not null check (amount > 0),
  bank      text not null check (bank in ('bank.basic', 'bank.online')),
  ref       text not null check (length(ref) between 1 and 100),
  primary key (book_id, entry_id),
  unique (book_id, ref),
  foreign key (book_id, letter_id) references subsidy_letter (book_id, id)
);
create index subsidy_return_letter on subsidy_return (book_id, letter_id, day);

create trigger subsidy_return_append_only before update or delete on subsidy_return for each row execute function refuse_change();
create trigger subsidy_return_keep before truncate on subsidy_return for each statement execute function refuse_change();

call raise_wall('subsidy_return');
grant select, insert on subsidy_return to sunfund_app;
