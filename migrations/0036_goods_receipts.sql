-- Donation receipts for gifts in kind: to the giver of a lot at the value it was received for, or at the price when the artist gave
-- only the proceeds; to the buyer at auction over what was paid beyond the value. They use the same numbers as all others.

alter table receipt drop constraint receipt_face_check;
alter table receipt add constraint receipt_face_check check (face in ('single', 'merged', 'goods'));

create table receipt_goods (
  book_id    int4 not null,
  lot_id     uuid not null,
  role       text not null check (role in ('artist', 'buyer')),
  issue      int2 not null check (issue > 0),
  receipt_id uuid not null,
  amount     int8 not null check (amount > 0),
  primary key (book_id, lot_id, role, issue),
  unique (book_id, receipt_id),
  foreign key (book_id, lot_id) references lot (book_id, id),
  foreign key (book_id, receipt_id) references receipt (book_id, id)
);

-- The next receipt waits for the void of the one before.
create function check_receipt_goods() returns trigger language plpgsql as $$
begin
  if exists (select from added n
              where n.issue > 1
                and not exists (select from receipt_goods g
                                  join receipt_void v on v.book_id = g.book_id and v.receipt_id = g.receipt_id
                                 where g.book_id = n.book_id and g.lot_id = n.lot_id and g.role = n.role and g.issue = n.issue - 1)) then
    raise exception 'a lot has a receipt that is not void'
      using errcode = 'integrity_constraint_violation', constraint = 'receipt_goods_once';
  end if;
  return null;
end
$$;
create trigger receipt_goods_once after insert on receipt_goods referencing new table as added
  for each statement execute function check_receipt_goods();

create trigger receipt_goods_append_only before update or delete on receipt_goods for each row execute function refuse_change();
create trigger receipt_goods_keep before truncate on receipt_goods for each statement execute function refuse_change();

call raise_wall('receipt_goods');

grant select, insert on receipt_goods to sunfund_app;
