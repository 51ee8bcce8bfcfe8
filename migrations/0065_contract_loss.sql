-- An advance that does not come back after a contract ended early is written off (E44): in all, and per source what its own fund bears.
alter table contract add column written_off int8 not null default 0 check (written_off >= 0 and recovered + written_off <= advanced - applied);
alter table contract_source add column lost int8 not null default 0 check (lost between 0 and amount);

grant update (written_off) on contract to sunfund_app;
grant update (lost) on contract_source to sunfund_app;
