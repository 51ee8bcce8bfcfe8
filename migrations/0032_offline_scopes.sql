-- Programs may read and write offline records: bank receipts, pledges, gifts in kind, services.
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check check (cardinality(scopes) > 0 and scopes <@ array[
  'books:read', 'funds:read', 'campaigns:read', 'gifts:read', 'gifts:write', 'entries:read', 'entries:write', 'balances:read',
  'offline:read', 'offline:write']);
