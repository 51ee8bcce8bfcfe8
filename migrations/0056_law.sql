-- Under which law an association stands, figures of its own that rules ask for, and facts that no entry tells.
-- The rules' figures from statutes are data of the program (ledger/law/params.csv); what stands here goes before them.

create table law_profile (
  book_id      int4 not null,
  valid_from   date not null,
  jurisdiction text not null check (jurisdiction ~ '^[A-Z]{2}(-[A-Z0-9]{1,6})?$'), -- a country, or a part of one
  form         text not null check (form in ('association', 'foundation', 'service')),
  public       boolean not null, -- may raise from the public (公开募捐资格)
  code         text not null check (code ~ '^([0-9A-Z]{18})?$'), -- unified social credit code
  entered_by   uuid,
  entered_at   timestamptz not null,
  primary key (book_id, valid_from, entered_at)
);

create table law_param (
  book_id    int4 not null,
  rule       text not null check (rule ~ '^R[0-9]{2}b?$'),
  name       text not null check (name ~ '^[a-z0-9_.]{1,40}$'),
  valid_from date not null,
  value      text not null check (length(value) between 1 and 100),
  article    text not null check (length(article) between 1 and 200), -- where it is written
  entered_by uuid not null,
  entered_at timestamptz not null,
  primary key (book_id, rule, name, valid_from, entered_at)
);

-- The newest fact of one rule, object, item and year stands; earlier ones stay to be read.
create table law_fact (
  book_id    int4 not null,
  id         uuid not null,
  rule       text not null check (rule ~ '^R[0-9]{2}b?$'),
  item       text not null check (item ~ '^[a-z_]{2,30}$'),
  object     text not null check (object ~ '^[a-z]+(:[0-9a-f-]{1,40})?$'), -- "book", "campaign:3", "fund:2", "payee:…", "contract:…"
  year       int4 not null check (year = 0 or year between 1900 and 9999), -- of a yearly figure
  day        date,
  until      date,
  amount     int8 not null check (abs(amount) <= 1000000000000000),
  words      text not null check (length(words) <= 400),
  entered_by uuid not null,
  second     uuid,
  entered_at timestamptz not null,
  primary key (book_id, id),
  constraint law_fact_second_person check (second <> entered_by)
);
create index law_fact_item on law_fact (book_id, rule, object, item, year);

create trigger law_profile_append_only before update or delete on law_profile for each row execute function refuse_change();
create trigger law_profile_keep before truncate on law_profile for each statement execute function refuse_change();
create trigger law_param_append_only before update or delete on law_param for each row execute function refuse_change();
create trigger law_param_keep before truncate on law_param for each statement execute function refuse_change();
create trigger law_fact_append_only before update or delete on law_fact for each row execute function refuse_change();
create trigger law_fact_keep before truncate on law_fact for each statement execute function refuse_change();

call raise_wall('law_profile');
call raise_wall('law_param');
call raise_wall('law_fact');

grant select, insert on law_profile, law_param, law_fact to sunfund_app;
