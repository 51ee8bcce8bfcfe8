-- A final account may list thousands of payments. The first version has a reason where the account was published elsewhere before.
alter table project_account drop constraint project_account_body_check, drop constraint project_account_check;
alter table project_account
  add constraint project_account_body_check check (length(body) between 2 and 10000000),
  add constraint project_account_reason_check check (length(reason) <= 200 and (version = 1 or reason <> ''));
