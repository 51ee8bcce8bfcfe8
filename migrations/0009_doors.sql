-- How often forms and look-ups that need no account were used, and on whose sites a campaign's figures may stand.

-- Counted in a running window per form, by what the browser holds (the id of its form) and by address, shared by all
-- processes. Subjects are hashed.
create table form_turn (
  book_id     int4 not null,
  form        text not null check (length(form) between 1 and 20),
  kind        text not null check (kind in ('visitor', 'address')),
  subject     bytea not null check (length(subject) = 32),
  turns       int4 not null check (turns >= 0),
  window_ends timestamptz not null,
  primary key (book_id, form, kind, subject)
);
create index form_turn_old on form_turn (book_id, window_ends);

-- Origins whose pages may hold the small page of a campaign in a frame. Who allowed and removed them is in the audit trail.
create table widget_site (
  book_id  int4 not null,
  origin   text not null check (origin ~ '^https://[a-z0-9.-]{1,240}(:[0-9]{1,5})?$'),
  added_at timestamptz not null,
  added_by uuid not null,
  primary key (book_id, origin)
);

call raise_wall('form_turn');
call raise_wall('widget_site');
grant select, insert, delete on form_turn, widget_site to sunfund_app; -- counts that have run out, sites that are removed
grant update (turns, window_ends) on form_turn to sunfund_app;
