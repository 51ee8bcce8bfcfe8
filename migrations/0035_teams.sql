-- Teams (一起捐): people who give together under a campaign, and the flowers that others give them.

create table team (
  book_id     int4 not null,
  id          uuid not null,
  code        text not null check (code ~ '^[a-z2-7]{16}$'), -- unguessable, of its address
  campaign_id int4 not null,
  gift_id     uuid not null, -- of whoever began it: one gift begins one team
  title       text not null check (length(title) between 2 and 40),
  goal        int8 not null check (goal > 0), -- minor units of the book's currency
  made_at     timestamptz not null,
  hidden      boolean not null default false, -- by the association; its gifts stay what they are
  primary key (book_id, id),
  unique (book_id, code),
  unique (book_id, gift_id)
);
create index team_campaign on team (book_id, campaign_id, id);

-- A gift begun through a team's link. It counts once it is paid.
create table team_gift (
  book_id int4 not null,
  gift_id uuid not null,
  team_id uuid not null,
  primary key (book_id, gift_id),
  foreign key (book_id, team_id) references team (book_id, id)
);
create index team_gift_team on team_gift (book_id, team_id, gift_id);

-- A flower: one from each person for a team. person is a keyed hash that says nothing outside of the book.
create table flower (
  book_id  int4 not null,
  team_id  uuid not null,
  person   text not null check (person ~ '^[0-9a-f]{24}$'),
  given_at timestamptz not null,
  primary key (book_id, team_id, person),
  foreign key (book_id, team_id) references team (book_id, id)
);
create index flower_person on flower (book_id, person, given_at);

create trigger team_keep before delete on team for each row execute function refuse_change();
create trigger team_gift_append_only before update or delete on team_gift for each row execute function refuse_change();
create trigger team_gift_keep before truncate on team_gift for each statement execute function refuse_change();
create trigger flower_append_only before update or delete on flower for each row execute function refuse_change();
create trigger flower_keep before truncate on flower for each statement execute function refuse_change();

call raise_wall('team');
call raise_wall('team_gift');
call raise_wall('flower');
grant select, insert on team, team_gift, flower to sunfund_app;
grant update (hidden) on team to sunfund_app;
