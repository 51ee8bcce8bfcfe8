-- Figures that a book enters for itself say for which part of a country, legal form and right they hold, and until when: a rule newer than
-- the program needs no new program. How much of works is kept back is such a figure too, and no longer a constraint.

alter table law_param add column jurisdiction text not null default '*' check (jurisdiction ~ '^(\*|[A-Z]{2}(-[A-Z0-9]{1,6})?)$');
alter table law_param add column form text not null default '*' check (form in ('*', 'association', 'foundation', 'service'));
alter table law_param add column public text not null default '*' check (public in ('*', 'yes', 'no'));
alter table law_param add column valid_to date check (valid_to > valid_from); -- the first day on which it no longer holds
alter table law_param add column source text not null default '' check (length(source) <= 200);
alter table law_param drop constraint law_param_pkey;
alter table law_param add primary key (book_id, rule, name, jurisdiction, form, public, valid_from, entered_at);

alter table contract drop constraint contract_works;
alter table contract add constraint contract_works check (kind in ('service', 'works'));

-- Programs may read how the rules stand, and what is due.
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check check (cardinality(scopes) > 0 and scopes <@ array[
  'books:read', 'funds:read', 'campaigns:read', 'gifts:read', 'gifts:write', 'entries:read', 'entries:write', 'balances:read',
  'offline:read', 'offline:write', 'match:read', 'match:write', 'law:read']);
