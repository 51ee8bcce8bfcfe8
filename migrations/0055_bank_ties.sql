-- Which account of the book an account outside is: its statements are held against it (E4), and what the bank tells is booked there. It may be said later.
alter table source_account add column chart text not null default '' check (chart ~ '^[a-z.]{0,30}$');
create unique index source_account_chart on source_account (book_id, chart) where chart <> '';
drop trigger source_account_append_only on source_account;
create trigger source_account_append_only before update of book_id, id, name, kind, format, number, currency, made_by, made_at or delete on source_account
  for each row execute function refuse_change();
grant update (chart) on source_account to sunfund_app;
