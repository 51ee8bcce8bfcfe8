-- A password that an admin has seen is no one's own: until its owner replaces it, a session of theirs opens that one page,
-- and they are given no role.
alter table person add column password_due boolean not null default false;
grant update (password_due) on person to sunfund_app;

-- Streets are renamed; their code, which entries and addresses carry, is not.
grant update (name_zh, name_en) on street to sunfund_app;
