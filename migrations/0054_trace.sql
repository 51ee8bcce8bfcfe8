-- Follow the money: the lines of ledger/projects/trace. All of it is made from the postings, and can be made again.

create table trace_cursor (
  book_id  int4 primary key,
  xid      xid8 not null default '0', -- of the last entry that was followed
  entry_id uuid not null default '00000000-0000-0000-0000-000000000000',
  seq      int8 not null default 0 -- of the last stretch
);

-- What came in. A lane is the campaign it was given to, or empty.
create table trace_in (
  book_id  int4 not null,
  fund_id  int4 not null,
  seq      int8 not null,
  at       int8 not null check (at >= 0), -- where its stretch begins on the lane
  amount   int8 not null check (amount > 0),
  entry_id uuid not null,
  entry_at int8 not null, -- where it begins in what the entry brought, over all funds
  lane     text not null,
  kind     text not null,
  primary key (book_id, fund_id, lane, seq)
);
create unique index trace_in_at on trace_in (book_id, fund_id, lane, at);
create index trace_in_entry on trace_in (book_id, entry_id);

-- What went out, less what came back of it.
create table trace_out (
  book_id  int4 not null,
  entry_id uuid not null,
  fund_id  int4 not null,
  seq      int8 not null,
  amount   int8 not null check (amount >= 0),
  entry_at int8 not null,
  day      date not null,
  kind     text not null,
  account  text not null, -- of the chart, where it went
  object   text not null, -- the record of its voucher
  project  text not null,
  primary key (book_id, entry_id, fund_id)
);
create index trace_out_object on trace_out (book_id, object) where object <> '';

-- Pieces of lanes: whose each is; nobody's waits.
create table trace_piece (
  book_id   int4 not null,
  fund_id   int4 not null,
  at        int8 not null,
  until     int8 not null check (until > at),
  out_entry uuid,
  out_at    int8 not null default 0, -- where it begins in what went out
  own       boolean not null default false, -- a gift that left with its own stretch
  lane      text not null,
  primary key (book_id, fund_id, lane, at)
);
create index trace_piece_out on trace_piece (book_id, out_entry, fund_id) where out_entry is not null;
create index trace_piece_free on trace_piece (book_id, fund_id) where out_entry is null;

-- What went out before there was anything to take.
create table trace_unmet (
  book_id   int4 not null,
  fund_id   int4 not null,
  seq       int8 not null,
  out_at    int8 not null,
  amount    int8 not null check (amount > 0),
  out_entry uuid not null,
  primary key (book_id, fund_id, seq, out_at)
);

-- Campaigns whose gifts pay a project before other money does.
create table project_campaign (
  book_id     int4 not null,
  project_id  uuid not null,
  campaign_id int4 not null,
  primary key (book_id, project_id, campaign_id),
  foreign key (book_id, project_id) references project (book_id, id),
  foreign key (book_id, campaign_id) references campaign (book_id, campaign_id)
);
create trigger project_campaign_append_only before update or delete on project_campaign for each row execute function refuse_change();
create trigger project_campaign_keep before truncate on project_campaign for each statement execute function refuse_change();

call raise_wall('trace_cursor');
call raise_wall('trace_in');
call raise_wall('trace_out');
call raise_wall('trace_piece');
call raise_wall('trace_unmet');
call raise_wall('project_campaign');

grant select, insert on trace_cursor, trace_in, trace_out, trace_piece, trace_unmet, project_campaign to sunfund_app;
grant update (xid, entry_id, seq) on trace_cursor to sunfund_app;
grant update (amount) on trace_out to sunfund_app;
grant update (until, out_entry, out_at, own) on trace_piece to sunfund_app;
grant delete on trace_piece, trace_unmet to sunfund_app;
