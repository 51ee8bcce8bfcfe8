-- Files that are too long to be made while a browser waits: who asked for what, how far it is, and the file, which goes after a day. The auditor's bundle is one
-- of them; bundle_run stays for a release, for the program before this one.

create table export_run (
  book_id    int4 not null,
  id         uuid not null,
  what       text not null check (length(what) between 1 and 60), -- the page that has the file
  ask        bytea not null check (length(ask) <= 4096),          -- its address, sealed where the book has keys, since a filter may name somebody; empty once the file is gone
  title      text not null check (length(title) <= 400),
  lang       text not null check (length(lang) <= 10),
  funds      int4[],                                              -- what whoever asked saw; null: the whole book
  asked_by   uuid not null,
  asked_at   timestamptz not null,
  tries      int2 not null default 0 check (tries >= 0),
  begun_at   timestamptz,
  told_at    timestamptz not null,
  stopping   boolean not null default false,
  ended_at   timestamptz,
  problem    text not null default '' check (problem in ('', 'stopped', 'broken', 'failed', 'late', 'long')), -- why there is no file
  part       text not null default '' check (length(part) <= 200), -- of a bundle: the file being written
  done       int8 not null default 0 check (done >= 0),
  total      int8 not null check (total >= 0),                     -- rows, or as many as were counted
  root       text not null default '' check (root ~ '^([0-9a-f]{64})?$'), -- of a bundle: SHA-256 of its SHA256SUMS
  name       text not null default '' check (length(name) <= 200),
  kind       text not null default '' check (length(kind) <= 100),
  size       int8 not null default 0 check (size >= 0),
  parts      int4 not null default 0 check (parts >= 0),
  sealed_by  text,
  sealed_key bytea,
  gone_at    timestamptz, -- since when there is no file any more
  primary key (book_id, id),
  constraint export_run_end check (ended_at is not null or problem = '' and root = '' and gone_at is null),
  constraint export_run_sealed check ((sealed_by is null) = (sealed_key is null))
);
create index export_run_asked on export_run (book_id, asked_by, asked_at);
create index export_run_open on export_run (book_id, asked_at) where ended_at is null;
create index export_run_kept on export_run (book_id, ended_at) where gone_at is null;
create trigger export_run_keep before delete on export_run for each row execute function refuse_change();

-- Bundles that were made before. The wall holds for the owner too, so it is lifted meanwhile.
alter table bundle_run no force row level security;
insert into export_run (book_id, id, what, ask, title, lang, asked_by, asked_at, tries, begun_at, told_at, ended_at, problem, part, done, total, root, gone_at)
select book_id, id, '/console/bundle/file', '', '审计包', 'zh-CN', made_by, started_at, 1, started_at, told_at, coalesce(ended_at, told_at), case when root is null then 'broken' else '' end, file, done, entries,
       coalesce(root, ''), coalesce(ended_at, told_at)
  from bundle_run;
alter table bundle_run force row level security;
call raise_wall('export_run');

-- The file in pieces, sealed where the book has keys. What a crash of the server takes can be made again, so it costs no log.
create unlogged table export_part (
  book_id int4 not null,
  run_id  uuid not null,
  try     int2 not null,
  no      int4 not null,
  body    bytea not null check (length(body) <= 2097152),
  primary key (book_id, run_id, try, no)
);
call raise_wall('export_part');

grant select, insert on export_run to sunfund_app;
grant update (ask, tries, begun_at, told_at, stopping, ended_at, problem, part, done, total, root, name, kind, size, parts, sealed_by, sealed_key, gone_at) on export_run to sunfund_app;
grant select, insert, delete on export_part to sunfund_app;
