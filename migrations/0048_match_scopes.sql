-- Programs may read events of match, and ask for their steps: what moves money waits for a second person as ever.
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check check (cardinality(scopes) > 0 and scopes <@ array[
  'books:read', 'funds:read', 'campaigns:read', 'gifts:read', 'gifts:write', 'entries:read', 'entries:write', 'balances:read',
  'offline:read', 'offline:write', 'match:read', 'match:write']);
