-- Why the rest of a closed fund went where it went, and the entry that moved it. A fund that was closed before says neither.
alter table fund_file
  add column rest_basis  text not null default '' check (rest_basis in ('', 'similar', 'filing', 'consent')),
  add column rest_ref    text not null default '' check (length(rest_ref) <= 100),
  add column rest_reason text not null default '' check (length(rest_reason) <= 200),
  add column rest_entry  uuid;

grant update (rest_basis, rest_ref, rest_reason, rest_entry) on fund_file to sunfund_app;
