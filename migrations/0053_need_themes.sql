-- What a need is about and what an offer is for, so that the two are found for each other; whose offer it is; offers for every street.

alter table need_item
  add column theme text not null default 'other'
    check (theme in ('elderly', 'children', 'disabled', 'families', 'homes', 'health', 'culture', 'environment', 'safety', 'neighbours', 'other')),
  add column payee_id uuid, -- the organisation of the directory that offers
  alter column street_id drop not null,
  add constraint need_item_payee foreign key (book_id, payee_id) references payee (book_id, id),
  add constraint need_item_street check (street_id is not null or book in ('offer', 'means')), -- null: for every street
  add constraint need_item_place check (community_id is null or street_id is not null),
  add constraint need_item_firm check (payee_id is null or book in ('offer', 'means'));
create index need_item_firm on need_item (book_id, payee_id, number) where payee_id is not null;
create index need_item_resident on need_item (book_id, resident_id, number) where resident_id is not null;
