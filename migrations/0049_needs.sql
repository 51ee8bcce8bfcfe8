-- The three books of a street (三本账): needs and ideas, offers of social organisations, resources and funding; and intents that link them.

create table need_item (
  book_id      int4 not null,
  id           uuid not null,
  number       int4 not null,
  book         text not null check (book in ('need', 'idea', 'offer', 'means')),
  street_id    int4 not null,
  community_id int4, -- null: the whole street
  title        text not null check (length(title) between 2 and 60),
  story        text not null check (length(story) <= 1000),
  place        text not null check (length(place) <= 100),
  people       int4 not null check (people between 0 and 1000000), -- zero: not told
  amount       int8 not null check (amount >= 0),                  -- zero: not told
  firm         text not null check (length(firm) <= 100),          -- who offers; no natural person
  state        text not null check (state in ('filed', 'listed', 'merged', 'answered', 'taken', 'done')),
  answer       text not null default '' check (length(answer) <= 400),
  merged_into  uuid,
  resident_id  uuid, -- who filed it on the phone
  filed_at     timestamptz not null,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, street_id) references street (book_id, street_id),
  foreign key (book_id, community_id) references community (book_id, community_id),
  foreign key (book_id, merged_into) references need_item (book_id, id),
  constraint need_item_merged check ((state = 'merged') = (merged_into is not null)),
  constraint need_item_answered check (state not in ('answered', 'done') or answer <> ''),
  constraint need_item_offered check (book not in ('offer', 'means') or firm <> '')
);
create index need_item_street on need_item (book_id, street_id, number);

-- A resident who wants it too, once.
create table need_support (
  book_id     int4 not null,
  need_id     uuid not null,
  resident_id uuid not null,
  primary key (book_id, need_id, resident_id),
  foreign key (book_id, need_id) references need_item (book_id, id)
);

-- Photos as JPEG, drawn anew: nothing that the camera wrote into the file is left.
create table need_photo (
  book_id int4 not null,
  need_id uuid not null,
  hash    bytea not null check (length(hash) = 32),
  body    bytea not null check (length(body) between 1 and 5242880),
  primary key (book_id, need_id, hash),
  foreign key (book_id, need_id) references need_item (book_id, id)
);

create table need_intent (
  book_id  int4 not null,
  id       uuid not null,
  need_id  uuid not null,
  offer_id uuid not null,
  means_id uuid, -- resources or funding on offer, or
  fund_id  int4, -- a fund that pays
  amount   int8 not null check (amount > 0),
  state    text not null check (state in ('meant', 'proposed', 'dropped')),
  primary key (book_id, id),
  foreign key (book_id, need_id) references need_item (book_id, id),
  foreign key (book_id, offer_id) references need_item (book_id, id),
  foreign key (book_id, means_id) references need_item (book_id, id),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  constraint need_intent_money check (num_nonnulls(means_id, fund_id) = 1)
);
create index need_intent_need on need_intent (book_id, need_id);
create index need_intent_offer on need_intent (book_id, offer_id);

create trigger need_item_keep before delete on need_item for each row execute function refuse_change();
create trigger need_support_append_only before update or delete on need_support for each row execute function refuse_change();
create trigger need_support_keep before truncate on need_support for each statement execute function refuse_change();
create trigger need_photo_keep before update on need_photo for each row execute function refuse_change();
create trigger need_intent_keep before delete on need_intent for each row execute function refuse_change();

call raise_wall('need_item');
call raise_wall('need_support');
call raise_wall('need_photo');
call raise_wall('need_intent');

grant select, insert on need_item, need_support, need_photo, need_intent to sunfund_app;
grant update (state, answer, merged_into) on need_item to sunfund_app;
grant update (state) on need_intent to sunfund_app;
