-- When it was recorded, by the database's clock, what reports show as of a past moment (docs/reports.md). What was there before this migration has no
-- such time and counts from the time it was said to be done at, or as always there.
alter table source_file add column taken_at timestamptz; -- when it was imported
grant update (taken_at) on source_file to sunfund_app;

alter table break_event add column recorded_at timestamptz;
alter table break_event alter column recorded_at set default now();
alter table record_step add column recorded_at timestamptz;
alter table record_step alter column recorded_at set default now();
alter table receipt add column recorded_at timestamptz;
alter table receipt alter column recorded_at set default now();
alter table receipt_void add column recorded_at timestamptz;
alter table receipt_void alter column recorded_at set default now();
alter table law_fact add column recorded_at timestamptz;
alter table law_fact alter column recorded_at set default now();

-- A match holds from made_at until fell_at.
alter table recon_member add column made_at timestamptz, add column fell_at timestamptz;
alter table recon_member alter column made_at set default now();
grant update (fell_at) on recon_member to sunfund_app;

create or replace function refuse_rise() returns trigger language plpgsql as $$
begin
  if old.live and not new.live and (to_jsonb(new) - 'live' - 'fell_at') = (to_jsonb(old) - 'live' - 'fell_at') then
    return new;
  end if;
  raise exception 'a match is only ever revoked' using errcode = 'integrity_constraint_violation';
end
$$;

-- What projects, contracts and payments were before each change: the row of a version says how it stood until then.
create table project_past (
  book_id    int4 not null,
  project_id uuid not null,
  version    int4 not null,
  until      timestamptz not null default now(),
  state      text not null,
  budget     int8 not null,
  primary key (book_id, project_id, version),
  foreign key (book_id, project_id) references project (book_id, id)
);

create table contract_past (
  book_id     int4 not null,
  contract_id uuid not null,
  version     int4 not null,
  until       timestamptz not null default now(),
  state       text not null,
  amount      int8 not null,
  advanced    int8 not null,
  applied     int8 not null,
  accepted    int8 not null,
  kept        int8 not null,
  forfeited   int8 not null,
  asked       int8 not null,
  asked_last  int8 not null,
  recovered   int8 not null,
  primary key (book_id, contract_id, version),
  foreign key (book_id, contract_id) references contract (book_id, id)
);

create table disbursement_past (
  book_id         int4 not null,
  disbursement_id uuid not null,
  version         int4 not null,
  until           timestamptz not null default now(),
  state           text not null,
  sent_on         date,
  primary key (book_id, disbursement_id, version),
  foreign key (book_id, disbursement_id) references disbursement (book_id, id)
);

do $$
declare
  t text;
begin
  foreach t in array array['project_past', 'contract_past', 'disbursement_past'] loop
    execute format('create trigger %1$s_append_only before update or delete on %1$s for each row execute function refuse_change()', t);
    execute format('create trigger %1$s_keep before truncate on %1$s for each statement execute function refuse_change()', t);
    execute format('call raise_wall(%L)', t);
  end loop;
end
$$;

grant select, insert on project_past, contract_past, disbursement_past to sunfund_app;
