-- Match of giving platforms beyond a memo: when it is income, what became of it after it had come, and settlements taken back.

-- When match is income. The last line holds for files booked after it; a book without a line recognises on receipt.
create table match_policy (
  book_id     int4 not null,
  number      int4 not null check (number > 0),
  recognition text not null check (recognition in ('on_receipt', 'on_condition_met')),
  reason      text not null check (length(reason) between 1 and 200),
  id          uuid not null, -- of the step that made it, whose history tells who
  made_at     timestamptz not null,
  primary key (book_id, number)
);

-- Match that was income as soon as it was earned: a gift of the platform's foundation that it owes until it pays.
create table platform_earned (
  book_id     int4 not null,
  file_id     uuid not null,
  campaign_id int4 not null,
  fund_id     int4 not null,
  gift_id     uuid not null,
  amount      int8 not null check (amount > 0),
  primary key (book_id, file_id, campaign_id)
);

-- Match that had come, and was frozen, freed or clawed back. A claw-back frees first what was frozen, under the same id.
create table platform_match_step (
  book_id     int4 not null,
  id          uuid not null,
  campaign_id int4 not null,
  kind        text not null check (kind in ('frozen', 'freed', 'clawed')),
  file_id     uuid not null,
  fund_id     int4 not null,
  cause       text not null default '' check (cause in ('', 'outside', 'own')),
  day         date not null,
  amount      int8 not null check (amount > 0),
  reason      text not null check (length(reason) between 1 and 200),
  primary key (book_id, id, campaign_id, kind),
  constraint platform_match_step_cause check ((cause <> '') = (kind = 'clawed'))
);
create index platform_match_step_file on platform_match_step (book_id, file_id);

-- A settlement that was typed wrong: its entry is reversed by another one, and both stay.
create table platform_undo (
  book_id       int4 not null,
  settlement_id uuid not null,
  entry_id      uuid not null,
  day           date not null,
  reason        text not null check (length(reason) between 1 and 200),
  primary key (book_id, settlement_id)
);

create trigger match_policy_append_only before update or delete on match_policy for each row execute function refuse_change();
create trigger match_policy_keep before truncate on match_policy for each statement execute function refuse_change();
create trigger platform_earned_append_only before update or delete on platform_earned for each row execute function refuse_change();
create trigger platform_earned_keep before truncate on platform_earned for each statement execute function refuse_change();
create trigger platform_match_step_append_only before update or delete on platform_match_step for each row execute function refuse_change();
create trigger platform_match_step_keep before truncate on platform_match_step for each statement execute function refuse_change();
create trigger platform_undo_append_only before update or delete on platform_undo for each row execute function refuse_change();
create trigger platform_undo_keep before truncate on platform_undo for each statement execute function refuse_change();

call raise_wall('match_policy');
call raise_wall('platform_earned');
call raise_wall('platform_match_step');
call raise_wall('platform_undo');

grant select, insert on match_policy, platform_earned, platform_match_step, platform_undo to sunfund_app;
