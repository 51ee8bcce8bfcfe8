-- Cash: collection boxes and kiosks (福彩善心亭) with who has them, counts by two people, the way to the bank.

create table box (
  book_id     int4 not null,
  id          uuid not null,
  code        text not null check (code ~ '^[A-Za-z0-9-]{1,20}$'),
  kind        text not null check (kind in ('box', 'kiosk')),
  campaign_id int4 not null, -- what the notice on it says
  open_days   int2 not null check (open_days between 1 and 400), -- opened at the latest this long after it was sealed
  state       text not null check (state in ('issued', 'placed', 'sealed', 'opening', 'opened', 'retired')),
  place       text not null default '' check (length(place) <= 100),
  keeper      text not null default '' check (length(keeper) <= 100), -- the firm or office that looks after it
  seal        text not null default '' check (length(seal) <= 40),
  since       date not null, -- in this state
  opened_by   uuid, -- who opens it; a second person confirms
  primary key (book_id, id),
  unique (book_id, code),
  constraint box_sealed check (state <> 'sealed' or seal <> ''),
  constraint box_opener check (state <> 'opening' or opened_by is not null)
);

-- A count by denomination. It becomes a gift when a second person has counted the same.
create table cash_count (
  book_id      int4 not null,
  id           uuid not null,
  box_id       uuid, -- null: cash handed in
  campaign_id  int4 not null,
  fund_id      int4 not null,
  day          date not null,
  sheet        jsonb not null, -- pieces by denomination in minor units
  counted      int8 not null check (counted >= 0),
  slips        int8 not null check (slips >= 0), -- what the slips given to donors add up to; the gift
  reason       text not null default '' check (length(reason) <= 200), -- of a difference between the two
  state        text not null check (state in ('counted', 'confirmed', 'void')),
  counted_by   uuid not null,
  counted_at   timestamptz not null,
  confirmed_by uuid,
  confirmed_at timestamptz,
  gift_id      uuid,
  deposit_id   uuid,
  primary key (book_id, id),
  foreign key (book_id, box_id) references box (book_id, id),
  constraint cash_count_second_person check (confirmed_by <> counted_by),
  constraint cash_count_confirmed check ((state = 'confirmed') = (confirmed_by is not null)),
  constraint cash_count_reason check (slips = counted or reason <> '')
);
create index cash_count_open on cash_count (book_id, day, id) where state = 'counted' or deposit_id is null;
create index cash_count_box on cash_count (book_id, box_id, id) where box_id is not null;
create index cash_count_deposit on cash_count (book_id, deposit_id) where deposit_id is not null;

-- Counted cash on its way to the bank.
create table cash_deposit (
  book_id    int4 not null,
  id         uuid not null,
  day        date not null,
  amount     int8 not null check (amount > 0),
  bank       text not null check (bank in ('bank.basic', 'bank.online')),
  bag        text not null check (length(bag) between 1 and 40), -- number of the sealed bag
  state      text not null check (state in ('carried', 'banked')),
  carried_by uuid not null,
  banked_on  date,
  received   int8 check (received >= 0),
  bank_ref   text not null default '' check (length(bank_ref) <= 100),
  cause      text not null default '' check (length(cause) <= 200),
  banked_by  uuid,
  primary key (book_id, id),
  constraint cash_deposit_second_person check (banked_by <> carried_by),
  constraint cash_deposit_banked check ((state = 'banked') = (received is not null) and (state = 'banked') = (banked_by is not null)),
  constraint cash_deposit_cause check (received = amount or cause <> '')
);
create index cash_deposit_open on cash_deposit (book_id, day, id) where state = 'carried';

create trigger box_keep before delete on box for each row execute function refuse_change();
create trigger cash_count_keep before delete on cash_count for each row execute function refuse_change();
create trigger cash_deposit_keep before delete on cash_deposit for each row execute function refuse_change();

call raise_wall('box');
call raise_wall('cash_count');
call raise_wall('cash_deposit');

grant select, insert on box, cash_count, cash_deposit to sunfund_app;
grant update (state, place, keeper, seal, since, opened_by) on box to sunfund_app;
grant update (state, confirmed_by, confirmed_at, gift_id, deposit_id) on cash_count to sunfund_app;
grant update (state, banked_on, received, bank_ref, cause, banked_by) on cash_deposit to sunfund_app;

-- The steps of one record in the order in which they were taken; clocks do not tell it.
alter table record_step add column number int4 check (number > 0);
create unique index record_step_number on record_step (book_id, object, number);
