-- What the public sees of projects: photos that staff chose and that were drawn anew, and the final account as it was published.

create table project_photo (
  book_id    int4 not null,
  project_id uuid not null,
  hash       bytea not null check (length(hash) = 32),
  body       bytea not null check (length(body) <= 5242880),
  primary key (book_id, project_id, hash),
  foreign key (book_id, project_id) references project (book_id, id)
);
create trigger project_photo_append_only before update or delete on project_photo for each row execute function refuse_change();
create trigger project_photo_keep before truncate on project_photo for each statement execute function refuse_change();

-- A correction is a further version, with its reason; the first one has none.
create table project_account (
  book_id    int4 not null,
  project_id uuid not null,
  version    int2 not null check (version > 0),
  body       bytea not null check (length(body) between 2 and 200000),
  hash       bytea not null check (length(hash) = 32),
  reason     text not null check (length(reason) <= 200 and (version = 1) = (reason = '')),
  day        date not null,
  primary key (book_id, project_id, version),
  foreign key (book_id, project_id) references project (book_id, id)
);
create trigger project_account_append_only before update or delete on project_account for each row execute function refuse_change();
create trigger project_account_keep before truncate on project_account for each statement execute function refuse_change();

call raise_wall('project_photo');
call raise_wall('project_account');
grant select, insert on project_photo, project_account to sunfund_app;
