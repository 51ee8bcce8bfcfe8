-- Personal data of donors, apart: sealed by a key per donor, which is wrapped by a key from outside of the database.
-- Nothing was published before this file, so what stood here in clear is dropped and not moved: donors of a database that was
-- tried out count as erased from here on.

create schema private;
grant usage on schema private to sunfund_app;

-- The outside keys that a book's donors are wrapped by. Who starts without one of them is told at once.
create table private.outside_key (
  book_id       int4 not null,
  key_id        text not null check (key_id ~ '^[0-9a-f]{8}$'),
  first_used_at timestamptz not null,
  primary key (book_id, key_id)
);

-- Erasing a donor takes everything but the id and when: gifts, entries and totals stay as they are.
create table private.donor (
  book_id     int4 not null,
  id          uuid not null,
  created_at  timestamptz not null,
  erased_at   timestamptz,
  name_index  int8, -- where a name is found again, whole: a hash under the outside key
  email_index int8,
  key_id      text,  -- the outside key that wraps this donor's
  key         bytea,
  name        bytea,
  email       bytea,
  primary key (book_id, id),
  check (erased_at is null and key_id is not null and length(key) = 60
         or erased_at is not null and num_nonnulls(name_index, email_index, key_id, key, name, email) = 0)
);
create index donor_name on private.donor (book_id, name_index) where name_index is not null;
create index donor_email on private.donor (book_id, email_index) where email_index is not null;

-- What a donor wrote with a gift, started or paid.
create table private.message (
  book_id  int4 not null,
  donor_id uuid not null,
  gift_id  uuid not null,
  text     bytea not null,
  primary key (book_id, donor_id, gift_id)
);

alter table donor no force row level security; -- of all books
insert into private.donor (book_id, id, created_at, erased_at) select book_id, id, created_at, now() from donor;
drop table donor;
alter table checkout drop column message;
alter table gift drop column message;

create trigger donor_stays_erased before update on private.donor for each row
  when (old.erased_at is not null) execute function refuse_change();

call raise_wall('private.outside_key');
call raise_wall('private.donor');
call raise_wall('private.message');

grant select, insert, delete on private.outside_key to sunfund_app;
grant select, insert on private.donor to sunfund_app;
grant update (erased_at, name_index, email_index, key_id, key, name, email) on private.donor to sunfund_app;
grant select, insert, delete on private.message to sunfund_app;
