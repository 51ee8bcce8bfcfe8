-- Projects of a street's funds: who is paid (收款单位), what was approved, contracts with their sources, delivery, payments.

create table payee (
  book_id    int4 not null,
  id         uuid not null,
  number     int4 not null,
  kind       text not null check (kind in ('organisation', 'household')),
  name       text not null check (length(name) between 1 and 100), -- of a household its code only: the name is sealed under donor_id
  standing   text not null check (standing in ('registered', 'filed', 'other')),
  code       text not null check (length(code) <= 40), -- credit code or filing number
  services   text not null check (length(services) <= 200),
  contact    text not null check (length(contact) <= 100),
  street_id  int4, -- of a household: whose officer sees it
  donor_id   uuid,
  credit     text not null check (credit in ('good', 'warned', 'barred')),
  state      text not null check (state in ('entered', 'verified', 'locked')), -- locked: a payment came back
  account_id uuid,
  verified_at timestamptz,
  entered_by uuid not null,
  version    int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, street_id) references street (book_id, street_id),
  constraint payee_household check ((kind = 'household') = (donor_id is not null) and (kind = 'organisation' or street_id is not null))
);
create unique index payee_code on payee (book_id, code) where code <> '';

-- Where an organisation's money goes. A change is a new row that another person approved; it may be used after a cooling time.
create table payee_account (
  book_id   int4 not null,
  id        uuid not null,
  payee_id  uuid not null,
  holder    text not null check (length(holder) between 1 and 100),
  bank      text not null check (length(bank) between 1 and 100),
  bank_code text not null check (bank_code ~ '^([0-9]{12})?$'), -- 联行号
  number    text not null check (number ~ '^[0-9A-Z]{6,34}$'),
  asked_by  uuid not null,
  agreed_by uuid not null,
  agreed_at timestamptz not null,
  usable_at timestamptz not null,
  primary key (book_id, id),
  foreign key (book_id, payee_id) references payee (book_id, id),
  constraint payee_account_second_person check (agreed_by <> asked_by),
  constraint payee_account_cooling check (usable_at > agreed_at)
);
create index payee_account_payee on payee_account (book_id, payee_id, agreed_at);

create table project (
  book_id      int4 not null,
  id           uuid not null,
  number       int4 not null,
  title        text not null check (length(title) between 1 and 100),
  fund_id      int4 not null,
  street_id    int4, -- of its fund
  community    text not null check (length(community) <= 100),
  plan         text not null check (length(plan) between 1 and 2000),
  poll_id      uuid, -- the residents' vote that chose it, and its place there
  poll_place   int2,
  people       int4 not null check (people between 0 and 10000000),
  homes        int4 not null check (homes between 0 and 10000), -- families that share the cost
  budget       int8 not null default 0 check (budget >= 0),
  committed    int8 not null default 0, -- by its contracts
  state        text not null check (state in ('draft', 'approved', 'ended', 'dropped')),
  starts_on    date not null,
  ends_on      date not null check (ends_on >= starts_on),
  ended_on     date,
  publish_by   date,
  published_on date,
  published_at text not null default '' check (length(published_at) <= 200),
  entered_by   uuid not null,
  version      int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, fund_id) references fund (book_id, fund_id),
  foreign key (book_id, poll_id, poll_place) references poll_option (book_id, poll_id, place),
  constraint project_committed check (committed between 0 and budget),
  constraint project_ended check ((state = 'ended') = (ended_on is not null) and (ended_on is null) = (publish_by is null))
);
create index project_street on project (book_id, street_id, number);

create table project_item (
  book_id    int4 not null,
  project_id uuid not null,
  position   int2 not null,
  label      text not null check (length(label) between 1 and 100),
  amount     int8 not null check (amount > 0),
  primary key (book_id, project_id, position),
  foreign key (book_id, project_id) references project (book_id, id)
);

-- How the four sides are weighed and what each grade pays. A scheme is never changed; a new one is another number.
create table assess_scheme (
  book_id int4 not null,
  scheme  int4 not null,
  part    text not null check (part in ('side', 'grade')),
  code    text not null,
  value   int4 not null check (value between 0 and 10000), -- weight, or least points in hundredths
  pays    int4 not null check (pays between 0 and 10000),
  primary key (book_id, scheme, part, code)
);

create table contract (
  book_id    int4 not null,
  id         uuid not null,
  number     int4 not null,
  code       text not null check (length(code) between 1 and 40), -- number on the paper
  project_id uuid not null,
  payee_id   uuid not null,
  title      text not null check (length(title) between 1 and 100),
  kind       text not null check (kind in ('works', 'service')),
  draws      text not null check (draws in ('pro_rata', 'waterfall', 'specific')),
  amount     int8 not null default 0 check (amount >= 0),
  advance    int8 not null check (advance >= 0), -- most that may be paid before delivery
  kept_bp    int4 not null check (kept_bp between 0 and 10000), -- of each acceptance kept back: retention, or last instalment
  scheme     int4 not null default 0,
  signed_on  date,
  ends_on    date not null,
  state      text not null check (state in ('draft', 'signed', 'stopped', 'terminated', 'closed', 'void')),
  advanced   int8 not null default 0,
  applied    int8 not null default 0,
  accepted   int8 not null default 0,
  kept       int8 not null default 0,
  forfeited  int8 not null default 0,
  asked      int8 not null default 0, -- payments approved or made of what is owed
  asked_last int8 not null default 0, -- of what is kept
  recovered  int8 not null default 0, -- of an advance after the contract ended early
  entered_by uuid not null,
  version    int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, project_id) references project (book_id, id),
  foreign key (book_id, payee_id) references payee (book_id, id),
  constraint contract_sums check (advanced between 0 and advance and applied between 0 and advanced and accepted between 0 and amount
    and kept between 0 and accepted and forfeited >= 0 and asked between 0 and accepted - applied - kept and asked_last between 0 and kept - forfeited
    and recovered between 0 and advanced - applied),
  constraint contract_works check (kind = 'service' or kept_bp <= 300)
);
create unique index contract_code on contract (book_id, code) where state <> 'void';
create index contract_project on contract (book_id, project_id, number);
create index contract_payee on contract (book_id, payee_id, number);

-- Whose money pays a contract, in the order in which it is drawn. Its sums: open is promised and undelivered, prepaid an advance not yet
-- worked off, drawn the cost it bore, owed and kept what the other side may still ask for.
create table contract_source (
  book_id     int4 not null,
  contract_id uuid not null,
  position    int2 not null check (position between 1 and 9),
  fund_id     int4 not null,
  treatment   text not null check (treatment in ('service', 'grant', 'agency', 'off_book', 'gift', 'own')),
  payer       text not null check (length(payer) between 1 and 100),
  party       text not null check (length(party) <= 40), -- of agency money: for whom it is held
  amount      int8 not null check (amount > 0),
  open        int8 not null check (open >= 0),
  prepaid     int8 not null default 0 check (prepaid >= 0),
  drawn       int8 not null default 0 check (drawn >= 0),
  owed        int8 not null default 0 check (owed >= 0),
  kept        int8 not null default 0 check (kept >= 0),
  received    int8 not null default 0 check (received >= 0), -- by the payer for this contract
  due_back    int8 not null default 0 check (due_back >= 0),
  given_back  int8 not null default 0 check (given_back >= 0),
  primary key (book_id, contract_id, position),
  foreign key (book_id, contract_id) references contract (book_id, id),
  foreign key (book_id, fund_id) references fund (book_id, fund_id)
);

create table contract_milestone (
  book_id     int4 not null,
  contract_id uuid not null,
  position    int2 not null check (position between 1 and 60),
  title       text not null check (length(title) between 1 and 100),
  due_on      date not null,
  amount      int8 not null check (amount > 0),
  source      int2, -- which one pays, where each stage names it
  accepted    int8 not null default 0 check (accepted between 0 and amount), -- by the street; booked once state says so
  state       text not null check (state in ('planned', 'inspected', 'refused', 'accepted')),
  inspected_by uuid,
  accepted_on date,
  primary key (book_id, contract_id, position),
  foreign key (book_id, contract_id) references contract (book_id, id)
);

create table contract_visit (
  book_id      int4 not null,
  id           uuid not null,
  contract_id  uuid not null,
  day          date not null,
  by_person    uuid not null,
  report       text not null check (length(report) between 1 and 1000),
  person_times int4 not null check (person_times between 0 and 10000000),
  people       int4 not null check (people between 0 and 10000000),
  finding      text not null check (length(finding) <= 400),
  due_on       date,
  answer       text not null default '' check (length(answer) <= 400),
  state        text not null check (state in ('fine', 'open', 'answered', 'settled')),
  primary key (book_id, id),
  foreign key (book_id, contract_id) references contract (book_id, id),
  constraint contract_visit_finding check ((finding = '') = (due_on is null) and (finding = '') = (state = 'fine'))
);
create index contract_visit_contract on contract_visit (book_id, contract_id, day);

-- One side's word. Nobody speaks for two sides.
create table contract_score (
  book_id     int4 not null,
  contract_id uuid not null,
  phase       text not null check (phase in ('middle', 'end')),
  round       int2 not null,
  side        text not null check (side in ('street', 'provider', 'residents', 'independent')),
  by_person   uuid not null,
  points      int4 not null check (points between 0 and 100),
  note        text not null check (length(note) between 1 and 400),
  at          timestamptz not null,
  primary key (book_id, contract_id, phase, round, side),
  unique (book_id, contract_id, phase, round, by_person),
  foreign key (book_id, contract_id) references contract (book_id, id)
);

create table disbursement_batch (
  book_id   int4 not null,
  id        uuid not null,
  number    int4 not null,
  bank      text not null check (bank in ('bank.basic', 'bank.online', 'bank.agency')),
  day       date not null,
  payments  int4 not null check (payments > 0),
  total     int8 not null check (total > 0),
  made_by   uuid not null,
  made_at   timestamptz not null,
  primary key (book_id, id),
  unique (book_id, number)
);

create table disbursement (
  book_id     int4 not null,
  id          uuid not null,
  number      int4 not null,
  kind        text not null check (kind in ('advance', 'stage', 'last', 'aid')),
  contract_id uuid,
  fund_id     int4, -- of aid without a contract
  payee_id    uuid not null,
  account_id  uuid, -- of an organisation
  bank        text not null check (bank in ('bank.basic', 'bank.online', 'bank.agency')),
  amount      int8 not null check (amount > 0),
  invoice     text not null check (length(invoice) <= 60),
  purpose     text not null check (length(purpose) between 1 and 100),
  retry_of    uuid,
  state       text not null check (state in ('asked', 'approved', 'sent', 'paid', 'bounced', 'dropped')),
  batch_id    uuid,
  sent_on     date,
  paid_on     date,
  bank_ref    text not null default '' check (length(bank_ref) <= 100),
  asked_by    uuid not null,
  version     int4 not null default 1,
  primary key (book_id, id),
  unique (book_id, number),
  foreign key (book_id, payee_id) references payee (book_id, id),
  foreign key (book_id, contract_id) references contract (book_id, id),
  foreign key (book_id, batch_id) references disbursement_batch (book_id, id),
  constraint disbursement_kind check ((kind = 'aid') = (contract_id is null) and (kind = 'aid') = (fund_id is not null))
);
create unique index disbursement_invoice on disbursement (book_id, payee_id, invoice) where invoice <> '' and state not in ('bounced', 'dropped');
create unique index disbursement_retry on disbursement (book_id, retry_of) where retry_of is not null and state <> 'dropped';
create index disbursement_state on disbursement (book_id, bank, state);
create index disbursement_contract on disbursement (book_id, contract_id, number);

create table disbursement_share (
  book_id   int4 not null,
  disbursement_id uuid not null,
  position  int2 not null, -- of the contract's source
  amount    int8 not null check (amount > 0),
  primary key (book_id, disbursement_id, position),
  foreign key (book_id, disbursement_id) references disbursement (book_id, id)
);

create trigger payee_keep before delete on payee for each row execute function refuse_change();
create trigger payee_account_append_only before update or delete on payee_account for each row execute function refuse_change();
create trigger payee_account_keep before truncate on payee_account for each statement execute function refuse_change();
create trigger project_keep before delete on project for each row execute function refuse_change();
create trigger assess_scheme_append_only before update or delete on assess_scheme for each row execute function refuse_change();
create trigger assess_scheme_keep before truncate on assess_scheme for each statement execute function refuse_change();
create trigger contract_keep before delete on contract for each row execute function refuse_change();
create trigger contract_score_append_only before update or delete on contract_score for each row execute function refuse_change();
create trigger contract_score_keep before truncate on contract_score for each statement execute function refuse_change();
create trigger contract_visit_keep before delete on contract_visit for each row execute function refuse_change();
create trigger disbursement_keep before delete on disbursement for each row execute function refuse_change();
create trigger disbursement_batch_append_only before update or delete on disbursement_batch for each row execute function refuse_change();
create trigger disbursement_batch_keep before truncate on disbursement_batch for each statement execute function refuse_change();
create trigger disbursement_share_append_only before update or delete on disbursement_share for each row execute function refuse_change();
create trigger disbursement_share_keep before truncate on disbursement_share for each statement execute function refuse_change();

call raise_wall('payee');
call raise_wall('payee_account');
call raise_wall('project');
call raise_wall('project_item');
call raise_wall('assess_scheme');
call raise_wall('contract');
call raise_wall('contract_source');
call raise_wall('contract_milestone');
call raise_wall('contract_visit');
call raise_wall('contract_score');
call raise_wall('disbursement_batch');
call raise_wall('disbursement');
call raise_wall('disbursement_share');

grant select, insert on payee, payee_account, project, project_item, assess_scheme, contract, contract_source, contract_milestone, contract_visit, contract_score,
  disbursement_batch, disbursement, disbursement_share to sunfund_app;
grant update (services, contact, credit, state, account_id, verified_at, version) on payee to sunfund_app;
grant update (poll_id, poll_place, budget, committed, state, ended_on, publish_by, published_on, published_at, version) on project to sunfund_app;
grant delete on project_item, contract_source, contract_milestone to sunfund_app; -- of drafts
grant update (amount, scheme, signed_on, state, advanced, applied, accepted, kept, forfeited, asked, asked_last, recovered, version) on contract to sunfund_app;
grant update (amount, open, prepaid, drawn, owed, kept, received, due_back, given_back) on contract_source to sunfund_app;
grant update (accepted, state, inspected_by, accepted_on) on contract_milestone to sunfund_app;
grant update (answer, state) on contract_visit to sunfund_app;
grant update (state, batch_id, sent_on, paid_on, bank_ref, version) on disbursement to sunfund_app;
