-- Gifts in kind, charity auctions, pledges of firms, services given.

-- A lot: pieces of one kind from one giver. Without a value it stands in the memo accounts, one yuan a piece.
create table lot (
  book_id     int4 not null,
  id          uuid not null,
  number      int4 not null,
  kind        text not null check (kind in ('art', 'goods')),
  title       text not null check (length(title) between 1 and 120),
  unit        text not null check (length(unit) between 1 and 20),
  pieces      int4 not null check (pieces > 0),
  fund_id     int4 not null,
  campaign_id int4 not null,
  firm        text not null default '' check (length(firm) <= 100),
  donor_id    uuid,
  keeps_title boolean not null, -- the artist gives only what it is sold for
  received_on date not null,
  place       text not null default '' check (length(place) <= 100), -- where it is kept
  basis       text not null default 'none' check (basis in ('none', 'document', 'appraisal')),
  appraiser   text not null default '' check (length(appraiser) <= 100),
  value       int8 not null default 0 check (value >= 0), -- what it was received for
  state       text not null check (state in ('kept', 'auction', 'sold', 'used', 'returned', 'void')),
  left_pieces int4 not null check (left_pieces between 0 and pieces),
  left_value  int8 not null check (left_value between 0 and value), -- on 1201
  impaired    int8 not null default 0 check (impaired between 0 and left_value), -- on 1202
  primary key (book_id, id),
  unique (book_id, number),
  constraint lot_title check (not keeps_title or value = 0),
  constraint lot_basis check ((basis = 'none') = (value = 0))
);
create index lot_open on lot (book_id, number) where state in ('kept', 'auction');

create table auction (
  book_id   int4 not null,
  id        uuid not null,
  lot_id    uuid not null,
  held_on   date not null,
  house     text not null check (length(house) between 1 and 100), -- who holds it
  reserve   int8 not null check (reserve >= 0),
  state     text not null check (state in ('open', 'sold', 'unsold')),
  hammer    int8 check (hammer > 0),
  costs     int8 check (costs >= 0),
  buyer_id  uuid,
  way       text check (way in ('gross', 'premium')),
  primary key (book_id, id),
  foreign key (book_id, lot_id) references lot (book_id, id),
  constraint auction_sold check ((state = 'sold') = (hammer is not null) and (state = 'sold') = (buyer_id is not null))
);
create unique index auction_open on auction (book_id, lot_id) where state = 'open';
create index auction_lot on auction (book_id, lot_id, id);

create table bidder (
  book_id    int4 not null,
  id         uuid not null,
  auction_id uuid not null,
  paddle     int4 not null check (paddle > 0),
  firm       text not null default '' check (length(firm) <= 100),
  donor_id   uuid,
  deposit    int8 not null check (deposit > 0),
  state      text not null check (state in ('held', 'applied', 'returned')),
  primary key (book_id, id),
  unique (book_id, auction_id, paddle),
  foreign key (book_id, auction_id) references auction (book_id, id)
);

-- What a firm has promised. Not income: it stands in the memo accounts until it comes or is given up.
create table pledge (
  book_id     int4 not null,
  id          uuid not null,
  number      int4 not null,
  firm        text not null check (length(firm) between 1 and 100),
  fund_id     int4 not null,
  campaign_id int4 not null,
  document    text not null check (length(document) between 1 and 200),
  signed_on   date not null,
  amount      int8 not null check (amount > 0),
  received    int8 not null default 0,
  given_up    int8 not null default 0,
  state       text not null check (state in ('open', 'kept', 'ended', 'void')),
  primary key (book_id, id),
  unique (book_id, number),
  constraint pledge_sum check (received >= 0 and given_up >= 0 and received + given_up <= amount)
);
create index pledge_open on pledge (book_id, number) where state = 'open';

create table pledge_part (
  book_id     int4 not null,
  pledge_id   uuid not null,
  part        int2 not null,
  due         date not null,
  amount      int8 not null check (amount > 0),
  reminded_on date,
  primary key (book_id, pledge_id, part),
  foreign key (book_id, pledge_id) references pledge (book_id, id)
);

-- A service given. It is income and cost at once when it has an invoice at fair value; else it is told in the notes.
create table service_gift (
  book_id     int4 not null,
  id          uuid not null,
  day         date not null,
  what        text not null check (length(what) between 1 and 120),
  firm        text not null default '' check (length(firm) <= 100),
  donor_id    uuid,
  minutes     int4 not null check (minutes > 0),
  fund_id     int4 not null,
  campaign_id int4 not null,
  value       int8 not null default 0 check (value >= 0), -- booked
  document    text not null default '' check (length(document) <= 200),
  primary key (book_id, id),
  constraint service_gift_document check (value = 0 or document <> '')
);
create index service_gift_day on service_gift (book_id, day, id);

create trigger lot_keep before delete on lot for each row execute function refuse_change();
create trigger auction_keep before delete on auction for each row execute function refuse_change();
create trigger bidder_keep before delete on bidder for each row execute function refuse_change();
create trigger pledge_keep before delete on pledge for each row execute function refuse_change();
create trigger pledge_part_keep before delete on pledge_part for each row execute function refuse_change();
create trigger service_gift_keep before delete on service_gift for each row execute function refuse_change();

call raise_wall('lot');
call raise_wall('auction');
call raise_wall('bidder');
call raise_wall('pledge');
call raise_wall('pledge_part');
call raise_wall('service_gift');

grant select, insert on lot, auction, bidder, pledge, pledge_part, service_gift to sunfund_app;
grant update (place, basis, appraiser, value, state, left_pieces, left_value, impaired) on lot to sunfund_app;
grant update (state, hammer, costs, buyer_id, way) on auction to sunfund_app;
grant update (state) on bidder to sunfund_app;
grant update (received, given_up, state) on pledge to sunfund_app;
grant update (reminded_on) on pledge_part to sunfund_app;
grant update (value, document) on service_gift to sunfund_app;
