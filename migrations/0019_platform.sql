-- Files of giving platforms (公益平台): how they are read, what stood in them, what the platform paid of it.

-- How files of one platform are read. A change is a new version; each file remembers which one read it.
create table platform_profile (
  book_id  int4 not null,
  id       uuid not null,
  platform text not null check (platform ~ '^[a-z0-9-]{2,20}$'), -- order numbers are its own
  version  int4 not null check (version > 0),
  name     text not null check (length(name) between 1 and 60),
  layout   jsonb not null,
  made_by  uuid not null,
  made_at  timestamptz not null,
  primary key (book_id, id),
  unique (book_id, platform, version)
);

-- A file as it came. Its text names donors, so it is sealed, and gone once it is booked or put aside.
create table platform_file (
  book_id    int4 not null,
  id         uuid not null,
  name       text not null check (length(name) between 1 and 120),
  hash       bytea not null check (length(hash) = 32),
  size       int4 not null check (size between 1 and 8388608),
  state      text not null check (state in ('new', 'read', 'booked', 'dropped')),
  profile_id uuid,
  sealed_by  text,
  sealed_key bytea,
  body       bytea,
  told       jsonb,  -- totals of the platform's letter, as they were typed
  counted    jsonb,  -- totals of the file, written when it is booked
  last_day   date,   -- of its gifts; what is not settled is as old as that
  made_by    uuid not null,
  made_at    timestamptz not null,
  booked_at  timestamptz,
  primary key (book_id, id),
  foreign key (book_id, profile_id) references platform_profile (book_id, id),
  constraint platform_file_body check ((body is not null) = (state in ('new', 'read'))),
  constraint platform_file_sealed check ((body is null) = (sealed_key is null) and (body is null) = (sealed_by is null)),
  constraint platform_file_profile check (profile_id is not null or state in ('new', 'dropped')),
  constraint platform_file_booked check ((state = 'booked') = (booked_at is not null))
);
create index platform_file_hash on platform_file (book_id, hash) where state <> 'dropped';
create index platform_file_made on platform_file (book_id, made_at);

-- A gift of a file, booked once under its order number, with the match that the platform's foundation promises for it.
create table platform_gift (
  book_id     int4 not null,
  platform    text not null,
  order_no    text not null check (length(order_no) between 1 and 100),
  file_id     uuid not null,
  line        int4 not null,
  gift_id     uuid not null,
  campaign_id int4 not null,
  fund_id     int4 not null,
  day         date not null,
  amount      int8 not null check (amount > 0),
  fee         int8 not null check (fee >= 0),
  match       int8 not null check (match >= 0),
  primary key (book_id, platform, order_no)
);
create index platform_gift_file on platform_gift (book_id, file_id, line);

-- A line that was not booked, and why. What it said of a donor is not kept.
create table platform_fault (
  book_id  int4 not null,
  file_id  uuid not null,
  line     int4 not null,
  order_no text not null default '' check (length(order_no) <= 100),
  field    text not null default '' check (length(field) <= 20),
  reason   text not null check (reason ~ '^[a-z-]{2,30}$'),
  primary key (book_id, file_id, line)
);

-- What ends a part of what the platform holds, by campaign: money on a bank line, a fee it kept, match it does not pay.
create table platform_settlement (
  book_id     int4 not null,
  id          uuid not null,
  campaign_id int4 not null,
  file_id     uuid not null,
  fund_id     int4 not null,
  kind        text not null check (kind in ('paid', 'fee', 'disallowed')),
  day         date not null,
  gifts       int8 not null check (gifts >= 0),
  match       int8 not null check (match >= 0),
  bank_ref    text not null default '' check (length(bank_ref) <= 80),
  reason      text not null default '' check (length(reason) <= 200),
  gift_id     uuid, -- of the match that was paid
  primary key (book_id, id, campaign_id),
  constraint platform_settlement_kind check (case kind when 'paid' then bank_ref <> '' and gifts + match > 0
    when 'fee' then gifts > 0 and match = 0 and reason <> '' else gifts = 0 and match > 0 and reason <> '' end),
  constraint platform_settlement_gift check ((gift_id is not null) = (kind = 'paid' and match > 0))
);
create index platform_settlement_file on platform_settlement (book_id, file_id);

create trigger platform_profile_append_only before update or delete on platform_profile for each row execute function refuse_change();
create trigger platform_profile_keep before truncate on platform_profile for each statement execute function refuse_change();
create trigger platform_file_keep before delete on platform_file for each row execute function refuse_change();
create trigger platform_gift_append_only before update or delete on platform_gift for each row execute function refuse_change();
create trigger platform_gift_keep before truncate on platform_gift for each statement execute function refuse_change();
create trigger platform_fault_append_only before update or delete on platform_fault for each row execute function refuse_change();
create trigger platform_fault_keep before truncate on platform_fault for each statement execute function refuse_change();
create trigger platform_settlement_append_only before update or delete on platform_settlement for each row execute function refuse_change();
create trigger platform_settlement_keep before truncate on platform_settlement for each statement execute function refuse_change();

call raise_wall('platform_profile');
call raise_wall('platform_file');
call raise_wall('platform_gift');
call raise_wall('platform_fault');
call raise_wall('platform_settlement');

grant select, insert on platform_profile, platform_file, platform_gift, platform_fault, platform_settlement to sunfund_app;
grant update (state, profile_id, sealed_by, sealed_key, body, told, counted, last_day, booked_at) on platform_file to sunfund_app;
