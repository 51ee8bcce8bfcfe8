-- Posts about how a campaign or a project goes on (进展). What was written stays as it was written; that a second person showed it to the public, and
-- that it was withdrawn or never shown, are facts beside it.

create table update_post (
  book_id     int4 not null,
  id          uuid not null,
  campaign_id int4,
  project_id  uuid,
  title_zh    text not null check (length(title_zh) <= 100),
  title_en    text not null check (length(title_en) <= 100),
  text_zh     text not null check (length(text_zh) <= 4000 and (text_zh = '') = (title_zh = '')),
  text_en     text not null check (length(text_en) <= 4000 and (text_en = '') = (title_en = '')),
  payee_id    uuid,                                           -- the organisation that wrote it; none: the association or a street
  written_by  uuid not null,
  written_at  timestamptz not null,
  primary key (book_id, id),
  unique (book_id, id, written_by),
  foreign key (book_id, campaign_id) references campaign (book_id, campaign_id),
  foreign key (book_id, project_id) references project (book_id, id),
  foreign key (book_id, payee_id) references payee (book_id, id),
  check (num_nonnulls(campaign_id, project_id) = 1),
  check (title_zh <> '' or title_en <> '')
);
create index update_post_campaign on update_post (book_id, campaign_id, written_at, id) where campaign_id is not null;
create index update_post_project on update_post (book_id, project_id, written_at, id) where project_id is not null;

create table update_photo (
  book_id int4 not null,
  post_id uuid not null,
  place   int2 not null check (place between 1 and 4),
  body    bytea not null check (length(body) between 1 and 5242880),
  primary key (book_id, post_id, place),
  foreign key (book_id, post_id) references update_post (book_id, id)
);

-- The number is the post's public one, in the order of showing. Whoever wrote a post does not show it.
create table update_shown (
  book_id    int4 not null,
  post_id    uuid not null,
  number     int4 not null check (number > 0),
  written_by uuid not null,
  shown_by   uuid not null,
  shown_at   timestamptz not null,
  primary key (book_id, post_id),
  unique (book_id, number),
  foreign key (book_id, post_id, written_by) references update_post (book_id, id, written_by),
  constraint update_shown_second_person check (shown_by <> written_by)
);

-- Of a post that was shown: withdrawn, with the reason that the public reads. Of another: it will not be shown.
create table update_end (
  book_id  int4 not null,
  post_id  uuid not null,
  reason   text not null check (length(reason) between 1 and 400),
  ended_by uuid not null,
  ended_at timestamptz not null,
  primary key (book_id, post_id),
  foreign key (book_id, post_id) references update_post (book_id, id)
);

do $$
declare one text;
begin
  foreach one in array array['update_post', 'update_photo', 'update_shown', 'update_end'] loop
    execute format('create trigger %s_append_only before update or delete on %1$s for each row execute function refuse_change()', one);
    execute format('create trigger %s_keep before truncate on %1$s for each statement execute function refuse_change()', one);
  end loop;
end $$;

call raise_wall('update_post');
call raise_wall('update_photo');
call raise_wall('update_shown');
call raise_wall('update_end');
grant select, insert on update_post, update_photo, update_shown, update_end to sunfund_app;
