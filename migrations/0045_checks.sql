-- What a check compared, and those parts that run at night.

alter table check_result add column compared int8 not null default 0;
alter table check_result drop constraint check_result_code_check;
alter table check_result add constraint check_result_code_check check (code ~ '^[EC][0-9]{1,2}n?$');
grant update (compared) on check_result to sunfund_app;

-- Which transaction closed: what enters its months by a later one went around the lock.
alter table period_close add column xid xid8 not null default pg_current_xact_id();
