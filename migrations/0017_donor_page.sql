-- The donor's own page: letters that hold no address, sign-in by a letter, and what a donor wishes of the name afterwards.

-- Asked for at the form and looked up later: a request writes one row, whether anybody has the address or not.
create table private.sign_in (
  book_id     int4 not null,
  id          uuid not null,
  email_index int8[] not null,  -- where the address may be found; emptied once it was looked for
  browser     bytea not null check (length(browser) = 32), -- hash of what the asking browser holds
  lang        text not null check (lang in ('zh-CN', 'en')),
  asked_at    timestamptz not null,
  ends_at     timestamptz not null,
  donor_id    uuid,
  token       bytea check (length(token) = 32), -- hash of what the letter holds
  used_at     timestamptz,
  primary key (book_id, id),
  check ((donor_id is null) = (token is null))
);
create index sign_in_waiting on private.sign_in (book_id, asked_at) where donor_id is null;
create unique index sign_in_token on private.sign_in (book_id, token) where token is not null;
create index sign_in_old on private.sign_in (book_id, ends_at);

create table private.donor_session (
  book_id  int4 not null,
  token    bytea not null check (length(token) = 32), -- hash
  donor_id uuid not null,
  made_at  timestamptz not null,
  ends_at  timestamptz not null,
  primary key (book_id, token)
);
create index donor_session_donor on private.donor_session (book_id, donor_id);

-- To whom and about what. Address and words are opened when it is sent; of an erased donor nothing can be.
create table private.letter (
  book_id    int4 not null,
  id         uuid not null,
  donor_id   uuid not null,
  kind       text not null check (kind in ('sign_in', 'receipt', 'reminder', 'stopped')),
  about      uuid not null,  -- the gift or plan
  lang       text not null check (lang in ('zh-CN', 'en')),
  secret     bytea,          -- of the link, sealed by the donor's key; gone once it is sent
  made_at    timestamptz not null,
  next_try   timestamptz not null,
  tries      int2 not null default 0,
  sent_at    timestamptz,
  primary key (book_id, id)
);
create index letter_waiting on private.letter (book_id, next_try) where sent_at is null;
create index letter_donor on private.letter (book_id, donor_id);

-- gift.anonymity is what was said when it was given, and stays. The last wish counts.
create table gift_wish (
  book_id   int4 not null,
  gift_id   uuid not null,
  n         int4 not null check (n > 0),
  anonymous boolean not null,
  wished_at timestamptz not null,
  primary key (book_id, gift_id, n)
);
create trigger gift_wish_append_only before update or delete on gift_wish for each row execute function refuse_change();
create trigger gift_wish_keep before truncate on gift_wish for each statement execute function refuse_change();

call raise_wall('private.sign_in');
call raise_wall('private.donor_session');
call raise_wall('private.letter');
call raise_wall('gift_wish');

grant select, insert, delete on private.sign_in, private.donor_session, private.letter to sunfund_app;
grant update (email_index, ends_at, donor_id, token, used_at) on private.sign_in to sunfund_app;
grant update (secret, next_try, tries, sent_at) on private.letter to sunfund_app;
grant select, insert on gift_wish to sunfund_app;
