-- Files that take long are made in a line of their own, so that short ones do not wait behind them. A program before this one makes both in one line.
alter table export_run add column slow boolean not null default false;
grant update (slow) on export_run to sunfund_app;
