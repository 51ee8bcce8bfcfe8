-- A firm that has pledged may be written to before an instalment is due and once it is overdue. Whom to write to lives in donor alone.

alter table pledge
  add column donor_id uuid,
  add column lang     text check (lang in ('zh-CN', 'en')),
  add constraint pledge_contact check ((donor_id is null) = (lang is null));

-- A letter about an instalment, once of each kind; amount is what of it had not come, in minor units of the book's currency.
create table pledge_notice (
  book_id   int4 not null,
  id        uuid not null,
  pledge_id uuid not null,
  part      int2 not null,
  kind      text not null check (kind in ('pledge_due', 'pledge_late')),
  amount    int8 not null check (amount > 0),
  sent_at   timestamptz not null,
  primary key (book_id, id),
  unique (book_id, pledge_id, part, kind),
  foreign key (book_id, pledge_id, part) references pledge_part (book_id, pledge_id, part)
);
create trigger pledge_notice_append_only before update or delete on pledge_notice for each row execute function refuse_change();
create trigger pledge_notice_keep before truncate on pledge_notice for each statement execute function refuse_change();

alter table private.letter drop constraint letter_kind_check;
alter table private.letter add constraint letter_kind_check
  check (kind in ('sign_in', 'receipt', 'reminder', 'stopped', 'refund_declined', 'failing', 'upcoming', 'pledge_due', 'pledge_late'));

call raise_wall('pledge_notice');
grant select, insert on pledge_notice to sunfund_app;
