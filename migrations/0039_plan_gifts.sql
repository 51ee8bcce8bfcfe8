-- Which plan a gift pays. It is noted when the gift is begun and counts once it is paid: a rule of match may ask which payment a gift is.
create table plan_gift (
  book_id int4 not null,
  gift_id uuid not null,
  plan_id uuid not null,
  primary key (book_id, gift_id),
  foreign key (book_id, plan_id) references plan (book_id, id)
);
create index plan_gift_plan on plan_gift (book_id, plan_id, gift_id);

-- Gifts of plans that stand: the first one, those that a card paid, and those of letters, whose forms are named after plan, month and try.
alter table plan no force row level security;
alter table plan_month no force row level security;
alter table plan_charge no force row level security;
alter table checkout no force row level security;

insert into plan_gift (book_id, gift_id, plan_id)
select book_id, first_gift, id from plan
 union
select book_id, gift_id, plan_id from plan_charge where gift_id is not null
 union
select m.book_id, c.id, m.plan_id
  from plan_month m
 cross join lateral generate_series(0, m.tries) t(try)
 cross join lateral (select substr(sha256(convert_to(format(E'plan\n%s\n%s\n%s', m.plan_id, to_char(m.month, 'YYYY-MM'), t.try), 'UTF8')), 1, 16) as b) h
  join checkout c on c.book_id = m.book_id
   and c.form_id = encode(set_byte(set_byte(h.b, 6, get_byte(h.b, 6) & 15 | 128), 8, get_byte(h.b, 8) & 63 | 128), 'hex')::uuid
on conflict do nothing;

alter table plan force row level security;
alter table plan_month force row level security;
alter table plan_charge force row level security;
alter table checkout force row level security;

create trigger plan_gift_append_only before update or delete on plan_gift for each row execute function refuse_change();
create trigger plan_gift_keep before truncate on plan_gift for each statement execute function refuse_change();

call raise_wall('plan_gift');
grant select, insert on plan_gift to sunfund_app;
