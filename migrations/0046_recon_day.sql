-- A payout's rows may come before the payout: its day is told later. Kept apart from 0043, which has been given out.
grant update (day) on settlement to sunfund_app;
grant update (day) on open_ours to sunfund_app;
