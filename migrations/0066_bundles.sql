-- Auditor's bundles that were made in the console: how far each is while it is made, and afterwards the hash that whoever got it can be told.

create table bundle_run (
  book_id    int4 not null,
  id         uuid not null,
  made_by    uuid not null,
  started_at timestamptz not null,
  told_at    timestamptz not null,
  ended_at   timestamptz,
  failed     boolean not null default false,
  file       text not null default '' check (length(file) <= 200), -- being written
  done       bigint not null default 0 check (done >= 0),          -- entries of it
  entries    bigint not null default 0 check (entries >= 0),
  through    date,
  root       text check (root ~ '^[0-9a-f]{64}$'),                 -- SHA-256 of its SHA256SUMS
  primary key (book_id, id),
  constraint bundle_run_end check ((root is not null) = (ended_at is not null and not failed))
);
create index bundle_run_started on bundle_run (book_id, started_at);
create trigger bundle_run_keep before delete on bundle_run for each row execute function refuse_change();
call raise_wall('bundle_run');

grant select, insert on bundle_run to sunfund_app;
grant update (told_at, ended_at, failed, file, done, entries, through, root) on bundle_run to sunfund_app;
