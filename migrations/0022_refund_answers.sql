-- What a donor asked for stays as it was asked, whatever staff make of it; and who declines it tells the donor why.
alter table refund_order
  add column asked_amount int8 check (asked_amount > 0), -- of a donor's asking; null: asked by staff
  add column asked_reason text not null default '',
  add column asked_note   text not null default '',
  add column answer       text not null default '' check (answer = '' or state = 'declined');

alter table private.letter drop constraint letter_kind_check;
alter table private.letter add constraint letter_kind_check check (kind in ('sign_in', 'receipt', 'reminder', 'stopped', 'refund_declined'));
