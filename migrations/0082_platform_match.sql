-- Match that the gifts of a booked platform file earned, by campaign and fund, so that a statement does not add up all gifts of all files on each view. A campaign
-- whose gifts earned none has its line too: a booked file without lines was booked by a program of before this file, and is added up gift by gift.
create table platform_match (
  book_id     int4 not null,
  file_id     uuid not null,
  campaign_id int4 not null,
  fund_id     int4 not null,
  amount      int8 not null check (amount >= 0), -- minor units of the book's currency
  primary key (book_id, file_id, campaign_id, fund_id)
);

-- Files that were booked before. The wall holds for the owner too, so it is lifted meanwhile.
alter table platform_file no force row level security;
alter table platform_gift no force row level security;

insert into platform_match (book_id, file_id, campaign_id, fund_id, amount)
select f.book_id, f.id, g.campaign_id, g.fund_id, sum(g.match)
  from platform_file f
  join platform_gift g on g.book_id = f.book_id and g.file_id = f.id
 where f.state = 'booked'
 group by f.book_id, f.id, g.campaign_id, g.fund_id;

alter table platform_file force row level security;
alter table platform_gift force row level security;

create trigger platform_match_append_only before update or delete on platform_match for each row execute function refuse_change();
create trigger platform_match_keep before truncate on platform_match for each statement execute function refuse_change();

call raise_wall('platform_match');

grant select, insert on platform_match to sunfund_app;
