-- Who must approve what, who has approved it, and the letters that say so.

-- Rules of a book: without one, a request needs one approver. Rules are ended, never changed. The strictest that
-- applies counts; with a window, the sum of what its maker asked for or its payee receives in it is looked at.
create table approval_rule (
  book_id      int4 not null,
  id           uuid not null,
  kind         text not null check (length(kind) between 1 and 40),
  from_amount  int8 not null check (from_amount >= 0), -- minor units
  window_hours int4 check (window_hours between 1 and 8784),
  approvers    int2 not null check (approvers between 1 and 5),
  role         text not null check (role in ('approver', 'admin')),
  made_at      timestamptz not null,
  ended_at     timestamptz,
  primary key (book_id, id)
);

-- One person's word on one version of a request.
create table approval_decision (
  book_id      int4 not null,
  approval_id  uuid not null,
  version      int4 not null,
  person_id    uuid not null,
  verdict      text not null check (verdict in ('approve', 'reject')),
  payload_hash bytea not null check (length(payload_hash) = 32),
  reason       text not null default '' check (length(reason) <= 1000),
  decided_at   timestamptz not null,
  primary key (book_id, approval_id, version, person_id),
  foreign key (book_id, approval_id) references approval (book_id, id),
  foreign key (book_id, person_id) references person (book_id, id)
);
create index approval_sum_maker on approval (book_id, made_by, state, decided_at);
create index approval_sum_payee on approval (book_id, payee, state, decided_at) where payee <> '';

create function check_decision() returns trigger language plpgsql as $$
begin
  if not exists (select from approval a
                  where a.book_id = new.book_id and a.id = new.approval_id and a.state = 'open' and a.made_by <> new.person_id
                    and a.payee <> 'person:' || new.person_id
                    and a.version = new.version and a.payload_hash = new.payload_hash) then
    raise exception 'approval % is not open to this decision', new.approval_id
      using errcode = 'integrity_constraint_violation', constraint = 'approval_decision_fits';
  end if;
  return new;
end
$$;

-- An approval stands on the words of as many people as it needed, each on exactly this version.
create function check_approved() returns trigger language plpgsql as $$
begin
  if new.needed > (select count(*) from approval_decision d
                    where d.book_id = new.book_id and d.approval_id = new.id and d.verdict = 'approve'
                      and d.version = new.version and d.payload_hash = new.payload_hash) then
    raise exception 'approval % lacks approvers', new.id
      using errcode = 'integrity_constraint_violation', constraint = 'approval_counted';
  end if;
  return null;
end
$$;

-- A letter waits here until it is delivered, so that it goes out with what it speaks of, or not at all. The address is
-- the person's own at the time of sending.
create table mail (
  book_id   int4 not null,
  id        uuid not null,
  person_id uuid not null,
  subject   text not null check (length(subject) between 1 and 500),
  body      text not null check (length(body) <= 4000),
  path      text not null check (path like '/%'), -- the page it leads to
  made_at   timestamptz not null,
  next_try  timestamptz not null,
  tries     int2 not null default 0,
  sent_at   timestamptz,
  primary key (book_id, id),
  foreign key (book_id, person_id) references person (book_id, id)
);
create index mail_waiting on mail (book_id, next_try) where sent_at is null;
create index mail_person on mail (book_id, person_id, id);

create trigger approval_decision_fits before insert on approval_decision for each row execute function check_decision();
create trigger approval_counted after update on approval for each row
  when (new.state = 'approved' and old.state = 'open') execute function check_approved();
create trigger approval_decision_append_only before update or delete on approval_decision for each row execute function refuse_change();
create trigger approval_decision_keep before truncate on approval_decision for each statement execute function refuse_change();
create trigger approval_rule_keep before delete on approval_rule for each row execute function refuse_change();

grant select, insert on approval_rule, approval_decision, mail to sunfund_app;
grant update (ended_at) on approval_rule to sunfund_app;
grant update (tries, next_try, sent_at) on mail to sunfund_app;
grant delete on mail to sunfund_app; -- only what is old
