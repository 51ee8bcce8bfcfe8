-- Monthly giving by a letter each month: whoever gives pays with one tap, and nothing is taken by itself.

create table plan (
  book_id     int4 not null,
  id          uuid not null,
  donor_id    uuid not null,
  campaign_id int4 not null,
  first_gift  uuid not null, -- the started gift that it began with
  amount      int8 not null check (amount > 0), -- minor units of ccy, from the next letter on
  ccy         char(3) not null,
  day         int2 not null check (day between 1 and 28),
  anonymous   boolean not null,
  lang        text not null check (lang in ('zh-CN', 'en')),
  state       text not null check (state in ('new', 'active', 'paused', 'ended')), -- new: the first gift is not paid
  reason      text not null default '' check (reason in ('', 'donor', 'missed', 'campaign', 'erased', 'unpaid')),
  made_at     timestamptz not null,
  next_on     date not null,
  ended_at    timestamptz,
  primary key (book_id, id),
  unique (book_id, first_gift),
  check ((state = 'ended') = (ended_at is not null) and (state = 'ended') = (reason <> ''))
);
create index plan_due on plan (book_id, next_on) where state = 'active';
create index plan_new on plan (book_id, made_at) where state = 'new';
create index plan_donor on plan (book_id, donor_id);

-- One letter a month, whoever runs and how often. tries counts payments that failed.
create table plan_month (
  book_id     int4 not null,
  plan_id     uuid not null,
  month       date not null check (extract(day from month) = 1),
  amount      int8 not null check (amount > 0),
  reminded_at timestamptz not null,
  tries       int2 not null default 0 check (tries between 0 and 9),
  primary key (book_id, plan_id, month),
  foreign key (book_id, plan_id) references plan (book_id, id)
);

call raise_wall('plan');
call raise_wall('plan_month');

grant select, insert on plan, plan_month to sunfund_app;
grant update (amount, day, state, reason, next_on, ended_at) on plan to sunfund_app;
grant update (tries) on plan_month to sunfund_app;
