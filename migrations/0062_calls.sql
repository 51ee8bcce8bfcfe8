-- Calls for proposals (征集), proposals of organisations (申报), their review (评审), public notice with objections, and award.

-- Who signs in for an organisation of the directory. Two people say so.
create table payee_person (
  book_id   int4 not null,
  payee_id  uuid not null,
  person_id uuid not null,
  asked_by  uuid not null,
  agreed_by uuid not null,
  since     timestamptz not null,
  ended_at  timestamptz,
  primary key (book_id, payee_id, person_id, since),
  foreign key (book_id, payee_id) references payee (book_id, id),
  constraint payee_person_second_person check (agreed_by <> asked_by and person_id not in (asked_by, agreed_by))
);
create unique index payee_person_now on payee_person (book_id, person_id, payee_id) where ended_at is null;

create table call (
  book_id      int4 not null,
  id           uuid not null,
  number       int4 not null,
  street_id    int4 not null,
  title        text not null check (length(title) between 2 and 80),
  about        text not null check (length(about) between 1 and 2000),
  opens_at     timestamptz not null,
  closes_at    timestamptz not null,
  budget       int8 not null default 0 check (budget >= 0), -- of its sources
  each_most    int8 not null check (each_most >= 0),        -- of one proposal; zero: the budget
  per_firm     int2 not null check (per_firm between 1 and 20),
  standings    text[] not null check (cardinality(standings) > 0 and standings <@ array['registered', 'filed', 'other']),
  credit       text not null check (credit in ('good', 'warned')), -- the least
  rating_least int4 not null check (rating_least between 0 and 10000), -- hundredths of a point, of finished contracts; zero: none asked for
  renew_least  int4 not null check (renew_least between 0 and 10000),
  renew_points int4 not null check (renew_points between 0 and 20),    -- added from that rating on
  reviews      int2 not null check (reviews between 1 and 9),          -- scores that each proposal needs
  pass         int4 not null check (pass between 0 and 10000),         -- hundredths of a point
  ties         text[] not null check (ties <@ array['cost', 'people', 'filed']),
  notice_days  int2 not null check (notice_days between 1 and 60),
  state        text not null check (state in ('draft', 'open', 'notice', 'settled', 'void')),
  published_at timestamptz,
  notice_from  timestamptz,
  notice_until timestamptz,
  made_by      uuid not null,
  version      int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, street_id) references street (book_id, street_id),
  constraint call_days check (opens_at < closes_at),
  constraint call_notice check ((notice_from is null) = (notice_until is null) and notice_from < notice_until and (state not in ('notice', 'settled') or notice_from is not null))
);
create index call_street on call (book_id, street_id, number);

create table call_source (
  book_id   int4 not null,
  call_id   uuid not null,
  position  int2 not null check (position between 1 and 9),
  fund_id   int4 not null,
  treatment text not null check (treatment in ('service', 'grant', 'agency', 'off_book', 'gift', 'own')),
  payer     text not null check (length(payer) between 1 and 100),
  amount    int8 not null check (amount > 0),
  primary key (book_id, call_id, position),
  foreign key (book_id, call_id) references call (book_id, id),
  foreign key (book_id, fund_id) references fund (book_id, fund_id)
);

create table call_criterion (
  book_id  int4 not null,
  call_id  uuid not null,
  position int2 not null check (position between 1 and 12),
  label    text not null check (length(label) between 1 and 60),
  points   int4 not null check (points between 1 and 100), -- the most; they add up to 100
  primary key (book_id, call_id, position),
  foreign key (book_id, call_id) references call (book_id, id)
);

create table call_reviewer (
  book_id   int4 not null,
  call_id   uuid not null,
  person_id uuid not null,
  primary key (book_id, call_id, person_id),
  foreign key (book_id, call_id) references call (book_id, id)
);

create table proposal (
  book_id    int4 not null,
  id         uuid not null,
  number     int4 not null,
  call_id    uuid, -- null: from an intent, without a call
  street_id  int4 not null,
  fund_id    int4 not null, -- on which the project's budget will stand
  payee_id   uuid not null,
  title      text not null check (length(title) between 2 and 80),
  plan       text not null check (length(plan) between 1 and 2000),
  place      text not null check (length(place) <= 100),
  people     int4 not null check (people between 0 and 1000000),
  starts_on  date not null,
  ends_on    date not null check (ends_on >= starts_on),
  amount     int8 not null default 0 check (amount >= 0), -- of its items
  need_id    uuid,
  intent_id  uuid,
  state      text not null check (state in ('draft', 'filed', 'eligible', 'refused', 'withdrawn', 'chosen', 'reserve', 'awarded', 'declined')),
  checks     jsonb not null default '[]', -- each rule of eligibility, what it asks for and what is
  verdict    text not null default '' check (length(verdict) <= 400),
  points     int4,
  rank       int2,
  poll_id    uuid,
  poll_place int2,
  project_id uuid,
  filed_at   timestamptz,
  entered_by uuid not null,
  version    int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, call_id) references call (book_id, id),
  foreign key (book_id, street_id) references street (book_id, street_id),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  foreign key (book_id, payee_id) references payee (book_id, id),
  foreign key (book_id, need_id) references need_item (book_id, id),
  foreign key (book_id, intent_id) references need_intent (book_id, id),
  foreign key (book_id, project_id) references project (book_id, id),
  foreign key (book_id, poll_id, poll_place) references poll_option (book_id, poll_id, place),
  constraint proposal_awarded check ((state = 'awarded') = (project_id is not null)),
  constraint proposal_ranked check ((points is null) = (rank is null) and (state not in ('chosen', 'reserve') or rank is not null))
);
create index proposal_call on proposal (book_id, call_id, number);
create index proposal_payee on proposal (book_id, payee_id, number);
create unique index proposal_intent on proposal (book_id, intent_id) where intent_id is not null and state not in ('withdrawn', 'refused');
create unique index proposal_project on proposal (book_id, project_id) where project_id is not null;

create table proposal_item (
  book_id     int4 not null,
  proposal_id uuid not null,
  position    int2 not null,
  label       text not null check (length(label) between 1 and 100),
  amount      int8 not null check (amount > 0),
  primary key (book_id, proposal_id, position),
  foreign key (book_id, proposal_id) references proposal (book_id, id)
);

-- One reviewer's word on one proposal, once: points for each criterion, or a conflict of interest that keeps her from giving any.
create table proposal_review (
  book_id     int4 not null,
  proposal_id uuid not null,
  person_id   uuid not null,
  conflict    text not null check (length(conflict) <= 200),
  points      int4[] not null,
  note        text not null check (length(note) <= 400),
  at          timestamptz not null,
  primary key (book_id, proposal_id, person_id),
  foreign key (book_id, proposal_id) references proposal (book_id, id),
  constraint proposal_review_conflict check ((conflict = '') = (cardinality(points) > 0))
);

-- Who objects is a resident by her code, or staff who took a letter in; the public sees what was said and answered.
create table call_objection (
  book_id     int4 not null,
  id          uuid not null,
  call_id     uuid not null,
  proposal_id uuid,
  body        text not null check (length(body) between 2 and 400),
  resident_id uuid,
  person_id   uuid,
  filed_at    timestamptz not null,
  state       text not null check (state in ('open', 'rejected', 'upheld')),
  answer      text not null default '' check (length(answer) <= 400),
  answered_at timestamptz,
  primary key (book_id, id),
  foreign key (book_id, call_id) references call (book_id, id),
  foreign key (book_id, proposal_id) references proposal (book_id, id),
  constraint call_objection_who check (num_nonnulls(resident_id, person_id) = 1),
  constraint call_objection_answer check ((state = 'open') = (answered_at is null) and (answered_at is null) = (answer = ''))
);
create index call_objection_call on call_objection (book_id, call_id, filed_at);

create trigger payee_person_keep before delete on payee_person for each row execute function refuse_change();
create trigger call_keep before delete on call for each row execute function refuse_change();
create trigger call_source_append_only before update or delete on call_source for each row execute function refuse_change();
create trigger call_criterion_append_only before update or delete on call_criterion for each row execute function refuse_change();
create trigger call_reviewer_append_only before update or delete on call_reviewer for each row execute function refuse_change();
create trigger proposal_keep before delete on proposal for each row execute function refuse_change();
create trigger proposal_review_append_only before update or delete on proposal_review for each row execute function refuse_change();
create trigger proposal_review_keep before truncate on proposal_review for each statement execute function refuse_change();
create trigger call_objection_keep before delete on call_objection for each row execute function refuse_change();

call raise_wall('payee_person');
call raise_wall('call');
call raise_wall('call_source');
call raise_wall('call_criterion');
call raise_wall('call_reviewer');
call raise_wall('proposal');
call raise_wall('proposal_item');
call raise_wall('proposal_review');
call raise_wall('call_objection');

grant select, insert on payee_person, call, call_source, call_criterion, call_reviewer, proposal, proposal_review, call_objection to sunfund_app;
grant select, insert, delete on proposal_item to sunfund_app; -- of drafts
grant update (ended_at) on payee_person to sunfund_app;
grant update (budget, state, published_at, notice_from, notice_until, version) on call to sunfund_app;
grant update (amount, state, checks, verdict, points, rank, poll_id, poll_place, project_id, filed_at, version) on proposal to sunfund_app;
grant update (state, answer, answered_at) on call_objection to sunfund_app;
