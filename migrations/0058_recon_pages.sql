-- A million lines matched by key are a thousand rows. A page holds, for up to a thousand lines of one file, which gift each line is; lines that are matched
-- otherwise stand in recon_member as before. One on a page that was taken apart has a row in recon_member that is not live, of the same run.
create table recon_page (
  book_id   int4 not null,
  file_id   uuid not null,
  page      int4 not null check (page >= 0), -- of the file: lines from page * 1000 + 1 on
  source_id int4 not null,
  run_no    int4 not null,
  lines     int4 not null check (lines between 1 and 1000), -- that are matched
  from_at   timestamptz not null, -- when the first and the last of the gifts were given: by this a gift finds its page
  to_at     timestamptz not null,
  places    int2[] not null, -- of the lines, from 0, in no order
  ours      uuid[] not null, -- the gift of each
  primary key (book_id, file_id, page), -- a page is written once, so no line of it is matched twice
  check (from_at <= to_at and cardinality(places) = lines and cardinality(ours) = lines)
);
alter table recon_page alter places set storage external, alter ours set storage external; -- ids do not get shorter
create index recon_page_at on recon_page (book_id, to_at, from_at);
create index recon_page_run on recon_page (book_id, run_no);

create trigger recon_page_append_only before update or delete on recon_page for each row execute function refuse_change();
create trigger recon_page_keep before truncate on recon_page for each statement execute function refuse_change();
call raise_wall('recon_page');
grant select, insert on recon_page to sunfund_app;

-- The pages' side of the unique indexes of recon_member: a line or gift that is on a page is not matched again while that match holds.
create function refuse_on_page() returns trigger language plpgsql set enable_nestloop = on set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if exists (select from recon_page p where p.book_id in (select book_id from fresh)) and (
     exists (select from fresh f
              cross join lateral (select l.file_id, l.line_no from ext_line l where l.book_id = f.book_id and l.source_id = f.source_id and l.line_key = f.line_key limit 1) l
              cross join lateral (select p.run_no from recon_page p where p.book_id = f.book_id and p.file_id = l.file_id and p.page = (l.line_no - 1) / 1000
                                     and ((l.line_no - 1) % 1000)::int2 = any(p.places) limit 1) p
              where f.live
                and not exists (select from recon_member d where not d.live and d.book_id = f.book_id and d.source_id = f.source_id and d.line_key = f.line_key and d.run_no = p.run_no))
     or exists (select from fresh f
              cross join lateral (select g.paid_at from gift g where g.book_id = f.book_id and g.id = f.ours limit 1) g
              cross join lateral (select p.run_no from recon_page p where p.book_id = f.book_id and p.to_at >= g.paid_at and p.from_at <= g.paid_at and p.source_id = f.source_id
                                     and f.ours = any(p.ours) limit 1) p
              where f.live and f.kind = 1 and f.part = 0
                and not exists (select from recon_member d where not d.live and d.book_id = f.book_id and d.source_id = f.source_id and d.ours = f.ours and d.run_no = p.run_no))) then
    raise exception 'it is matched already' using errcode = 'unique_violation';
  end if;
  return null;
end
$$;
create trigger recon_member_page after insert on recon_member referencing new table as fresh for each statement execute function refuse_on_page();

-- Lines are found by their key, by their place in a file, and by day; rows lie in the order of files, so days need no entry a line.
drop index ext_line_file;
drop index ext_line_day;
create unique index ext_line_place on ext_line (book_id, file_id, line_no);
create index ext_line_day on ext_line using brin (book_id, source_id, booked_on) with (pages_per_range = 32, autosummarize = on);
