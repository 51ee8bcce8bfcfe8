-- A file for the bank names the account that pays, as the bank knows it.
alter table disbursement_batch add column payer_account text not null default '' check (payer_account ~ '^[0-9A-Z-]{0,34}$');
