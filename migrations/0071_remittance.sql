-- A payment that its bank line confirmed is told to who signs in for its organisation, once. Payments confirmed before are not told of anew.
alter table disbursement
  add note_due boolean not null default false,
  add noted_at timestamptz; -- the letter went out; null: not yet, or nobody signs in for the payee
create index disbursement_note on disbursement (book_id, number) where note_due;

grant update (note_due, noted_at) on disbursement to sunfund_app;
