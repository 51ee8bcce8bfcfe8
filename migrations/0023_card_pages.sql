-- While cards are paused, payment pages that take cards are closed at the processor. Pages opened meanwhile take none.
alter table checkout_session
  add column cards       boolean not null default true,
  add column close_next  timestamptz,             -- when closing is tried (again); null: not tried
  add column close_tries int4 not null default 0;
create index checkout_session_cards on checkout_session (book_id, created_at) where state = 'open' and cards;
