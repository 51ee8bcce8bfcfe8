-- The second fence between books. A session sees and writes the rows of the book that the parameter sunfund.book names;
-- without it there are none. internal/pg sets it. The wall holds for the owner of the tables too; superusers and roles
-- with bypassrls, such as the one that makes backups, stand outside.
-- A later migration says `call raise_wall('its_table')` for each table it makes.

create procedure raise_wall(of regclass) language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('alter table %s enable row level security', of);
  execute format('alter table %s force row level security', of);
  -- The sub-select is computed once a statement; the bare expression was computed once a row.
  execute format($policy$
    create policy book_wall on %s
     using (book_id = (select nullif(current_setting('sunfund.book', true), '')::int4))
      with check (book_id = (select nullif(current_setting('sunfund.book', true), '')::int4))
    $policy$, of);
end
$$;
revoke all on procedure raise_wall(regclass) from public;

do $$
declare
  t regclass;
begin
  for t in
    select c.oid::regclass
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'book_id'
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'book'
     order by c.relname
  loop
    call raise_wall(t);
  end loop;
end
$$;
